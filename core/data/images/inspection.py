"""Reading an image file once to its last byte, to know whether it is good."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.data.images.decode import LYING, MAX_PIXELS, draft, orientation, reading, upright_rgb
from core.data.images.thumbnails import THUMBNAIL_EDGE, jpeg
from core.errors import ImageDecodeError

_LARGE_PIXELS = 2_000_000
"""From here on decoding takes tens of milliseconds: a gallery of such images would open slowly without thumbnails."""
_STRIP = 2**20
_DRAFT_GAP = 1.5
"""A JPEG is decoded at a reduced scale only while it stays this much larger than what is asked for."""


@dataclass(frozen=True)
class Inspection:
    """What reading a whole file once tells: the upright size in pixels, and why it is bad ("" when it is not)."""

    width: int = 0
    height: int = 0
    reason: str = ""
    thumbnail: bytes | None = None
    """A JPEG, only for images so large that making it later would be felt."""


def inspect(path: Path, max_pixels: int = MAX_PIXELS, edge: int = THUMBNAIL_EDGE) -> Inspection:
    """Decode a file to its last byte, to know whether it is good. Never raises for what is in the file."""
    try:
        with reading(path, max_pixels) as image:
            width, height = image.size
            large = width * height >= _LARGE_PIXELS
            draft(image, edge if large else 1, gap=1.0)  # a smaller transform; the entropy decoder reads everything
            upright = upright_rgb(image)
            if orientation(image) in LYING:
                width, height = height, width
            return Inspection(width, height, thumbnail=jpeg(upright, edge) if large else None)
    except ImageDecodeError as error:
        return Inspection(reason=error.message)
