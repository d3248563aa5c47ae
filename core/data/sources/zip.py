"""Reading a zip member by member. `zipfile` decodes; what may be read, and how much of it, is decided here."""

from __future__ import annotations

import copy
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from core.data.sources import names
from core.data.sources.members import (
    CHUNK,
    MAKE_A_ZIP,
    MAYBE_A_BOMB,
    UPLOAD_AGAIN,
    DamagedMemberError,
    Member,
    Notes,
    check_count,
    check_ratio,
    check_total,
    judge,
    mapped,
    too_large,
)
from core.errors import ArchiveError
from core.store.limits import Limits

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_END_OF_DIRECTORY = b"PK\x05\x06"


def zip_members(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    with open(source, "rb") as handle:
        _check_directory_size(handle, source, limits)
        with mapped(source):
            archive = zipfile.ZipFile(handle)
            members = archive.infolist()
        _check_zip(members, archive.start_dir, source, limits)
        windows = names.windows_made([info.orig_filename for info in members])
        if windows:
            notes.say("The names in the archive have backslashes, as some Windows tools write them: read as folders.")
        for index, info in enumerate(members):
            with mapped(source, info.filename):
                given = names.zip_name(info)
                given = given.replace("\\", "/") if windows else given
                is_folder = info.is_dir() or windows and given.endswith("/")
                name = judge(given, limits, notes)
            if name is None:
                continue
            fraction = index / len(members)
            if is_folder:
                yield Member(name, True, fraction)
            elif stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                notes.add("a link or device", name)
            elif too_large(name, info.file_size, limits):
                notes.add(f"larger than {limits.member_bytes / 2**20:,.0f} MB", name)
            else:
                yield Member(name, False, fraction, partial(_zip_chunks, archive, info, source, name))


def _check_directory_size(handle: BinaryIO, source: Path, limits: Limits) -> None:
    """Count the members before `zipfile` builds an object for each (APPNOTE.TXT, sections 4.3.12 to 4.3.16)."""
    size = handle.seek(0, os.SEEK_END)
    start = max(0, size - 22 - 2**16)
    handle.seek(start)
    tail = handle.read()
    end = tail.rfind(_END_OF_DIRECTORY)
    if end < 0 or len(tail) - end < 22:
        raise ArchiveError(f"The zip '{source.name}' is cut short: the list of files at its end is gone.", UPLOAD_AGAIN)
    length, finish = struct.unpack_from("<I", tail, end + 12)[0], start + end
    if length == 0xFFFFFFFF and tail[end - 20:end - 16] == b"PK\x06\x07" and tail[end - 76:end - 72] == b"PK\x06\x06":
        length, finish = struct.unpack_from("<Q", tail, end - 76 + 40)[0], finish - 76
    if length > min(limits.archive_members * (46 + 2 * limits.name_bytes), finish):
        raise ArchiveError(f"The directory of '{source.name}' is damaged or too large.", UPLOAD_AGAIN)
    handle.seek(finish - length)
    check_count(handle.read(length).count(b"PK\x01\x02"), source, limits)
    handle.seek(0)


def _check_zip(members: list[zipfile.ZipInfo], directory: int, source: Path, limits: Limits) -> None:
    """Refuse what the directory alone gives away: passwords, overlapping members, bombs. Raises ArchiveError."""
    if not members:
        raise ArchiveError(f"The archive '{source.name}' is empty.", MAKE_A_ZIP)
    total = 0
    for info in members:
        if info.flag_bits & 0x41:
            raise ArchiveError(
                f"'{info.filename}' in '{source.name}' is protected with a password.",
                "Make the zip again without one: unpack it, select the folder, and compress it with no encryption.",
            )
        if info.compress_type not in _METHODS:
            raise ArchiveError(
                f"'{info.filename}' in '{source.name}' is packed with method {info.compress_type}, which cannot be "
                "read.", "Make the zip again with the usual compression (deflate).",
            )
        check_ratio(info.file_size, info.compress_size, info.filename, source, limits)
        total += info.file_size
        check_total(total, source, limits)
    ordered = sorted(members, key=lambda info: info.header_offset)
    following = [*(info.header_offset for info in ordered[1:]), directory]
    for info, limit in zip(ordered, following, strict=True):
        if info.header_offset + 30 + len(info.orig_filename) + info.compress_size > limit:
            raise ArchiveError(f"'{info.filename}' in '{source.name}' overlaps another member.", MAYBE_A_BOMB)


def _zip_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Path, name: str) -> Iterator[bytes]:
    declared, count = info.file_size, 0
    probe = copy.copy(info)
    probe.file_size = declared + 4 * CHUNK  # zipfile stops at the declared size; read on, to see whether it lies
    # Only deflate unpacks no further than asked for; the others unpack whatever they are given at once.
    step = CHUNK if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 4096
    with mapped(source, name, DamagedMemberError), archive.open(probe) as stream:
        while piece := stream.read(step):
            count += len(piece)
            if count > declared:
                break
            yield piece
    if count != declared:
        raise ArchiveError(f"'{name}' in '{source.name}' has another size than it says ({declared} bytes).",
                           MAYBE_A_BOMB)
