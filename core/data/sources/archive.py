"""Reading zip, tar, 7z and folders member by member, with every byte counted. Nothing is ever extracted by name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.data.sources import inside, seven_zip
from core.data.sources.folder import folder_members
from core.data.sources.members import (
    MAKE_A_ZIP,
    UPLOAD_AGAIN,
    Member,
    Notes,
    mapped,
)
from core.data.sources.tar import tar_members
from core.data.sources.zip import zip_members
from core.errors import ArchiveError
from core.store.limits import Limits

_TAR_MARK = (257, b"ustar")
_COMPRESSED_TARS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open),
)


def walk(source: Path, limits: Limits, notes: Notes, archives_inside: bool = False) -> Iterator[Member]:
    """Yield the members of a zip, a tar (plain, gz, bz2, xz), a 7z or a folder that may be read, in stored order.

    Members with unsafe names, links, devices and archives are left out and recorded in `notes`; what operating
    systems leave behind is left out silently.

    Args:
        archives_inside: Read archives among the members as well: see `core.data.sources.inside`.

    Raises:
        ArchiveError: not an archive, encrypted, damaged as a whole, or over a limit.
        DamagedMemberError: from a member's `chunks`: this one cannot be read, but others can.
    """
    if archives_inside:
        yield from inside.read_too(_members, source, limits, notes)
    else:
        yield from inside.left_out(_members(source, limits, notes), notes)


def _members(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    """Archives among them."""
    with mapped(source):  # around everything: what no reader was expected to raise is still the archive's fault
        if source.is_dir():
            yield from folder_members(source, limits, notes)
        elif _begins_with(source, seven_zip.MARK):
            yield from seven_zip.seven_zip_members(source, limits, notes)
        elif (opener := _tar_opener(source)) is None:
            yield from zip_members(source, limits, notes)
        else:
            yield from tar_members(source, opener, limits, notes)


def members_of(source: Path, name: Callable[[str], str] | None = None, archives_inside: bool = False
               ) -> Callable[[Limits, Notes], Iterator[Member]]:
    """The members of a source, as `core.data.unpacking.unpack` takes them.

    Args:
        name: Gives the name to read a member by. None: its own.
        archives_inside: As for `walk`.
    """
    def members(limits: Limits, notes: Notes) -> Iterator[Member]:
        found = walk(source, limits, notes, archives_inside)
        return found if name is None else (replace(member, name=name(member.name)) for member in found)

    return members


def _begins_with(source: Path, mark: bytes) -> bool:
    try:
        with open(source, "rb") as handle:
            return handle.read(len(mark)) == mark
    except OSError:
        return False  # whoever opens it next says why


def _tar_opener(source: Path) -> Callable[..., Any] | None:
    """How to open a tar, or None for a zip. Raises ArchiveError for anything else."""
    try:
        with open(source, "rb") as handle:
            head = handle.read(512)
    except OSError as error:
        raise ArchiveError(f"'{source.name}' cannot be opened: {error.strerror}.") from error
    if not head:
        raise ArchiveError(f"'{source.name}' is empty (0 bytes).", UPLOAD_AGAIN)
    for mark, opener in _COMPRESSED_TARS:
        if head.startswith(mark):
            return opener
    if head[_TAR_MARK[0]:].startswith(_TAR_MARK[1]):
        return open
    if zipfile.is_zipfile(source):
        return None
    if head.startswith(b"Rar!"):
        raise ArchiveError(f"'{source.name}' is a RAR archive, which cannot be read.", MAKE_A_ZIP)
    if head.startswith(b"PK"):
        raise ArchiveError(f"The zip '{source.name}' is cut short: the list of files at its end is gone.", UPLOAD_AGAIN)
    if _is_old_tar(source):
        return open
    raise ArchiveError(f"'{source.name}' is not a zip, tar or 7z archive.", MAKE_A_ZIP)


def _is_old_tar(source: Path) -> bool:
    try:
        with open(source, "rb") as handle:
            tarfile.TarInfo.frombuf(handle.read(512), "utf-8", "surrogateescape")
        return True
    except (tarfile.TarError, ValueError):
        return False
