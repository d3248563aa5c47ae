"""Random changes to training images, by the same rule wherever images are changed: see `core.engine.feed.draws`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image

from core.engine.feed.draws import generator
from core.engine.feed.threads import pool
from core.recipe.fields import AugmentSettings

VERSION = 1
"""To be counted up when the same settings and draws give other pixels than before: what was computed from them is then
stale."""

Geometric = Callable[[Any, np.random.Generator, int], np.ndarray]
"""From a setting's value, random numbers and the side in pixels to a matrix, float [3, 3], that takes a place in the
changed image to its place in the image. Places are (x, y, 1) from the centre, the side of the image being 1."""


def _flip(axes: str, random: np.random.Generator, size: int) -> np.ndarray:
    mirrored = (random.random(2) < 0.5) & [axes in ("horizontal", "both"), axes in ("vertical", "both")]
    return np.diag([*np.where(mirrored, -1.0, 1.0), 1.0])


def _rotation(degrees: float, random: np.random.Generator, size: int) -> np.ndarray:
    angle = np.deg2rad(random.uniform(-degrees, degrees))
    return np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])


def _zoom(share: float, random: np.random.Generator, size: int) -> np.ndarray:
    factor = random.uniform(1 - share, 1 + share)
    return np.diag([factor, factor, 1.0])


def _shift(share: float, random: np.random.Generator, size: int) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = random.uniform(-share, share, 2)
    return matrix


def _shear(share: float, random: np.random.Generator, size: int) -> np.ndarray:
    matrix = np.eye(3)
    matrix[0, 1] = random.uniform(-share, share)
    return matrix


def _crop(padding: int, random: np.random.Generator, size: int) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = random.integers(-padding, padding + 1, 2) / size  # whole pixels: nothing is interpolated
    return matrix


GEOMETRIC: dict[str, Geometric] = {
    "flip": _flip, "rotation": _rotation, "zoom": _zoom, "shift": _shift, "shear": _shear, "crop": _crop,
}
"""Operations that move pixels, by the name of their setting, in the order in which they are carried out. Ranges are
those of Keras's RandomFlip, RandomRotation, RandomZoom, RandomTranslation and RandomShear, and of torchvision's
RandomCrop of a padded image."""
Padding = Literal["symmetric", "edge", "wrap", "constant"]
FILL: Mapping[str, Padding] = {"reflect": "symmetric", "nearest": "edge", "wrap": "wrap", "constant": "constant"}
"""The mode of `numpy.pad` by the setting `fill`; what is constant is black."""


def identity(settings: AugmentSettings) -> dict[str, object]:
    """What decides the pixels of a copy beside seed, view and image: what is stored under it stays valid when the
    recipe gets an operation that it does not use."""
    moving = set(settings.operations) & set(GEOMETRIC) - {"flip"}  # mirroring leaves no gap
    return {"augmentation": VERSION, **settings.operations, **({"fill": settings.gaps} if moving else {})}


class Augmenter:
    """Changes images at random as the settings say.

    All geometric operations of an image become one matrix, so that it is interpolated once. Pillow does it, image by
    image: the result for an image does not depend on those beside it, is the same on every backend and device, and
    takes less time (medium preset, 224 px, a core: 1.3 ms an image; `keras.ops.image.affine_transform` on TensorFlow
    1.4 ms, Keras's four layers 4.8 ms).

    Args:
        size: Side of the images, pixels.
        seed: The recipe's.
    """

    def __init__(self, settings: AugmentSettings, size: int, seed: int) -> None:
        self.seed, self.size, self._padding = seed, size, FILL[settings.gaps]
        self._inwards = np.array([[1 / size, 0.0, -0.5], [0.0, 1 / size, -0.5], [0.0, 0.0, 1.0]])
        self._outwards = np.linalg.inv(self._inwards)
        self._geometric = [(name, settings.operations[name]) for name in GEOMETRIC if name in settings.operations]

    def __call__(self, images: np.ndarray, contents: Sequence[str], view: int) -> np.ndarray:
        """Changed copies: uint8 [n, size, size, 3] in and out.

        Args:
            contents: SHA-256 of each image's file.
            view: Which copies: the same view of the same image is the same copy.
        """
        out = np.empty_like(images)

        def change(index: int) -> None:
            out[index] = self._moved(images[index], self.matrix(contents[index], view))

        list(pool().map(change, range(len(images))))
        return out

    def matrix(self, content: str, view: int) -> np.ndarray:
        """What moves the pixels of one image: see `Geometric`."""
        matrix = np.eye(3)
        for name, value in self._geometric:
            matrix = matrix @ GEOMETRIC[name](value, generator(self.seed, view, content, name), self.size)
        return matrix

    def _moved(self, image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        across, down = matrix[0, 0], matrix[1, 1]
        if abs(across) == abs(down) == 1.0 and np.array_equal(matrix, np.diag([across, down, 1.0])):
            return image[::int(down), ::int(across)]  # mirrored at most
        return interpolated(image, self._outwards @ matrix @ self._inwards, self._padding)


def interpolated(image: np.ndarray, matrix: np.ndarray, padding: Padding = "symmetric") -> np.ndarray:
    """An image, uint8 [size, size, 3], with its pixels moved; bilinear.

    Args:
        matrix: From a place in the result to its place in the image, in pixels from the upper left corner.
        padding: How the image goes on beyond its edges; symmetric: d c b a | a b c d | d c b a.
    """
    size = len(image)
    corners = matrix[:2] @ [[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]]
    left, top = np.maximum(0, 1 - np.floor(corners.min(1))).astype(int)
    right, bottom = np.maximum(0, np.ceil(corners.max(1)) + 1 - size).astype(int)
    padded = np.pad(image, ((top, bottom), (left, right), (0, 0)), mode=padding)
    coefficients = (matrix + [[0, 0, left], [0, 0, top], [0, 0, 0]])[:2].ravel()
    out = np.empty_like(image)
    for channel in range(3):  # as floating point: Pillow cuts fractions off where it interpolates whole numbers
        plane = Image.fromarray(padded[..., channel].astype(np.float32))
        moved = plane.transform((size, size), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
        out[..., channel] = np.rint(np.asarray(moved))
    return out
