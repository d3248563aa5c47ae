"""Drawn pictures with as much in them as photos have, none like another; and what is made of one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps


def drawn(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """Forty forms in random colours at random places."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(int(value) for value in random.integers(40, 215, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = random.integers(0, size[0]), random.integers(0, size[1])
        wide, high = random.integers(6, 70, 2)
        form = pen.ellipse if random.random() < 0.5 else pen.rectangle
        colour = tuple(int(value) for value in random.integers(0, 255, 3))
        form((int(x), int(y), int(x + wide), int(y + high)), fill=colour)
    return image


def _jpeg(image: Image.Image, quality: int = 90) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def _tinted(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(image) * (1.25, 0.9, 0.75), 0, 255).astype(np.uint8))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "compressed": lambda image: _jpeg(image, 20),
    "scaled": lambda image: image.resize((image.width // 2, image.height // 2)),
    "cropped": lambda image: image.crop((30, 12, 218, 153)),
    "cropped to other proportions": lambda image: image.crop((40, 0, 220, 180)),
    "tinted": _tinted,
}


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(14))


def folder_of(path: Path, pictures: dict[str, Image.Image]) -> Path:
    """A folder with these pictures by relative path; the ending decides the format."""
    for name, image in pictures.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(path / name)
    return path
