"""The small function that goes along with every export gives the decoder's pixels, byte for byte."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.images.decode import decode
from core.engine.exporters.outside.preprocess import load_image
from tests.drawn import drawn


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def sixteen_bits() -> Image.Image:
    ramp = np.linspace(300, 40_000, 90 * 120).reshape(90, 120).astype(np.uint16)
    return Image.fromarray(ramp)


def turned(orientation: int) -> bytes:
    image, buffer = drawn(5, (150, 90)), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(buffer, "JPEG", exif=exif, quality=92)
    return buffer.getvalue()


def transparent() -> Image.Image:
    image = drawn(6, (97, 130)).convert("RGBA")
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 97), (130, 1)).astype(np.uint8)))
    return image


KINDS = {
    "photo.jpg": lambda path: saved(path, drawn(1, (300, 200)), quality=85),
    "large.jpg": lambda path: saved(path, drawn(2, (1400, 900)), quality=85),
    "gray.jpg": lambda path: saved(path, drawn(3, (200, 301)).convert("L")),
    "cmyk.jpg": lambda path: saved(path, drawn(3, (200, 301)).convert("CMYK")),
    "rgb.png": lambda path: saved(path, drawn(4, (96, 96))),
    "exact.png": lambda path: saved(path, drawn(4, (64, 64))),
    "tiny.png": lambda path: saved(path, drawn(4, (9, 31))),
    "palette.png": lambda path: saved(path, drawn(4, (101, 60)).convert("P")),
    "palette-transparent.gif": lambda path: saved(path, drawn(4, (101, 60)).convert("P"), transparency=3),
    "transparent.png": lambda path: saved(path, transparent()),
    "bits.png": lambda path: saved(path, drawn(4, (101, 60)).convert("1")),
    "sixteen.png": lambda path: saved(path, sixteen_bits()),
    "even.tif": lambda path: saved(path, Image.fromarray(np.full((40, 60), 700, np.uint16))),
    "float.tif": lambda path: saved(path, Image.fromarray(np.linspace(-3, 8, 3000, dtype=np.float32).reshape(50, 60))),
    "lossy.webp": lambda path: saved(path, drawn(7, (211, 140)), quality=60),
    "bmp.bmp": lambda path: saved(path, drawn(7, (33, 140))),
    **{f"turned-{number}.jpg": lambda path, number=number: (path.write_bytes(turned(number)), path)[1]
       for number in range(1, 9)},
}


@pytest.mark.parametrize("resize", ["crop", "pad", "squash"])
@pytest.mark.parametrize("name", KINDS)
def test_the_same_bytes(tmp_path, name, resize):
    path = KINDS[name](tmp_path / name)
    for size in (64, 97):
        assert np.array_equal(load_image(path, size, resize), decode(path, size, resize))
