"""Opening an image file with Pillow: which formats, how many pixels, and every failure in words for the owner."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from core.data.images.formats import EXTENSIONS, what_it_is
from core.errors import ImageDecodeError
from core.store.limits import Limits

MAX_PIXELS = Limits().image_pixels
"""For callers without a workspace, whose limits say how many an image may have."""
_DRAFT_GAP = 1.5
"""A JPEG is decoded at a reduced scale only while it stays this much larger than what is asked for."""

# Set once, for the whole process, never per call: decoding runs in many threads.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # `_allow` raises it
ImageFile.LOAD_TRUNCATED_IMAGES = False
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=TiffImagePlugin.__name__.replace(".", r"\."))  # hostile files flood stderr
_allowing = threading.Lock()


@contextmanager
def reading(source: Path | bytes | BinaryIO, max_pixels: int, name: str = "") -> Iterator[Image.Image]:
    """Open an image; whatever its decoder raises, here or inside the block, becomes an ImageDecodeError."""
    prefix = f"{name}: " if name else ""
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    _allow(max_pixels)
    try:
        with Image.open(file, formats=tuple(EXTENSIONS)) as image:
            if image.width * image.height > max_pixels:
                raise ImageDecodeError(prefix + _too_large(image.size, max_pixels), "Make it smaller, or leave it out.")
            yield image
    except ImageDecodeError:
        raise
    except Exception as error:  # hostile files raise anything: IndexError, struct.error, SyntaxError, MemoryError ...
        reason = prefix + _reason(error, file, max_pixels)
        raise ImageDecodeError(reason, "Save it again as JPEG or PNG, or leave it out.") from error


def draft(image: Image.Image, size: int, gap: float = _DRAFT_GAP) -> None:
    """Let a large JPEG be decoded at 1/2, 1/4 or 1/8, as long as it stays larger than `gap` times `size`."""
    if image.format == "JPEG":
        image.draft(None, (int(size * gap), int(size * gap)))


def _allow(max_pixels: int) -> None:
    """Let Pillow open as many pixels as the largest limit in this process; smaller limits are held by `reading`.

    Pillow's own check comes before some decoders allocate, so it is not simply taken off.
    """
    with _allowing:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, max_pixels)


def _too_large(size: tuple[int, int], max_pixels: int) -> str:
    millions, limit = size[0] * size[1] / 1e6, max_pixels / 1e6
    return f"{size[0]} × {size[1]} pixels ({millions:,.0f} million) is over the limit of {limit:,.0f} million"


def _reason(error: Exception, file: Path | BinaryIO, max_pixels: int) -> str:
    """Why a file is bad, in words for its owner."""
    if isinstance(error, FileNotFoundError):
        return f"there is no file {file}"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"it has more pixels than the limit of {max_pixels / 1e6:,.0f} million"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    head = _head(file)
    if not head:
        return "the file is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return what_it_is(head)
    text = str(error) or type(error).__name__
    return "the file is cut short" if "truncated" in text.lower() else f"the file is damaged ({text[:120]})"


def _head(file: Path | BinaryIO) -> bytes:
    try:
        if isinstance(file, (str, Path)):
            with open(file, "rb") as handle:
                return handle.read(16)
        file.seek(0)
        return file.read(16)
    except (OSError, ValueError):
        return b"?"
