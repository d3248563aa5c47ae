"""Changed copies of images: what Keras's layers gave, and the same for an image wherever it stands."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from core.augment.augmenter import Augmenter, identity
from core.augment.colours import COLOURS
from core.augment.geometry import GEOMETRIC
from core.recipe.augmentations import AUGMENTATIONS
from core.recipe.fields import AugmentSettings

SIZE, VIEWS = 24, range(1, 1501)
IMAGES = np.random.default_rng(0).integers(0, 256, (9, SIZE, SIZE, 3), np.uint8)
CONTENTS = [f"{index:064x}" for index in range(9)]


def augmenter(seed: int = 0, **settings: object) -> Augmenter:
    return Augmenter(AugmentSettings.model_validate({"preset": "custom", **settings}), SIZE, seed)


def matrices(**settings: object) -> np.ndarray:
    given = augmenter(**settings)
    return np.stack([given.matrix(CONTENTS[0], view) for view in VIEWS])


def same_distribution(found: np.ndarray, expected: np.ndarray) -> bool:
    """Two-sample Kolmogorov-Smirnov; a false alarm has odds of 1 in 2,000."""
    places = np.concatenate([found, expected])
    ranks = [np.searchsorted(np.sort(part), places, "right") / len(part) for part in (found, expected)]
    return float(np.abs(ranks[0] - ranks[1]).max()) < 2.04 * (1 / len(found) + 1 / len(expected)) ** 0.5


def keras_draws(layer: keras.Layer) -> dict[str, np.ndarray]:
    drawn = layer.get_random_transformation(np.zeros((len(VIEWS), SIZE, SIZE, 3), np.float32), training=True)
    return {name: np.asarray(value).squeeze() for name, value in drawn.items() if hasattr(value, "shape")}


def test_angles_are_those_of_keras():
    found = matrices(rotation=25)
    angles = np.rad2deg(np.arctan2(found[:, 1, 0], found[:, 0, 0]))
    assert -25 <= angles.min() < -24.5 and 24.5 < angles.max() <= 25
    assert same_distribution(angles, keras_draws(layers.RandomRotation(25 / 360, seed=1))["angle"])
    np.testing.assert_allclose(np.linalg.det(found), 1)
    assert not same_distribution(angles, keras_draws(layers.RandomRotation(30 / 360, seed=1))["angle"])


def test_zooms_are_those_of_keras():
    found = matrices(zoom=0.25)
    np.testing.assert_array_equal(found[:, 0, 0], found[:, 1, 1])
    assert 0.75 <= found[:, 0, 0].min() < 0.76 and 1.24 < found[:, 0, 0].max() <= 1.25
    assert same_distribution(found[:, 0, 0], keras_draws(layers.RandomZoom((-0.25, 0.25), seed=1))["width_zoom"])


def test_shifts_are_those_of_keras():
    found = matrices(shift=0.15)
    expected = keras_draws(layers.RandomTranslation(0.15, 0.15, seed=1))["translations"] / SIZE
    for axis in (0, 1):
        assert same_distribution(found[:, axis, 2], expected[:, axis])
    assert abs(np.corrcoef(found[:, 0, 2], found[:, 1, 2])[0, 1]) < 0.1


def test_slants_are_those_of_keras():
    found = matrices(shear=0.2)
    expected = keras_draws(layers.RandomShear(0.2, seed=1))["shear_factor"][:, 0]
    assert same_distribution(found[:, 0, 1], expected)
    assert -0.2 <= found[:, 0, 1].min() < -0.19 and 0.19 < found[:, 0, 1].max() <= 0.2
    upright = found.copy()
    upright[:, 0, 1] = 0
    np.testing.assert_array_equal(upright, np.broadcast_to(np.eye(3), upright.shape))


def test_a_padded_crop_is_drawn_from_every_place_alike():
    places = np.rint(matrices(crop=4)[:, :2, 2] * SIZE)
    counts = [np.bincount((places[:, axis] + 4).astype(int), minlength=9) for axis in (0, 1)]
    for count in counts:
        assert len(count) == 9 and ((count - 1500 / 9) ** 2 / (1500 / 9)).sum() < 27.9  # odds of 1 in 2,000
    assert abs(np.corrcoef(places.T)[0, 1]) < 0.1


@pytest.mark.parametrize(("fill", "mode"), [
    ("reflect", "symmetric"), ("nearest", "edge"), ("wrap", "wrap"), ("constant", "constant"),
])
def test_a_padded_crop_is_a_piece_of_the_padded_image_to_the_bit(fill, mode):
    given = augmenter(crop=5, fill=fill)
    for image, content, changed in zip(IMAGES, CONTENTS, given(IMAGES, CONTENTS, 1), strict=True):
        padded = np.pad(image, ((5, 5), (5, 5), (0, 0)), mode=mode)
        left, top = np.rint(given.matrix(content, 1)[:2, 2] * SIZE).astype(int) + 5
        np.testing.assert_array_equal(changed, padded[top:top + SIZE, left:left + SIZE])


@pytest.mark.parametrize(("flip", "across", "down"), [("horizontal", 0.5, 0), ("vertical", 0, 0.5), ("both", 0.5, 0.5)])
def test_half_of_the_images_are_mirrored(flip, across, down):
    found = matrices(flip=flip)
    assert (found[:, 0, 0] < 0).mean() == pytest.approx(across, abs=0.05)
    assert (found[:, 1, 1] < 0).mean() == pytest.approx(down, abs=0.05)


def test_a_mirrored_image_is_mirrored_exactly():
    given = augmenter(flip="horizontal")
    mirrored = [given.matrix(content, 1)[0, 0] < 0 for content in CONTENTS]
    assert 0 < sum(mirrored) < 9
    for image, mirror, changed in zip(IMAGES, mirrored, given(IMAGES, CONTENTS, 1), strict=True):
        np.testing.assert_array_equal(changed, image[:, ::-1] if mirror else image)


@pytest.mark.parametrize("settings", [
    {"preset": "medium"}, {"preset": "strong"}, {"flip": "both", "rotation": 180, "zoom": 0.5, "shift": 0.5},
    {"rotation": 40, "shift": 0.4, "shear": 0.2, "zoom": 0.3, "fill": "nearest"},
    {"rotation": 30, "shear": 0.5, "shift": 0.5},
], ids=["medium", "strong", "utmost", "nearest", "slanted"])
def test_pixels_are_those_that_keras_computes(settings):
    """Keras counts from the middle of the first pixel, its result is not yet rounded."""
    given = augmenter(**settings)
    changed = given(IMAGES, CONTENTS, 1)
    inwards = np.array([[1 / SIZE, 0, 0.5 / SIZE - 0.5], [0, 1 / SIZE, 0.5 / SIZE - 0.5], [0, 0, 1]])
    moves = [np.linalg.inv(inwards) @ given.matrix(content, 1) @ inwards for content in CONTENTS]
    expected = keras.ops.convert_to_numpy(keras.ops.image.affine_transform(
        IMAGES.astype(np.float32), np.stack([np.append(move[:2].ravel(), [0, 0]) for move in moves]).astype(np.float32),
        interpolation="bilinear", fill_mode=settings.get("fill", "reflect")))
    assert np.abs(changed - expected).max() < 0.55
    assert np.abs(changed.astype(float) - IMAGES).mean() > 20


def test_the_result_for_an_image_is_bitwise_the_same_in_any_company():
    given = augmenter(flip="both", rotation=25, zoom=0.25, shift=0.15, shear=0.3, crop=3, fill="nearest")
    together = given(IMAGES, CONTENTS, 2)
    for place in range(9):
        alone = given(IMAGES[place:place + 1], CONTENTS[place:place + 1], 2)
        np.testing.assert_array_equal(alone[0], together[place])
    np.testing.assert_array_equal(given(IMAGES[::-1], CONTENTS[::-1], 2), together[::-1])


def test_views_seeds_and_contents_give_different_copies():
    changed = augmenter(preset="medium")(IMAGES, CONTENTS, 1)
    for other in (augmenter(preset="medium")(IMAGES, CONTENTS, 2), augmenter(1, preset="medium")(IMAGES, CONTENTS, 1),
                  augmenter(preset="medium")(IMAGES, CONTENTS[::-1], 1)):
        assert sum(np.array_equal(left, right) for left, right in zip(changed, other, strict=True)) <= 1


def test_an_operation_that_is_switched_on_leaves_the_draws_of_the_others():
    alone, beside = matrices(rotation=20), matrices(rotation=20, shift=0.1, crop=3)
    np.testing.assert_allclose(alone[:, :2, :2], beside[:, :2, :2])


def test_what_is_off_changes_nothing():
    np.testing.assert_array_equal(augmenter()(IMAGES, CONTENTS, 1), IMAGES)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_every_operation_is_a_setting_and_moves_pixels(name):
    assert name in AugmentSettings.model_fields
    changed = augmenter(**{name: {"flip": "both", "crop": 4}.get(name, 0.4)})(IMAGES, CONTENTS, 1)
    assert changed.dtype == np.uint8 and not np.array_equal(changed, IMAGES)


def test_each_row_of_the_table_is_carried_out():
    assert {*GEOMETRIC, *COLOURS, "rand_augment"} == set(AUGMENTATIONS)


def settings(**given: object) -> AugmentSettings:
    return AugmentSettings.model_validate({"preset": "custom", **given})


def test_what_is_off_does_not_make_old_copies_stale():
    """What is stored under an identity outlives new operations: it names those alone that change something."""
    assert identity(settings(flip="horizontal", rotation=5, shear=0, crop=0, hue=0)) == {
        "augmentation": 1, "flip": "horizontal", "rotation": 5.0, "fill": "reflect"}
    assert identity(settings(flip="horizontal", fill="wrap")) == identity(settings(flip="horizontal"))
    assert identity(settings(rotation=5)) != identity(settings(rotation=5, fill="wrap"))
    assert identity(settings(rotation=5)) == identity(settings(rotation=5, rand_magnitude=3))
    assert identity(settings(rand_augment=2)) != identity(settings(rand_augment=2, rand_magnitude=3))


def test_a_preset_mirrors_whatever_stands_in_fill():
    """The setting has no effect beside a preset, and says so."""
    left, right = (Augmenter(AugmentSettings(preset="strong", fill=fill), SIZE, 0) for fill in ("reflect", "constant"))
    np.testing.assert_array_equal(left(IMAGES, CONTENTS, 1), right(IMAGES, CONTENTS, 1))


def test_changing_images_takes_neither_keras_nor_tensorflow():
    """So that it is the same on every backend, and GPUs are left to the training."""
    code = "import sys, core.augment.augmenter; print(sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
