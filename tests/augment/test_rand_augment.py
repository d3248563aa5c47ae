"""RandAugment, beside the ranges that its paper's implementations use."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from core.augment.rand_augment import OPERATIONS, _Draw, rand_augment

SIZE = 32
IMAGE = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


def done(name: str, level: float, sign: float = 1.0, image: np.ndarray = IMAGE) -> np.ndarray:
    return OPERATIONS[name](image, _Draw(level, sign, "constant"))


def test_there_are_the_fourteen_of_the_paper():
    assert len(OPERATIONS) == 14


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_one_gives_an_image_of_the_same_kind(name):
    for sign in (-1.0, 1.0):
        found = done(name, 0.7, sign)
        assert (found.shape, found.dtype) == (IMAGE.shape, np.uint8)
        unchanged = name in ("identity", "autocontrast")  # the image has all the contrast there is
        assert np.array_equal(found, IMAGE) == unchanged


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"autocontrast", "equalize", "solarize"}))
def test_without_strength_nothing_changes(name):
    np.testing.assert_array_equal(done(name, 0.0), IMAGE)


def test_at_the_greatest_strength():
    moved = round(150 / 331 * SIZE)
    np.testing.assert_array_equal(done("translate_x", 1.0)[:, :-moved], IMAGE[:, moved:])
    np.testing.assert_array_equal(done("translate_y", 1.0, -1.0)[moved:], IMAGE[:-moved])
    np.testing.assert_array_equal(done("solarize", 1.0), 255 - IMAGE)
    np.testing.assert_array_equal(done("posterize", 1.0), np.asarray(ImageOps.posterize(Image.fromarray(IMAGE), 4)))
    assert done("brightness", 1.0, -1.0).mean() == pytest.approx(0.1 * IMAGE.mean(), abs=1)


def test_a_turn_is_thirty_degrees_about_the_centre():
    dot = np.zeros((SIZE, SIZE, 3), np.uint8)
    dot[15:17, 28:30] = 255
    rows, columns = np.nonzero(done("rotate", 1.0, image=dot)[..., 0] > 60)
    angle = np.degrees(np.arctan2(rows.mean() + 0.5 - SIZE / 2, columns.mean() + 0.5 - SIZE / 2))
    assert abs(angle) == pytest.approx(30, abs=4)


def test_as_many_as_asked_for_are_drawn_from_all():
    """One operation leaves one image in fourteen as it is, and two more: those that find nothing to change."""
    same = [np.array_equal(rand_augment(1, 15, "symmetric", IMAGE, np.random.default_rng(seed)), IMAGE)
            for seed in range(700)]
    assert np.mean(same) == pytest.approx(2 / 14, abs=0.04)
    np.testing.assert_array_equal(rand_augment(0, 15, "symmetric", IMAGE, np.random.default_rng(0)), IMAGE)
