"""Unpacking a source into a folder of checked images: members are read here and decoded in another process."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.checker import Checker
from core.data.images import formats
from core.data.images.decode import IMAGES
from core.data.images.inspection import Inspection
from core.data.images.thumbnails import THUMBNAILS, thumbnail_path
from core.data.sources import archive, names
from core.data.sources.members import DamagedMemberError, Member, Notes
from core.data.sources.table import Table
from core.data.tables import Tables
from core.store.limits import Limits

Walk = Callable[[Limits, Notes], Iterator[Member]]
"""Gives the members of a source that is neither an archive nor a folder."""

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it is done, 0..1. May raise, to cancel."""

_PROGRESS_EVERY = 0.1
_LOOK_AHEAD = 256


@dataclass(frozen=True)
class Unpacked:
    """What came out of a source, before it is decided how it is to be read."""

    rows: list[dict[str, Any]]
    """Of the manifest, without class and split."""
    tables: list[Table]
    """What stands beside the images, with labels maybe."""
    empty: list[str]
    """Folders that hold nothing."""
    notes: Notes


def unpack(source: Path | Walk, folder: Path, limits: Limits, progress: Progress | None = None) -> Unpacked:
    """Write the images of a source below `folder`, each decoded once to know whether it is good.

    Args:
        source: An archive, a folder, or what gives the members of anything else.

    Raises:
        ArchiveError: the source cannot be read or is over a limit.
    """
    for name in (IMAGES, THUMBNAILS):
        (folder / name).mkdir(parents=True)
    notes, folders, tables = Notes(), _Folders(), Tables(folder, limits)
    rows = _read_and_check(source, folder, limits, notes, folders, tables, _throttled(progress))
    return Unpacked(rows, tables.found, sorted(folders.empty()), notes)


class _Folders:
    """The folders of a source, to find those that hold nothing."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._used: set[str] = set()

    def add(self, member: Member) -> None:
        if member.is_folder:
            self._named.add(member.name)
        parent = member.name.rpartition("/")[0]
        while parent and parent not in self._used:
            self._used.add(parent)
            parent = parent.rpartition("/")[0]

    def empty(self) -> set[str]:
        return self._named - self._used


def _read_and_check(
    source: Path | Walk, folder: Path, limits: Limits, notes: Notes, folders: _Folders, tables: Tables,
    progress: Progress,
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    asked: dict[str, dict[str, Any]] = {}
    members = archive.walk(source, limits, notes) if isinstance(source, Path) else source(limits, notes)
    with Checker(folder, limits.image_pixels) as checker:
        for member in members:
            folders.add(member)
            if member.is_folder or tables.take(member, notes):
                continue
            if (row := _store(member, folder, len(rows), notes)) is None:
                continue
            rows.append(row)
            if row["status"] == "ok":
                asked[row["file"]] = row
                checker.ask(row["file"])
            fraction = 0.95 * member.fraction
            for file, result in _answers(checker, _LOOK_AHEAD, "Unpacking and checking images", fraction, progress):
                _settle(asked.pop(file), result, folder)
        for file, result in _answers(checker, 0, "Checking the last images", 0.95, progress):
            _settle(asked.pop(file), result, folder)
    return rows


def _answers(checker: Checker, most: int, what: str, fraction: float,
             progress: Progress) -> Iterator[tuple[str, Inspection]]:
    """The answers that have come; waits for more while more than `most` files have none. May be cancelled."""
    while True:
        progress(what, fraction)
        answer = checker.answer(wait=checker.waiting > most)
        if answer is not None:
            yield answer
        elif checker.waiting <= most:
            return


def _store(member: Member, folder: Path, index: int, notes: Notes) -> dict[str, Any] | None:
    """Write one member under a name of ours. A row of the manifest, or None for what is not meant to be an image."""
    row: dict[str, Any] = {
        "path": member.name, "group": "", "width": 0, "height": 0, "bytes": 0, "hash": "", "status": "ok",
        "reason": "", "file": "",
    }
    chunks, called_image = member.chunks(), names.suffix(member.name) in names.IMAGE_SUFFIXES
    try:
        first = next(chunks, b"")
        kind = formats.sniff(first[:formats.HEAD])
        if kind is None and not called_image and not formats.is_raw(first[:formats.HEAD]):
            notes.add("not an image", member.name)
            return None
        row["file"] = f"{index:06d}{formats.extension(kind)}"
        row["bytes"], row["hash"] = _write(folder / IMAGES / row["file"], first, chunks)
    except DamagedMemberError as error:
        if not called_image:
            notes.add("damaged in the archive", member.name)
            _remove(folder, row["file"])
            return None
        _make_bad(row, folder, f"damaged in the archive: {error.message}")
    return row


def _write(path: Path, first: bytes, rest: Iterator[bytes]) -> tuple[int, str]:
    """Write pieces to a new file; its length in bytes and its SHA-256."""
    digest, length, piece = hashlib.sha256(), 0, first
    with open(path, "xb") as file:
        while piece:
            file.write(piece)
            digest.update(piece)
            length += len(piece)
            piece = next(rest, b"")
    return length, digest.hexdigest()


def _settle(row: dict[str, Any], result: Inspection, folder: Path) -> None:
    """Enter the result of a check into its row."""
    if result.reason:
        _make_bad(row, folder, result.reason)
    else:
        row.update(width=result.width, height=result.height)


def _make_bad(row: dict[str, Any], folder: Path, reason: str) -> None:
    """A bad file stays as a row with its reason; its bytes are not kept."""
    _remove(folder, row["file"])
    row.update(status="bad", reason=reason, file="")


def _remove(folder: Path, file: str) -> None:
    if file:
        (folder / IMAGES / file).unlink(missing_ok=True)
        thumbnail_path(folder, file).unlink(missing_ok=True)


def _throttled(progress: Progress | None) -> Progress:
    last = 0.0

    def report(what: str, fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if progress is not None and now - last >= _PROGRESS_EVERY:
            last = now
            progress(what, fraction)

    return report
