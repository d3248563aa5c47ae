"""Small pictures of a dataset's images, made once and kept beside them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Protocol

from core.data.images.decode import IMAGES
from core.data.images.memory import weighed
from core.data.images.reading import MAX_PIXELS, draft, reading
from core.data.images.upright import Upright
from core.store.files import replacing

THUMBNAILS = "thumbnails"
"""Folder inside a dataset's."""
THUMBNAIL_EDGE = 160


class HasFolder(Protocol):
    """What a thumbnail needs to know of a dataset."""

    @property
    def path(self) -> Path:
        """The dataset's folder."""


def thumbnail(
    dataset: HasFolder | Path, file: str, edge: int = THUMBNAIL_EDGE, max_pixels: int = MAX_PIXELS
) -> bytes:
    """A small JPEG of an image of a dataset, at most `edge` pixels wide and high; made once, then kept beside it.

    Args:
        dataset: The dataset, or its folder.
        file: As in the manifest.
        max_pixels: As for `core.data.images.decode.decode`.

    Raises:
        ImageDecodeError: the image cannot be read.
    """
    folder = dataset if isinstance(dataset, Path) else dataset.path
    kept = thumbnail_path(folder, file, edge)
    if kept.is_file() and (picture := kept.read_bytes()):
        return picture
    with reading(folder / IMAGES / file, max_pixels, name=file) as image:
        full_size = image.size
        draft(image, edge, gap=1.0)
        with weighed(image, full_size):
            picture = jpeg(Upright(image), edge)
    with replacing(kept, durable=False) as temporary:
        temporary.write_bytes(picture)
    return picture


def thumbnail_path(folder: Path, file: str, edge: int = THUMBNAIL_EDGE) -> Path:
    """Where the thumbnail of an image stands in a dataset's folder."""
    return folder / THUMBNAILS / f"{Path(file).stem}{'' if edge == THUMBNAIL_EDGE else f'-{edge}'}.jpg"


def jpeg(image: Upright, edge: int) -> bytes:
    """A JPEG of an image, at most `edge` pixels wide and high."""
    scale = edge / max(image.size)
    to = (max(1, round(image.width * scale)), max(1, round(image.height * scale))) if scale < 1 else image.size
    buffer = io.BytesIO()
    image.resized(to, (0, 0, *image.size)).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
