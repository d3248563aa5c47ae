"""Changes that leave pixels where they are: light, colour, sharpness, and pieces that are painted over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From an image, uint8 [h, w, 3], and random numbers to a changed one."""


def _brightness(share: float, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As Keras's RandomBrightness: the same is added to every pixel."""
    return rounded(image + random.uniform(-share, share) * 255)


def _contrast(share: float, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As torchvision's ColorJitter: away from or towards the image's mean grey."""
    return enhanced(ImageEnhance.Contrast, image, 1 + random.uniform(-share, share))


def _saturation(share: float, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As torchvision's ColorJitter: away from or towards its grey version."""
    return enhanced(ImageEnhance.Color, image, 1 + random.uniform(-share, share))


def _hue(share: float, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As torchvision's ColorJitter: the hue of HSV goes round."""
    turned = np.array(Image.fromarray(image).convert("HSV"))
    turned[..., 0] += np.uint8(round(random.uniform(-share, share) * 255) % 256)
    return np.asarray(Image.fromarray(turned, "HSV").convert("RGB"))


def _blur(deviation: float, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(random.uniform(0, deviation))))


def _erase(share: float, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Random Erasing (arXiv:1708.04896, algorithm 1) with its area of 2 to 40 %, aspect ratio of 0.3 to 3.3 and random
    values for the pixels. A rectangle that does not fit is drawn anew."""
    height, width = image.shape[:2]
    if random.random() >= share:
        return image
    for _ in range(100):
        area, aspect = random.uniform(0.02, 0.4) * height * width, random.uniform(0.3, 1 / 0.3)
        rows, columns = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if 0 < rows < height and 0 < columns < width:
            top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
            image = image.copy()
            image[top:top + rows, left:left + columns] = random.integers(0, 256, (rows, columns, 3), np.uint8)
            break
    return image


COLOURS: dict[str, Callable[[Any, np.ndarray, np.random.Generator], np.ndarray]] = {
    "blur": _blur, "brightness": _brightness, "contrast": _contrast, "saturation": _saturation, "hue": _hue,
    "erase": _erase,
}
"""By the name of their setting, whose value they get first, in the order in which they are carried out."""


def enhanced(kind: Callable[[Image.Image], Any], image: np.ndarray, factor: float) -> np.ndarray:
    """One of Pillow's enhancers applied; 1: the image as it is."""
    return np.asarray(kind(Image.fromarray(image)).enhance(factor))


def rounded(values: np.ndarray) -> np.ndarray:
    """Pixels as uint8, what is out of range cut off."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
