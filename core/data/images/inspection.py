"""Reading an image file once to its last byte, to know whether it is good."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.data.images import formats
from core.data.images.memory import weighed
from core.data.images.reading import MAX_PIXELS, draft, reading
from core.data.images.thumbnails import THUMBNAIL_EDGE, jpeg
from core.data.images.upright import LYING, Upright, orientation
from core.errors import ImageDecodeError

_LARGE_PIXELS = 2_000_000
"""From here on decoding takes tens of milliseconds: a gallery of such images would open slowly without thumbnails."""


@dataclass(frozen=True)
class Inspection:
    """What reading a whole file once tells: the upright size in pixels, and why it is bad ("" when it is not)."""

    width: int = 0
    height: int = 0
    reason: str = ""
    thumbnail: bytes | None = None
    """A JPEG, for images so large that making it later would be felt, and in the formats whose decoders the page server
    is to be spared."""


def inspect(path: Path, max_pixels: int = MAX_PIXELS, edge: int = THUMBNAIL_EDGE) -> Inspection:
    """Decode a file to its last byte, to know whether it is good. Never raises for what is in the file."""
    try:
        with reading(path, max_pixels) as image:
            width, height = image.size
            large = width * height >= _LARGE_PIXELS or formats.FORMATS[image.format or "JPEG"].pixel_bytes is not None
            draft(image, edge if large else 1, gap=1.0)  # a smaller transform; the entropy decoder reads everything
            with weighed(image, (width, height)):
                upright = Upright(image)
                if orientation(image) in LYING:
                    width, height = height, width
                if large:
                    return Inspection(width, height, thumbnail=jpeg(upright, edge))
                upright.whole()  # what cannot be converted is bad, too
                return Inspection(width, height)
    except ImageDecodeError as error:
        return Inspection(reason=error.message)
