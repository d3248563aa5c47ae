"""Opening an image file with Pillow: which formats, how many pixels, and every failure in words for the owner."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from core.data.images import formats
from core.errors import ImageDecodeError
from core.store.limits import Limits

MAX_PIXELS = Limits().image_pixels
"""For callers without a workspace, whose limits say how many an image may have."""
_DRAFT_GAP = 1.5
"""A JPEG is decoded at a reduced scale only while it stays this much larger than what is asked for."""
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 0x00FE, 0x014A, 0xC612
"""TIFF tags (TIFF 6.0, section 8; TIFF/EP; DNG 1.6)."""

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
        head = _head(file)
        with Image.open(file, formats=_formats(file, head, prefix)) as image:
            most = formats.most_pixels(image.format, len(image.getbands()), max_pixels)
            if image.width * image.height > most:
                raise ImageDecodeError(prefix + _too_large(image, most), "Make it smaller, or leave it out.")
            if _is_raw(image):
                raise ImageDecodeError(prefix + formats.RAW)
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


def _formats(file: Path | BinaryIO, head: bytes, prefix: str) -> tuple[str, ...]:
    """What to try on a file. Raises ImageDecodeError: there is no decoder, or the file is too large for it."""
    kind = formats.FORMATS.get(formats.sniff(head) or "")
    try:
        found = formats.readable(head)
    except ImportError as error:
        assert kind is not None
        raise ImageDecodeError(f"{prefix}reading {kind.title} images needs the package {kind.package}",
                               f"Install it: pip install {kind.package}. Or save the image as JPEG.") from error
    if kind is not None and kind.pixel_bytes is not None and _length(file) > formats.WHOLE_FILE_BYTES:
        raise ImageDecodeError(f"{prefix}a {kind.title} image of more than {formats.WHOLE_FILE_BYTES / 2**20:,.0f} MB",
                               "Save it as JPEG or PNG, or leave it out.")
    return found


def _length(file: Path | BinaryIO) -> int:
    """Bytes."""
    if isinstance(file, (str, Path)):
        return Path(file).stat().st_size
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    return length


def _is_raw(image: Image.Image) -> bool:
    """Whether a TIFF is a camera's: its first picture is a small preview (DNG 1.6, NewSubFileType 1 in IFD 0)."""
    tags = getattr(image, "tag_v2", None)
    return image.format == "TIFF" and tags is not None and tags.get(_NEW_SUBFILE_TYPE, 0) == 1 and (
        _SUB_IFDS in tags or _DNG_VERSION in tags)


def _too_large(image: Image.Image, most: int) -> str:
    title = formats.FORMATS[image.format or ""].title if most < MAX_PIXELS and image.format in formats.FORMATS else ""
    millions, limit = image.width * image.height / 1e6, most / 1e6
    return (f"{image.width} × {image.height} pixels ({millions:,.0f} million) is over the limit of {limit:,.0f} million"
            f"{f' for {title} images' if title else ''}")


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
        return formats.what_it_is(head)
    text = str(error) or type(error).__name__
    return "the file is cut short" if "truncated" in text.lower() else f"the file is damaged ({text[:120]})"


def _head(file: Path | BinaryIO) -> bytes:
    try:
        if isinstance(file, (str, Path)):
            with open(file, "rb") as handle:
                return handle.read(formats.HEAD)
        file.seek(0)
        head = file.read(formats.HEAD)
        file.seek(0)
        return head
    except (OSError, ValueError):
        return b"?"
