"""Reading zip, tar and folders member by member, with every byte counted. Nothing is ever extracted by name."""

from __future__ import annotations

import bz2
import copy
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

from core.data import names
from core.errors import ArchiveError, GraftError
from core.settings import Limits

CHUNK = 2**20
_RATIO_FROM = 2**20
_LARGEST_HEADER = 2**20
_TAR_MARK = (257, b"ustar")
_COMPRESSED_TARS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open),
)
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_END_OF_DIRECTORY = b"PK\x05\x06"
_MAKE_A_ZIP = "Make a .zip or .tar.gz of the folder that holds one folder of images for each class."
_UPLOAD_AGAIN = "Make or download the archive again; it may have been cut short on the way."
_MAYBE_A_BOMB = "The archive is damaged, or made to fill disks. Nothing of it was kept."


class DamagedMemberError(ArchiveError):
    """One member cannot be read to its end; the others can."""


class Notes:
    """What was left out and why, gathered by reason."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        """Record that `name` was left out because of `reason`."""
        self._names.setdefault(reason, []).append(name if len(name) <= 120 else f"{name[:117]}...")

    def lines(self, shown: int = 10) -> list[str]:
        """One sentence per reason: `Left out, an absolute path: 2 (/etc/passwd, /x.jpg)`."""
        lines = []
        for reason, members in self._names.items():
            more = f" and {len(members) - shown} more" if len(members) > shown else ""
            lines.append(f"Left out, {reason}: {len(members)} ({', '.join(map(repr, members[:shown]))}{more})")
        return lines


@dataclass(frozen=True)
class Member:
    """A file or folder of a source. `name` is text for people, never a path to write to."""

    name: str
    is_folder: bool
    fraction: float
    """How much of the source has been passed, 0..1."""
    chunks: Callable[[], Iterator[bytes]] = lambda: iter(())
    """Its bytes, in pieces of at most 1 MB. To be read before the next member is asked for."""


def walk(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    """Yield the members of a zip, a tar (plain, gz, bz2, xz) or a folder that may be read, in stored order.

    Members with unsafe names, links, devices and archives are left out and recorded in `notes`; what operating
    systems leave behind is left out silently.

    Raises:
        ArchiveError: not an archive, encrypted, damaged as a whole, or over a limit.
        DamagedMemberError: from a member's `chunks`: this one cannot be read, but others can.
    """
    if source.is_dir():
        return _folder_members(source, limits, notes)
    opener = _tar_opener(source)
    members = _zip_members(source, limits, notes) if opener is None else _tar_members(source, opener, limits, notes)
    return members


def _tar_opener(source: Path) -> Callable[..., Any] | None:
    """How to open a tar, or None for a zip. Raises ArchiveError for anything else."""
    try:
        with open(source, "rb") as handle:
            head = handle.read(512)
    except OSError as error:
        raise ArchiveError(f"'{source.name}' cannot be opened: {error.strerror}.") from error
    if not head:
        raise ArchiveError(f"'{source.name}' is empty (0 bytes).", _UPLOAD_AGAIN)
    for mark, opener in _COMPRESSED_TARS:
        if head.startswith(mark):
            return opener
    if head[_TAR_MARK[0]:].startswith(_TAR_MARK[1]):
        return open
    if zipfile.is_zipfile(source):
        return None
    if head.startswith((b"Rar!", b"7z\xbc\xaf")):
        raise ArchiveError(f"'{source.name}' is a RAR or 7z archive, which cannot be read.", _MAKE_A_ZIP)
    if head.startswith(b"PK"):
        raise ArchiveError(f"The zip '{source.name}' has no directory at its end: it is cut short.", _UPLOAD_AGAIN)
    if _is_old_tar(source):
        return open
    raise ArchiveError(f"'{source.name}' is not a zip or tar archive.", _MAKE_A_ZIP)


def _is_old_tar(source: Path) -> bool:
    try:
        with open(source, "rb") as handle:
            tarfile.TarInfo.frombuf(handle.read(512), "utf-8", "surrogateescape")
        return True
    except (tarfile.TarError, ValueError):
        return False


@contextmanager
def _mapped(source: Path, member: str = "", kind: type[ArchiveError] = ArchiveError) -> Iterator[None]:
    """Turn whatever reading a hostile archive raises into one error that names the member."""
    try:
        yield
    except GraftError:
        raise
    except Exception as error:  # IndexError, MemoryError, ValueError, NotImplementedError, zlib.error, EOFError ...
        where = f"'{member}' in '{source.name}'" if member else f"'{source.name}'"
        detail = str(error)[:120] or type(error).__name__
        raise kind(f"{where} cannot be read: {detail}.", _UPLOAD_AGAIN) from error


def _judge(name: str, is_folder: bool, limits: Limits, notes: Notes) -> str | None:
    """The tidied name of a member that may be read, or None."""
    if names.is_litter(name):
        return None
    if reason := names.refusal(name, limits):
        notes.add(reason, name)
        return None
    tidied = names.tidy(name)
    if not is_folder and names.suffix(tidied) in names.ARCHIVE_SUFFIXES:
        notes.add("an archive inside the archive", tidied)
        return None
    return tidied or None


# --- zip -------------------------------------------------------------------------------------------------------------


def _zip_members(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    with open(source, "rb") as handle:
        _check_directory_size(handle, source, limits)
        with _mapped(source):
            archive = zipfile.ZipFile(handle)
            members = archive.infolist()
        _check_zip(members, archive.start_dir, source, limits)
        for index, info in enumerate(members):
            with _mapped(source, info.filename):
                name = _judge(names.zip_name(info), info.is_dir(), limits, notes)
            if name is None:
                continue
            fraction = index / len(members)
            if info.is_dir():
                yield Member(name, True, fraction)
            elif stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                notes.add("a link or device", name)
            elif info.file_size > limits.member_bytes:
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
        raise ArchiveError(f"The zip '{source.name}' has no directory at its end: it is cut short.", _UPLOAD_AGAIN)
    length, finish = struct.unpack_from("<I", tail, end + 12)[0], start + end
    if length == 0xFFFFFFFF and tail[end - 20:end - 16] == b"PK\x06\x07" and tail[end - 76:end - 72] == b"PK\x06\x06":
        length, finish = struct.unpack_from("<Q", tail, end - 76 + 40)[0], finish - 76
    if length > min(limits.archive_members * (46 + 2 * limits.name_bytes), finish):
        raise ArchiveError(f"The directory of '{source.name}' is damaged or too large.", _UPLOAD_AGAIN)
    handle.seek(finish - length)
    _check_count(handle.read(length).count(b"PK\x01\x02"), source, limits)
    handle.seek(0)


def _check_zip(members: list[zipfile.ZipInfo], directory: int, source: Path, limits: Limits) -> None:
    """Refuse what the directory alone gives away: passwords, overlapping members, bombs. Raises ArchiveError."""
    if not members:
        raise ArchiveError(f"The archive '{source.name}' is empty.", _MAKE_A_ZIP)
    total = 0
    for info in members:
        if info.flag_bits & 0x41:
            raise ArchiveError(
                f"'{info.filename}' in '{source.name}' is protected with a password.",
                "Make the zip again without one: unpack it, select the folder, and compress it with no encryption.",
            )
        if info.compress_type not in _ZIP_METHODS:
            raise ArchiveError(
                f"'{info.filename}' in '{source.name}' is packed with method {info.compress_type}, which cannot be "
                "read.", "Make the zip again with the usual compression (deflate).",
            )
        _check_ratio(info.file_size, info.compress_size, info.filename, source, limits)
        total += info.file_size
        _check_total(total, source, limits)
    ordered = sorted(members, key=lambda info: info.header_offset)
    following = [*(info.header_offset for info in ordered[1:]), directory]
    for info, limit in zip(ordered, following, strict=True):
        if info.header_offset + 30 + len(info.orig_filename) + info.compress_size > limit:
            raise ArchiveError(f"'{info.filename}' in '{source.name}' overlaps another member.", _MAYBE_A_BOMB)


def _zip_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Path, name: str) -> Iterator[bytes]:
    declared, count = info.file_size, 0
    probe = copy.copy(info)
    probe.file_size = declared + 4 * CHUNK  # zipfile stops at the declared size; read on, to see whether it lies
    # Only deflate unpacks no further than asked for; the others unpack whatever they are given at once.
    step = CHUNK if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 4096
    with _mapped(source, name, DamagedMemberError), archive.open(probe) as stream:
        while piece := stream.read(step):
            count += len(piece)
            if count > declared:
                break
            yield piece
    if count != declared:
        raise ArchiveError(f"'{name}' in '{source.name}' has another size than it says ({declared} bytes).",
                           _MAYBE_A_BOMB)


# --- tar -------------------------------------------------------------------------------------------------------------


class _CountedReader:
    """A tar's unpacked bytes, forwards only, counted against the limits as they come, skipped ones included."""

    def __init__(self, plain: IO[bytes], source: Path, limits: Limits) -> None:
        self._plain, self._source, self._limits = plain, source, limits
        self._packed = source.stat().st_size
        self._position = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _LARGEST_HEADER:
            raise ArchiveError(f"'{self._source.name}' holds a header of {size} bytes.", _MAYBE_A_BOMB)
        piece = self._plain.read(size)
        self._position += len(piece)
        self.last = piece or self.last
        _check_ratio(self._position, self._packed, self._source.name, self._source, self._limits)
        _check_total(self._position, self._source, self._limits)
        return piece

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or position < self._position:
            raise ArchiveError(f"'{self._source.name}' cannot be read in one pass.", _UPLOAD_AGAIN)
        _check_total(position, self._source, self._limits)
        while self._position < position and self.read(min(CHUNK, position - self._position)):
            pass
        return self._position

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position


