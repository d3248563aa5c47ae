"""Random numbers that depend on seed, view, content and purpose, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from core.augment.draws import generator

GIVEN = (3, 1, "ab" * 32, "rotation")


def numbers(*given: object) -> list[float]:
    return generator(*given).random(4).tolist()  # type: ignore[arg-type]


def test_the_same_four_give_the_same_numbers_whatever_was_drawn_before():
    first = numbers(*GIVEN)
    numbers(4, 1, "ab" * 32, "flip")
    np.random.default_rng(0).random(5)
    assert numbers(*GIVEN) == first


def test_the_numbers_of_kept_views_stay():
    """Cached views are kept between versions: other numbers would need another `core.augment.augmenter.VERSION`."""
    assert numbers(*GIVEN) == pytest.approx([0.3559950, 0.4843747, 0.0606999, 0.1194329], abs=1e-6)


@pytest.mark.parametrize("changed", [(4, 1, "ab" * 32, "rotation"), (3, 2, "ab" * 32, "rotation"),
                                     (3, 1, "ac" * 32, "rotation"), (3, 1, "ab" * 32, "zoom")])
def test_each_of_the_four_decides(changed):
    assert not set(numbers(*GIVEN)) & set(numbers(*changed))


def test_seed_and_view_do_not_run_into_each_other():
    assert numbers(1, 11, "a", "flip") != numbers(11, 1, "a", "flip") != numbers(1, 1, "1a", "flip")


def test_numbers_of_many_images_are_uniform():
    found = np.array([generator(0, 1, f"{index:064x}", "flip").random() for index in range(4000)])
    assert abs(found.mean() - 0.5) < 0.02 and abs(found.std() - 12**-0.5) < 0.01
    assert np.histogram(found, 10, (0, 1))[0].min() > 330
