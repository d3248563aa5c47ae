"""With which camera and on which day a photo was taken, from its EXIF: photos of one session look alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ExifTags, Image

from core.data.images.reading import reading
from core.errors import ImageDecodeError
from core.store.documents import Format
from core.store.files import disk_errors

if TYPE_CHECKING:
    from core.data.dataset import Dataset

FILE = "shots.json"
FORMAT = Format("list of shots")
"""`{shots: {file: "camera, day" or ""}}`: of every file that was looked at."""
_THREADS = 4
_LONGEST = 100


def shots(dataset: Dataset) -> dict[str, str]:
    """Camera and day of the usable images that name both, by the manifest's `file`.

    The first time the headers of all files are read (some 5,000 a second); what was found is kept beside the manifest,
    as the files never change.

    Raises:
        WorkspaceError: it cannot be kept.
    """
    path, files = dataset.path / FILE, dataset.usable()["file"].tolist()
    found = _kept(path)
    new = [file for file in files if file not in found]
    if new:
        with ThreadPoolExecutor(_THREADS) as pool:
            found |= dict(zip(new, pool.map(lambda file: shot(dataset.image_path(file), dataset.max_pixels), new),
                              strict=True))
        with disk_errors():
            FORMAT.write(path, {"shots": found})
    return {file: found[file] for file in files if found[file]}


def shot(path: Path, max_pixels: int) -> str:
    """`Canon EOS 80D, 2019-05-12`; "" when the file does not name both. Never raises for what is in the file."""
    try:
        with reading(path, max_pixels) as image:
            return _of_exif(image.getexif())
    except ImageDecodeError:
        return ""


def _of_exif(exif: Image.Exif) -> str:
    """By the day of the exposure, else that of the last change of the file (Exif 2.32, sections 4.6.4 and 4.6.5)."""
    taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    camera = " ".join(_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model)).strip()
    day = _text(taken)[:10].replace(":", "-")
    return f"{camera}, {day}"[:_LONGEST] if camera and day.replace("-", "").isdigit() and day != "0000-00-00" else ""


def _text(value: object) -> str:
    return value.strip("\0 ") if isinstance(value, str) else ""


def _kept(path: Path) -> dict[str, str]:
    """What was found before; nothing where the file is not there or cannot be read: it is made again."""
    try:
        return dict(FORMAT.read(path)["shots"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
