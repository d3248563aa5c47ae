"""The images that somebody wants classified: files, folders and archives, found and laid out for reading."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.sources import archive, names
from core.data.sources.members import DamagedMemberError, Notes
from core.errors import DataError, NotFoundError
from core.store.files import disk_errors
from core.store.limits import Limits


@dataclass(frozen=True)
class Picture:
    """One image to classify."""

    name: str
    """As the user knows it: the file's path, or `archive.zip/folder/photo.jpg`."""
    path: Path


def collect(
    sources: Iterable[Path], scratch: Path, limits: Limits, notes: Notes | None = None
) -> list[Picture]:
    """Every image in files, folders (with their subfolders) and zip or tar archives.

    Args:
        sources: What the user named. A single file is taken whatever it is called.
        scratch: A folder that members of archives are written to, under names of ours. May hold those of earlier calls.
        limits: What an archive may hold.
        notes: Takes down what is passed over in folders and archives, and why.

    Raises:
        NotFoundError: a source does not exist.
        ArchiveError: an archive cannot be read.
        WorkspaceError: the disk is full.
        DataError: there is no image in any of them.
    """
    numbers = itertools.count(sum(1 for _ in scratch.iterdir()))
    notes = notes or Notes()
    pictures = [picture for source in sources for picture in _pictures(source, scratch, limits, numbers, notes)]
    if not pictures:
        why = "".join(f" {line}." for line in notes.lines(shown=3))
        raise DataError(f"There is no image in what was given.{why}", "Give image files, folders or zips of images.")
    return pictures


def _pictures(
    source: Path, scratch: Path, limits: Limits, numbers: Iterator[int], notes: Notes
) -> Iterator[Picture]:
    if not source.exists():
        raise NotFoundError(f"There is no file or folder '{source}'.")
    if source.is_dir():
        for path in sorted(source.rglob("*"), key=lambda path: names.natural(str(path))):
            name = path.relative_to(source).as_posix()
            if path.is_file() and _is_picture(name, notes):
                yield Picture(_shown(path), path)
    elif names.suffix(source.name) in names.ARCHIVE_SUFFIXES:
        yield from _unpacked(source, scratch, limits, numbers, notes)
    else:
        yield Picture(_shown(source), source)


def _shown(path: Path) -> str:
    """A path as it was given, unless its bytes are no text: then as text that can be written."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return names.of_path(path)
    return str(path)


def _unpacked(
    source: Path, scratch: Path, limits: Limits, numbers: Iterator[int], notes: Notes
) -> Iterator[Picture]:
    for member in archive.walk(source, limits, notes):
        if member.is_folder or not _is_picture(member.name, notes):
            continue
        path = scratch / f"{next(numbers):06d}{names.suffix(member.name)}"
        try:
            with disk_errors(), open(path, "xb") as file:
                for piece in member.chunks():
                    file.write(piece)
        except DamagedMemberError:
            pass  # what was written is no whole image: it is answered with the reason
        yield Picture(f"{source}/{member.name}", path)


def _is_picture(name: str, notes: Notes) -> bool:
    if names.is_litter(name):
        return False
    if names.suffix(name) not in names.IMAGE_SUFFIXES:
        notes.add("not an image", name)
        return False
    return True
