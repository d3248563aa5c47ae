"""RandAugment (E. D. Cubuk et al., arXiv:1909.13719): a few operations, drawn anew for every copy, all equally strong.

Operations and their ranges are those of torchvision's `RandAugment` with its 31 bins, so that a magnitude means here
what it means there; gaps are filled as the recipe says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from core.augment.colours import enhanced
from core.augment.geometry import Padding, interpolated

STRONGEST = 30
_FARTHEST = 150 / 331
"""Share of the width that an image is moved by at the greatest magnitude."""
_MOST = 0.9
"""How far from 1 a factor of the enhancers goes."""


@dataclass(frozen=True)
class _Draw:
    """What an operation is given."""

    level: float
    """From 0 to 1."""
    sign: float
    """-1 or 1."""
    padding: Padding

    @property
    def factor(self) -> float:
        return 1 + self.sign * _MOST * self.level


_Operation = Callable[[np.ndarray, _Draw], np.ndarray]


def _about_the_centre(image: np.ndarray, inner: np.ndarray, padding: Padding) -> np.ndarray:
    half = len(image) / 2
    outwards, inwards = np.eye(3), np.eye(3)
    outwards[:2, 2], inwards[:2, 2] = half, -half
    return interpolated(image, outwards @ inner @ inwards, padding)


def _shear(row: int, column: int) -> _Operation:
    def operation(image: np.ndarray, draw: _Draw) -> np.ndarray:
        matrix = np.eye(3)
        matrix[row, column] = draw.sign * 0.3 * draw.level
        return _about_the_centre(image, matrix, draw.padding)
    return operation


def _move(axis: int) -> _Operation:
    def operation(image: np.ndarray, draw: _Draw) -> np.ndarray:
        matrix = np.eye(3)
        matrix[axis, 2] = draw.sign * round(_FARTHEST * len(image) * draw.level)
        return interpolated(image, matrix, draw.padding)
    return operation


def _rotate(image: np.ndarray, draw: _Draw) -> np.ndarray:
    angle = np.deg2rad(30.0) * draw.sign * draw.level
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return _about_the_centre(image, turn, draw.padding)


def _enhance(kind: Callable[[Image.Image], object]) -> _Operation:
    return lambda image, draw: enhanced(kind, image, draw.factor)


def _posterize(image: np.ndarray, draw: _Draw) -> np.ndarray:
    return np.asarray(ImageOps.posterize(Image.fromarray(image), 8 - round(4 * draw.level)))


def _solarize(image: np.ndarray, draw: _Draw) -> np.ndarray:
    return np.where(image >= 255 * (1 - draw.level), 255 - image, image)


OPERATIONS: dict[str, _Operation] = {
    "identity": lambda image, draw: image,
    "shear_x": _shear(0, 1), "shear_y": _shear(1, 0), "translate_x": _move(0), "translate_y": _move(1),
    "rotate": _rotate,
    "brightness": _enhance(ImageEnhance.Brightness), "color": _enhance(ImageEnhance.Color),
    "contrast": _enhance(ImageEnhance.Contrast), "sharpness": _enhance(ImageEnhance.Sharpness),
    "posterize": _posterize, "solarize": _solarize,
    "autocontrast": lambda image, draw: np.asarray(ImageOps.autocontrast(Image.fromarray(image))),
    "equalize": lambda image, draw: np.asarray(ImageOps.equalize(Image.fromarray(image))),
}
_NAMES = tuple(OPERATIONS)


def rand_augment(count: int, magnitude: int, padding: Padding, image: np.ndarray,
                 random: np.random.Generator) -> np.ndarray:
    """Change an image, uint8 [size, size, 3].

    Args:
        count: How many operations, one after the other; the same may be drawn twice.
        magnitude: From 0 to 30.
        padding: How gaps are filled.
    """
    for _ in range(count):
        name = _NAMES[random.integers(len(_NAMES))]
        image = OPERATIONS[name](image, _Draw(magnitude / STRONGEST, random.choice([-1.0, 1.0]), padding))
    return image
