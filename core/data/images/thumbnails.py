"""Small pictures of a dataset's images, made once and kept beside them.

What takes much memory to decode is decoded in a process of its own, so that the page server never holds it:
`python -m core.data.images.thumbnails FOLDER FILE EDGE MAX_PIXELS` leaves the thumbnail in the folder, or
`{message, hint}` on standard output where the image cannot be read, `{errno, strerror}` where it cannot be kept.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from core.data.images import formats
from core.data.images.decode import IMAGES
from core.data.images.memory import needed, weighed
from core.data.images.reading import MAX_PIXELS, draft, reading
from core.data.images.upright import Upright
from core.errors import ImageDecodeError
from core.store.files import replacing

THUMBNAILS = "thumbnails"
"""Folder inside a dataset's."""
THUMBNAIL_EDGE, PREVIEW_EDGE = 160, 1024
"""Pixels: among others, and large enough to look at one alone."""
_HERE_BYTES = 8 * 2**20
"""What decoding may take in the process that asks: 2 million pixels of RGB."""
_SECONDS = 60
_REFUSED, _DISK = 3, 4
"""How the process ends when it leaves no thumbnail."""
_PROJECT = Path(__file__).resolve().parents[3]


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
        OSError: the thumbnail cannot be kept.
    """
    folder = dataset if isinstance(dataset, Path) else dataset.path
    kept = thumbnail_path(folder, file, edge)
    if not (picture := _kept(kept)):
        make = _make_apart if _is_heavy(folder / IMAGES / file, edge, max_pixels) else _make
        make(folder, file, edge, max_pixels)
        picture = kept.read_bytes()
    return picture


def thumbnail_path(folder: Path, file: str, edge: int = THUMBNAIL_EDGE) -> Path:
    """Where the thumbnail of an image stands in a dataset's folder."""
    return folder / THUMBNAILS / f"{Path(file).stem}{'' if edge == THUMBNAIL_EDGE else f'-{edge}'}.jpg"


def small_jpeg(source: Path, edge: int, max_pixels: int = MAX_PIXELS) -> bytes:
    """A JPEG of an image file, at most `edge` pixels wide and high; decoded here, so not for the page server.

    Raises:
        ImageDecodeError: the image cannot be read.
    """
    with reading(source, max_pixels, name=source.name) as image:
        full_size = image.size
        draft(image, edge, gap=1.0)
        with weighed(image, full_size):
            return jpeg(Upright(image), edge)


def jpeg(image: Upright, edge: int) -> bytes:
    """A JPEG of an image, at most `edge` pixels wide and high."""
    scale = edge / max(image.size)
    to = (max(1, round(image.width * scale)), max(1, round(image.height * scale))) if scale < 1 else image.size
    buffer = io.BytesIO()
    image.resized(to, (0, 0, *image.size)).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def _kept(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _is_heavy(source: Path, edge: int, max_pixels: int) -> bool:
    """Whether an image is to be decoded elsewhere, as its header tells. Raises ImageDecodeError."""
    with reading(source, max_pixels, name=source.name) as image:
        full_size, special = image.size, formats.FORMATS[image.format or "JPEG"].pixel_bytes is not None
        draft(image, edge, gap=1.0)
        return special or needed(image, full_size) > _HERE_BYTES


def _make(folder: Path, file: str, edge: int, max_pixels: int) -> None:
    picture = small_jpeg(folder / IMAGES / file, edge, max_pixels)
    with replacing(thumbnail_path(folder, file, edge), durable=False) as temporary:
        temporary.write_bytes(picture)


def _make_apart(folder: Path, file: str, edge: int, max_pixels: int) -> None:
    command = [sys.executable, "-m", "core.data.images.thumbnails", str(folder.resolve()), file, str(edge),
               str(max_pixels)]
    try:
        done = subprocess.run(command, cwd=_PROJECT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ImageDecodeError(f"{file}: decoding it takes longer than {_SECONDS} s",
                               "Make it smaller, or leave it out.") from error
    if done.returncode == _REFUSED:
        raise ImageDecodeError(**json.loads(done.stdout))
    if done.returncode == _DISK:
        raise OSError(*json.loads(done.stdout).values())
    if done.returncode:
        raise ImageDecodeError(f"{file}: {formats.CRASHED}", "Save it again as JPEG or PNG, or leave it out.")


def main(folder: str, file: str, edge: str, max_pixels: str) -> int:
    """Make one thumbnail; returns the exit status."""
    try:
        _make(Path(folder), file, int(edge), int(max_pixels))
    except ImageDecodeError as error:
        print(json.dumps({"message": error.message, "hint": error.hint}))
        return _REFUSED
    except OSError as error:
        print(json.dumps({"errno": error.errno, "strerror": error.strerror}))
        return _DISK
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
