"""Two classifiers on the same images: is the difference more than chance?"""

from __future__ import annotations

from math import comb, log

import numpy as np


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """The probability of a difference at least as large where both are as good, by McNemar's exact test: of the images
    on which one alone is right, each is a coin's throw (McNemar, Psychometrika 12, 1947; the exact form: Agresti,
    Categorical Data Analysis, section 10.1.2).

    Args:
        first, second: Whether each was right, bool [n].

    Returns:
        The two-sided p-value, 1 where they are right on the same images.
    """
    won, lost = int((first & ~second).sum()), int((second & ~first).sum())
    differ = won + lost
    if differ == 0:
        return 1.0
    if differ > 1000:  # 2**n leaves the range of floats: the sum of logarithms instead
        from scipy.stats import binomtest

        return float(binomtest(won, differ).pvalue)
    tail = sum(comb(differ, count) for count in range(max(won, lost), differ + 1))
    return min(1.0, 2.0 ** (1 + log(tail, 2) - differ))
