"""Small pictures of a dataset's images, made once and kept beside them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Protocol

from PIL import Image

from core.data.images.decode import IMAGES, MAX_PIXELS, draft, reading, resized, upright_rgb
from core.store.files import replacing

THUMBNAILS = "thumbnails"
"""Folder inside a dataset's."""
THUMBNAIL_EDGE = 160


class HasFolder(Protocol):
    """What a thumbnail needs to know of a dataset."""

    @property
    def path(self) -> Path:
        """The dataset's folder."""


def thumbnail(dataset: HasFolder | Path, file: str, edge: int = THUMBNAIL_EDGE) -> bytes:
    """A small JPEG of an image of a dataset, at most `edge` pixels wide and high; made once, then kept beside it.

    Args:
        dataset: The dataset, or its folder.
        file: As in the manifest.

    Raises:
        ImageDecodeError: the image cannot be read.
    """
    folder = dataset if isinstance(dataset, Path) else dataset.path
    kept = thumbnail_path(folder, file, edge)
    if kept.is_file() and (picture := kept.read_bytes()):
        return picture
    with reading(folder / IMAGES / file, MAX_PIXELS, name=file) as image:
        draft(image, edge, gap=1.0)
        picture = jpeg(upright_rgb(image), edge)
    with replacing(kept, durable=False) as temporary:
        temporary.write_bytes(picture)
    return picture


def thumbnail_path(folder: Path, file: str, edge: int = THUMBNAIL_EDGE) -> Path:
    """Where the thumbnail of an image stands in a dataset's folder."""
    return folder / THUMBNAILS / f"{Path(file).stem}{'' if edge == THUMBNAIL_EDGE else f'-{edge}'}.jpg"


def jpeg(image: Image.Image, edge: int) -> bytes:
    """A JPEG of an upright image, at most `edge` pixels wide and high."""
    scale = edge / max(image.size)
    if scale < 1:
        to = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = resized(image, to, (0, 0, *image.size))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