def _tar_members(source: Path, opener: Callable[..., Any], limits: Limits, notes: Notes) -> Iterator[Member]:
    size, count, current = source.stat().st_size, 0, ""
    with open(source, "rb") as packed, nullcontext(packed) if opener is open else opener(packed) as plain:
        reader = _CountedReader(plain, source, limits)
        with _mapped(source):
            archive = tarfile.open(fileobj=_as_file(reader), mode="r:", encoding="utf-8", errors="surrogateescape")
        while True:
            with _mapped(source, current):
                info = archive.next()
            if info is None:
                break
            archive.members = []  # or it keeps every member it has passed
            count += 1
            _check_count(count, source, limits)
            current = names.tar_name(info)
            with _mapped(source, current):
                name = _judge(current, info.isdir(), limits, notes)
            if name is None:
                continue
            fraction = min(1.0, packed.tell() / size)
            if info.isdir():
                yield Member(name, True, fraction)
            elif not info.isreg() or info.issparse():
                notes.add("a link or device", name)
            elif info.size > limits.member_bytes:
                notes.add(f"larger than {limits.member_bytes / 2**20:,.0f} MB", name)
            else:
                _check_total(reader.tell() + info.size, source, limits)
                _check_ratio(info.size, size, name, source, limits)
                yield Member(name, False, fraction, partial(_tar_chunks, archive, info, source, name))
        if not count:
            raise ArchiveError(f"The archive '{source.name}' is empty.", _MAKE_A_ZIP)
        if reader.last.strip(b"\0"):
            raise ArchiveError(f"'{source.name}' is cut short or damaged after '{current}'.", _UPLOAD_AGAIN)
        if len(reader.last) < tarfile.BLOCKSIZE:
            notes.add("whatever should follow, as the archive has no end mark and may be cut short", current)


