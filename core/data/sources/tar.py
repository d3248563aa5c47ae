"""Reading a tar member by member, plain or compressed, with every unpacked byte counted, skipped ones included."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any

from core.data.sources import names
from core.data.sources.members import (
    CHUNK,
    MAKE_A_ZIP,
    MAYBE_A_BOMB,
    UPLOAD_AGAIN,
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

_LARGEST_HEADER = 2**20


class _CountedReader:
    """A tar's unpacked bytes, forwards only, counted against the limits as they come.

    `tarfile` reads headers in one piece, however long they say they are; here a long one is refused.
    """

    def __init__(self, plain: IO[bytes], source: Path, limits: Limits) -> None:
        self._plain, self._source, self._limits = plain, source, limits
        self._packed = source.stat().st_size
        self._position = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _LARGEST_HEADER:
            raise ArchiveError(f"'{self._source.name}' holds a header of {size} bytes.", MAYBE_A_BOMB)
        piece = self._plain.read(size)
        self._position += len(piece)
        self.last = piece or self.last
        check_ratio(self._position, self._packed, self._source.name, self._source, self._limits)
        check_total(self._position, self._source, self._limits)
        return piece

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or position < self._position:
            raise ArchiveError(f"'{self._source.name}' cannot be read in one pass.", UPLOAD_AGAIN)
        check_total(position, self._source, self._limits)
        while self._position < position and self.read(min(CHUNK, position - self._position)):
            pass
        return self._position

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position


def tar_members(source: Path, opener: Callable[..., Any], limits: Limits, notes: Notes) -> Iterator[Member]:
    size, count, current = source.stat().st_size, 0, ""
    with open(source, "rb") as packed, nullcontext(packed) if opener is open else opener(packed) as plain:
        reader: Any = _CountedReader(plain, source, limits)
        with mapped(source):
            archive = tarfile.open(fileobj=reader, mode="r:", encoding="utf-8", errors="surrogateescape")
        while True:
            with mapped(source, current):
                info = archive.next()
            if info is None:
                break
            archive.members = []  # type: ignore[attr-defined]  # or it keeps every member it has passed
            count += 1
            check_count(count, source, limits)
            current = names.tar_name(info)
            with mapped(source, current):
                name = judge(current, limits, notes)
            if name is None:
                continue
            fraction = min(1.0, packed.tell() / size)
            if info.isdir():
                yield Member(name, True, fraction)
            elif not info.isreg() or info.issparse():
                notes.add("a link or device", name)
            elif too_large(name, info.size, limits):
                notes.add(f"larger than {limits.member_bytes / 2**20:,.0f} MB", name)
            else:
                check_total(reader.tell() + info.size, source, limits)
                check_ratio(info.size, size, name, source, limits)
                yield Member(name, False, fraction, partial(_tar_chunks, archive, info, source, name))
        if not count:
            raise ArchiveError(f"The archive '{source.name}' is empty.", MAKE_A_ZIP)
        if reader.last.strip(b"\0"):
            raise ArchiveError(f"'{source.name}' is cut short or damaged after '{current}'.", UPLOAD_AGAIN)
        if len(reader.last) < tarfile.BLOCKSIZE:
            notes.add("whatever should follow, as the archive has no end mark and may be cut short", current)


def _tar_chunks(archive: tarfile.TarFile, info: tarfile.TarInfo, source: Path, name: str) -> Iterator[bytes]:
    with mapped(source, name):
        stream = archive.extractfile(info)
        while stream is not None and (piece := stream.read(CHUNK)):
            yield piece
