"""The one image decoder: preview, training, prediction and export checks all read pixels here (Pillow only)."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from core.data.images.formats import EXTENSIONS, what_it_is
from core.errors import ImageDecodeError
from core.store.limits import Limits
from core.store.processes import cores

DECODER = 1
"""To be counted up when the same file gives other pixels than before: what was computed from them is then stale."""
MAX_PIXELS = Limits().image_pixels
IMAGES = "images"
"""Folder inside a dataset's."""
_STRIP = 2**20
_DRAFT_GAP = 1.5
"""A JPEG is decoded at a reduced scale only while it stays this much larger than what is asked for."""
WHITE = (255, 255, 255)

# Set for the whole process: decoding runs in many threads.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
ImageFile.LOAD_TRUNCATED_IMAGES = False
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=TiffImagePlugin.__name__.replace(".", r"\."))  # hostile files flood stderr

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {  # EXIF 2.32, section 4.6.4: what undoes each orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LYING = (5, 6, 7, 8)  # of these, width and height change places


def decode(
    source: Path | bytes | BinaryIO, size: int | None = None, resize: str = "crop", max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Read one image upright and in RGB: uint8 [h, w, 3], or [size, size, 3] when a size is given.

    Args:
        source: A file, its bytes, or an open binary file.
        size: Side of the square to bring it to, in pixels. None: as it is.
        resize: How: `crop` (centre), `pad` (white border) or `squash`.
        max_pixels: Refuse larger images, before any of their pixels is decoded.

    Raises:
        ImageDecodeError: not an image, damaged, or too large.
    """
    with reading(source, max_pixels, name=source.name if isinstance(source, Path) else "") as image:
        if size is not None:
            draft(image, size)
        upright = upright_rgb(image)
        return np.array(upright if size is None else _fit(upright, size, resize))


def decode_batch(
    paths: Sequence[Path], size: int, resize: str = "crop", threads: int | None = None, out: np.ndarray | None = None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decode all `paths` in threads into one array, uint8 [n, size, size, 3].

    Args:
        out: Written to and returned when given; may be a memory map.
        max_pixels: Refuse larger images, before any of their pixels is decoded.

    Raises:
        ImageDecodeError: a file cannot be decoded.
    """
    result = np.empty((len(paths), size, size, 3), np.uint8) if out is None else out
    threads = threads or cores()
    step = max(1, min(16, len(paths) // (2 * threads)))

    def fill(start: int) -> None:
        for index in range(start, min(start + step, len(paths))):
            result[index] = decode(paths[index], size, resize, max_pixels)

    tasks = [_pool(threads).submit(fill, start) for start in range(0, len(paths), step)]
    try:
        for task in tasks:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        wait(tasks)  # nothing writes to `out` once this function has left
    return result


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")


@contextmanager
def reading(source: Path | bytes | BinaryIO, max_pixels: int, name: str = "") -> Iterator[Image.Image]:
    """Open an image; whatever its decoder raises, here or inside the block, becomes an ImageDecodeError."""
    prefix = f"{name}: " if name else ""
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels  # only ever raised: other threads are decoding, each held to its own limit
    file = io.BytesIO(source) if isinstance(source, bytes) else source
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


def upright_rgb(image: Image.Image) -> Image.Image:
    image.load()
    method = _UPRIGHT.get(orientation(image))
    rgb = _rgb(image)
    return rgb if method is None else rgb.transpose(method)


def orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # broken EXIF does not make a photo unusable, and can raise anything
        return 1
    return value if isinstance(value, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: transparency over white, 16-bit, 32-bit and float scaled by their own range."""
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_scaled(image)).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", image.size, WHITE)
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    return image if image.mode == "RGB" else image.convert("RGB")


def _scaled(image: Image.Image) -> np.ndarray:
    """Stretch finite values from their minimum..maximum to 0..255; an even image becomes mid-grey. uint8 [h, w].

    In strips: a whole large image in float64 would take many times its own memory.
    """
    low, high = np.inf, -np.inf
    for _, values in _strips(image):
        finite = np.isfinite(values)
        low = min(low, values.min(where=finite, initial=np.inf))
        high = max(high, values.max(where=finite, initial=-np.inf))
    result = np.full((image.height, image.width), 128, np.uint8)
    if high <= low:
        return result
    for top, values in _strips(image):
        share = (np.where(np.isfinite(values), values, low) - low) / (high - low)
        result[top:top + len(values)] = np.round(share * 255)
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, float64 [rows, w]) from top to bottom, about a million values at a time."""
    rows = max(1, _STRIP // max(image.width, 1))
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(top + rows, image.height)))
        yield top, np.asarray(part, np.float32).astype(np.float64)


def _fit(image: Image.Image, size: int, resize: str) -> Image.Image:
    """Bring to a square. Pillow's BILINEAR weighs all pixels under the target pixel, so it does not alias."""
    width, height = image.size
    if resize == "squash" or width == height:
        return resized(image, (size, size), (0, 0, width, height))
    if resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return resized(image, (size, size), (left, top, left + side, top + side))
    if resize != "pad":
        raise ValueError(f"resize is crop, pad or squash, not {resize!r}")
    scale = size / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = Image.new("RGB", (size, size), WHITE)
    fitted = resized(image, inner, (0, 0, width, height))
    square.paste(fitted, ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return square


def resized(image: Image.Image, to: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    if image.size == to and box == (0, 0, *to):
        return image
    return image.resize(to, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


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
