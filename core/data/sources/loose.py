"""Loose pictures, and those in archives among them: written to a folder under names of ours and checked there."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from core.data.checker import Checker
from core.data.images import formats
from core.data.images.decode import IMAGES
from core.data.images.thumbnails import THUMBNAILS, thumbnail_path
from core.data.sources import archive, names
from core.data.sources.members import CHUNK, DamagedMemberError, Notes
from core.data.uploads import save_upload
from core.errors import ArchiveError
from core.store.workspace import Workspace

Brought = Iterable[tuple[str, BinaryIO]]
"""(name, open binary file) of what somebody brings."""


@dataclass(frozen=True)
class Picture:
    """One picture that was kept."""

    file: str
    name: str
    """As it was brought, without folders."""
    bytes: int


@dataclass
class Room:
    """How much more may be kept."""

    pictures: int
    bytes: int


def take_in(brought: Brought, folder: Path, workspace: Workspace, room: Room, notes: Notes) -> list[Picture]:
    """Keep the pictures that can be decoded; each is decoded once, in another process.

    Args:
        folder: Laid out as a dataset's: images and thumbnails below it.
        room: Is taken up; what does not fit is left out.
        notes: Takes down what is left out, and why.

    Raises:
        OSError: the folder cannot be written. Nothing of what was brought is kept then.
    """
    for inner in (IMAGES, THUMBNAILS):
        (folder / inner).mkdir(parents=True, exist_ok=True)
    spooled: list[Picture] = []
    try:
        for name, pieces in _flattened(brought, workspace, notes):
            if room.pictures <= 0 or room.bytes <= 0:
                notes.add("more than is kept at a time", name)
            elif (picture := _spool(name, pieces, folder, min(room.bytes, workspace.limits.member_bytes), notes)):
                spooled.append(picture)
                room.pictures, room.bytes = room.pictures - 1, room.bytes - picture.bytes
        return _checked(spooled, folder, workspace.limits.image_pixels, notes)
    except BaseException:
        forget(folder, (picture.file for picture in spooled))
        raise


def forget(folder: Path, files: Iterable[str]) -> None:
    """Remove pictures and their thumbnails."""
    for file in files:
        (folder / IMAGES / file).unlink(missing_ok=True)
        thumbnail_path(folder, file).unlink(missing_ok=True)


def _flattened(brought: Brought, workspace: Workspace, notes: Notes) -> Iterator[tuple[str, Iterator[bytes]]]:
    """(name, bytes in pieces) of what was brought, archives looked into."""
    for name, stream in brought:
        if names.suffix(name) not in names.ARCHIVE_SUFFIXES:
            yield name, iter(partial(stream.read, CHUNK), b"")
            continue
        path = None
        try:
            path = save_upload(stream, name, workspace)
            for member in archive.walk(path, workspace.limits, notes):
                if not member.is_folder:
                    yield member.name, member.chunks()
        except ArchiveError as error:
            notes.say(str(error).replace(path.name, name) if path else str(error))
        finally:
            if path is not None:
                path.unlink(missing_ok=True)


def _spool(name: str, pieces: Iterator[bytes], folder: Path, most: int, notes: Notes) -> Picture | None:
    """Write one file of at most `most` bytes; None, with a note, for what is no image, damaged or too large."""
    name = names.tidy(name.replace("\\", "/")).rpartition("/")[2] or "picture"
    try:
        first = next(pieces, b"")
        kind = formats.sniff(first[:formats.HEAD])
        if kind is None:
            notes.add(formats.what_it_is(first[:formats.HEAD]) if first else "the file is empty", name)
            return None
        file = f"{secrets.token_hex(8)}{formats.extension(kind)}"
        return Picture(file, name, _write(folder / IMAGES / file, first, pieces, most))
    except DamagedMemberError as error:
        notes.add(error.message, name)
        return None


def _write(path: Path, piece: bytes, rest: Iterator[bytes], most: int) -> int:
    """Write pieces to a new file; its bytes. Raises DamagedMemberError for more than `most`, and keeps nothing."""
    size = 0
    try:
        with open(path, "xb") as file:
            while piece:
                size += len(piece)
                if size > most:
                    raise DamagedMemberError(f"larger than {most / 2**20:,.0f} MB")
                file.write(piece)
                piece = next(rest, b"")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size


def _checked(spooled: list[Picture], folder: Path, max_pixels: int, notes: Notes) -> list[Picture]:
    """Those that can be decoded; the others are removed, with a note."""
    if not spooled:
        return []
    reasons: dict[str, str] = {}
    with Checker(folder, max_pixels) as checker:
        for picture in spooled:
            checker.ask(picture.file)
        while checker.waiting:
            if (answer := checker.answer(wait=True)) is not None:
                reasons[answer[0]] = answer[1].reason
    for picture in spooled:
        if reasons[picture.file]:
            notes.add(reasons[picture.file], picture.name)
            forget(folder, [picture.file])
    return [picture for picture in spooled if not reasons[picture.file]]
