"""McNemar's exact test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from core.scoring.paired import mcnemar


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (5, 1), (10, 2), (3, 3), (40, 20), (600, 500)])
def test_it_is_the_binomial_test_on_what_they_disagree_on(won, lost):
    first = np.array([True] * won + [False] * lost + [True] * 7)
    second = np.array([False] * won + [True] * lost + [True] * 7)
    expected = binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9) == mcnemar(second, first)
