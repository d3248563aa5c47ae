"""Changes that move the pixels of an image: each is a matrix, and an image is interpolated once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from PIL import Image

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
