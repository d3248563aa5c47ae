"""Previews of a dataset's images, large enough to look at one alone; made once, then kept beside the thumbnails.

What is large, or in a format whose decoder takes much memory, is decoded in a process of its own:
`python -m core.data.images.previews FOLDER FILE EDGE MAX_PIXELS`. It prints nothing when the preview is there, and
`{message, hint}` when the image cannot be read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from core.data.images import formats
from core.data.images.decode import IMAGES
from core.data.images.reading import MAX_PIXELS
from core.data.images.thumbnails import thumbnail, thumbnail_path
from core.errors import ImageDecodeError

PREVIEW_EDGE = 1024
_HERE_PIXELS = 2_000_000
"""Up to this size an image is decoded where it is asked for: that takes less time than another process's start."""
_SECONDS = 60
_PROJECT = Path(__file__).resolve().parents[3]
_REFUSED = 3


def preview(folder: Path, file: str, pixels: int, edge: int = PREVIEW_EDGE, max_pixels: int = MAX_PIXELS) -> bytes:
    """A JPEG of an image of the dataset in `folder`, at most `edge` pixels wide and high.

    Args:
        file: As in the manifest.
        pixels: Width times height, as in the manifest.
        max_pixels: As for `core.data.images.decode.decode`.

    Raises:
        ImageDecodeError: the image cannot be read.
        OSError: the preview cannot be kept.
    """
    kept = thumbnail_path(folder, file, edge)
    if not kept.is_file() and (pixels > _HERE_PIXELS or _is_heavy(folder / IMAGES / file)):
        _make_apart(folder, file, edge, max_pixels)
    return thumbnail(folder, file, edge, max_pixels)


def _is_heavy(path: Path) -> bool:
    try:
        with open(path, "rb") as handle:
            row = formats.FORMATS.get(formats.sniff(handle.read(formats.HEAD)) or "")
    except OSError:
        return False
    return row is not None and row.pixel_bytes is not None


def _make_apart(folder: Path, file: str, edge: int, max_pixels: int) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "core.data.images.previews", str(folder.resolve()), file, str(edge),
             str(max_pixels)],
            cwd=_PROJECT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ImageDecodeError(f"{file}: decoding it takes longer than {_SECONDS} s",
                               "Make it smaller, or leave it out.") from error
    if done.returncode == _REFUSED:
        raise ImageDecodeError(**json.loads(done.stdout))
    if done.returncode:
        raise ImageDecodeError(f"{file}: the decoder broke down over it, or there is not enough memory to decode it",
                               "Save it again as JPEG or PNG, or leave it out.")


def main(folder: str, file: str, edge: str, max_pixels: str) -> int:
    """Make one preview; returns the exit status."""
    try:
        thumbnail(Path(folder), file, int(edge), int(max_pixels))
    except ImageDecodeError as error:
        print(json.dumps({"message": error.message, "hint": error.hint}))
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
