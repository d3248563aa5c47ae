"""Changes of light and colour, and erased pieces."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from core.augment.augmenter import Augmenter
from core.augment.colours import COLOURS
from core.recipe.augment import AugmentSettings

SIZE = 24
IMAGE = np.random.default_rng(0).integers(60, 190, (SIZE, SIZE, 3), np.uint8)


def changed(name: str, value: float, image: np.ndarray = IMAGE) -> list[np.ndarray]:
    return [COLOURS[name](value, image, np.random.default_rng(seed)) for seed in range(400)]


def test_brightness_adds_the_same_to_every_pixel_within_its_range():
    found = [copy.astype(int) - IMAGE for copy in changed("brightness", 0.2)]
    assert all(len(np.unique(each)) == 1 for each in found)
    added = np.array([each[0, 0, 0] for each in found]) / 255
    assert -0.2 <= added.min() < -0.19 and 0.19 < added.max() <= 0.203
    assert abs(added.mean()) < 0.02


def test_brightness_does_not_wrap_round():
    white = np.full((4, 4, 3), 250, np.uint8)
    assert {int(copy.min()) for copy in changed("brightness", 0.2, white)} & {255}
    assert all(copy.min() >= 250 - 52 for copy in changed("brightness", 0.2, white))


def test_contrast_stretches_about_the_mean_grey():
    spreads = np.array([copy.std() for copy in changed("contrast", 0.3)]) / IMAGE.std()
    assert 0.69 < spreads.min() < 0.72 and 1.28 < spreads.max() < 1.31
    assert max(abs(copy.mean() - IMAGE.mean()) for copy in changed("contrast", 0.3)) < 2


def test_without_saturation_an_image_is_grey():
    colourful = np.zeros((4, 4, 3), np.uint8)
    colourful[..., 0], colourful[..., 1] = 200, 50
    spans = np.array([int(np.ptp(copy[0, 0].astype(int))) for copy in changed("saturation", 1.0, colourful)])
    assert spans.min() < 8 and spans.max() > 220


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_hue_goes_round_the_circle_by_its_share_at_most(share):
    red = np.full((4, 4, 3), (220, 30, 30), np.uint8)
    hues = np.array([colorsys.rgb_to_hsv(*copy[0, 0] / 255)[0] for copy in changed("hue", share, red)])
    away = np.minimum(hues, 1 - hues)
    assert share - 0.02 < away.max() <= share + 0.01
    assert (hues < 0.5).any() and (hues > 0.5).any()


def test_blur_takes_detail_away_and_keeps_the_light():
    copies = changed("blur", 3.0)
    assert min(copy.std() for copy in copies) < 0.3 * IMAGE.std()
    assert all(abs(copy.mean() - IMAGE.mean()) < 3 for copy in copies)


def test_a_share_of_the_images_has_a_piece_erased():
    touched = [(copy != IMAGE).any(axis=2) for copy in changed("erase", 0.25)]
    share = np.mean([each.any() for each in touched])
    assert share == pytest.approx(0.25, abs=0.06)
    for each in filter(np.any, touched):
        rows, columns = np.flatnonzero(each.any(1)), np.flatnonzero(each.any(0))
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert 0.01 <= box / SIZE**2 <= 0.45
        assert each[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1].mean() > 0.9  # a rectangle of random values
    assert sum(np.array_equal(copy, IMAGE) for copy in changed("erase", 0.0)) == 400


def test_the_image_that_is_given_stays_as_it_is():
    before = IMAGE.copy()
    for name in COLOURS:
        changed(name, 0.5)
    np.testing.assert_array_equal(IMAGE, before)


@pytest.mark.parametrize("name", [*COLOURS, "rand_augment"])
def test_every_change_is_a_setting_and_a_function_of_seed_view_and_content(name):
    value = {"rand_augment": 2}.get(name, 0.5)
    images = np.stack([IMAGE] * 8)
    contents = [f"{index:064x}" for index in range(8)]

    def copies(seed: int = 0, view: int = 1, order: slice = slice(None)) -> np.ndarray:
        settings = AugmentSettings.model_validate({"preset": "custom", name: value})
        return Augmenter(settings, SIZE, seed)(images[order], contents[order], view)

    first = copies()
    assert first.dtype == np.uint8 and not np.array_equal(first, images)
    np.testing.assert_array_equal(copies(order=slice(None, None, -1)), first[::-1])
    np.testing.assert_array_equal(copies(order=slice(3, 4)), first[3:4])
    for other in (copies(seed=1), copies(view=2)):
        assert not np.array_equal(other, first)