def _tar_chunks(archive: tarfile.TarFile, info: tarfile.TarInfo, source: Path, name: str) -> Iterator[bytes]:
    with _mapped(source, name):
        stream = archive.extractfile(info)
        while stream is not None and (piece := stream.read(CHUNK)):
            yield piece


def _as_file(reader: _CountedReader) -> Any:
    return reader


# --- folder ----------------------------------------------------------------------------------------------------------


def _folder_members(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    found = sorted(path for path in source.rglob("*") if not names.is_litter(path.relative_to(source).as_posix()))
    _check_count(len(found), source, limits)
    total = 0
    for index, path in enumerate(found):
        is_link, is_folder = path.is_symlink(), path.is_dir()
        name = _judge(_text(path.relative_to(source)), is_folder, limits, notes)
        if name is None:
            continue
        if is_link or not (is_folder or path.is_file()):
            notes.add("a link or device", name)
        elif is_folder:
            yield Member(name, True, index / len(found))
        elif path.stat().st_size > limits.member_bytes:
            notes.add(f"larger than {limits.member_bytes / 2**20:,.0f} MB", name)
        else:
            total += path.stat().st_size
            _check_total(total, source, limits)
            yield Member(name, False, index / len(found), partial(_file_chunks, path, source, name))


def _text(path: Path) -> str:
    return names.readable(os.fsencode(path.as_posix()))


def _file_chunks(path: Path, source: Path, name: str) -> Iterator[bytes]:
    with _mapped(source, name, DamagedMemberError), open(path, "rb") as stream:
        while piece := stream.read(CHUNK):
            yield piece


# --- limits ----------------------------------------------------------------------------------------------------------


def _check_count(count: int, source: Path, limits: Limits) -> None:
    if count > limits.archive_members:
        raise ArchiveError(f"'{source.name}' holds more than {limits.archive_members:,} files.",
                           "Split it, or use a smaller part.")


def _check_total(total: int, source: Path, limits: Limits) -> None:
    if total > limits.archive_bytes:
        raise ArchiveError(f"'{source.name}' unpacks to more than {limits.archive_bytes / 2**20:,.0f} MB.",
                           "Use a smaller part, or make the images smaller.")


def _check_ratio(unpacked: int, packed: int, name: str, source: Path, limits: Limits) -> None:
    if unpacked > _RATIO_FROM and unpacked > limits.ratio * max(packed, 1):
        raise ArchiveError(f"'{name}' in '{source.name}' unpacks to more than {limits.ratio} times its packed size.",
                           _MAYBE_A_BOMB)
