"""The one image decoder: preview, training, prediction and export checks all read pixels here (Pillow only)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from core.data.images.memory import weighed
from core.data.images.reading import MAX_PIXELS, draft, reading
from core.data.images.upright import WHITE, Upright
from core.store.processes import cores

DECODER = 1
"""To be counted up when the same file gives other pixels than before: what was computed from them is then stale."""
IMAGES = "images"
"""Folder inside a dataset's."""


def decode(
    source: Path | bytes | BinaryIO, size: int | None = None, resize: str = "crop", max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Read one image upright and in RGB: uint8 [h, w, 3], or [size, size, 3] when a size is given.

    Args:
        source: A file, its bytes, or an open binary file.
        size: Side of the square to bring it to, in pixels. None: as it is.
        resize: How: `crop` (centre), `pad` (white border) or `squash`.
        max_pixels: Refuse larger images, before any of their pixels is decoded: the workspace's `limits.image_pixels`.

    Raises:
        ImageDecodeError: not an image, damaged, or too large.
    """
    with reading(source, max_pixels, name=source.name if isinstance(source, Path) else "") as image:
        full_size = image.size
        if size is not None:
            draft(image, size)
        with weighed(image, full_size):
            upright = Upright(image)
            return upright.pixels() if size is None else np.array(_fit(upright, size, resize))


def decode_batch(
    paths: Sequence[Path], size: int, resize: str = "crop", threads: int | None = None, out: np.ndarray | None = None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decode all `paths` in threads into one array, uint8 [n, size, size, 3].

    Args:
        out: Written to and returned when given; may be a memory map.
        max_pixels: As for `decode`.

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


def _fit(image: Upright, size: int, resize: str) -> Image.Image:
    """Bring to a square."""
    width, height = image.size
    if resize == "squash" or width == height:
        return image.resized((size, size), (0, 0, width, height))
    if resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return image.resized((size, size), (left, top, left + side, top + side))
    if resize != "pad":
        raise ValueError(f"resize is crop, pad or squash, not {resize!r}")
    scale = size / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = Image.new("RGB", (size, size), WHITE)
    fitted = image.resized(inner, (0, 0, width, height))
    square.paste(fitted, ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return square
