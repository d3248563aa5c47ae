"""Reading a folder of this machine file by file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core.data.sources import names
from core.data.sources.members import (
    CHUNK,
    DamagedMemberError,
    Member,
    Notes,
    check_count,
    check_total,
    judge,
    mapped,
    too_large,
)
from core.store.limits import Limits


def folder_members(source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    found = sorted(path for path in source.rglob("*") if not names.is_litter(path.relative_to(source).as_posix()))
    check_count(len(found), source, limits)
    total = 0
    for index, path in enumerate(found):
        is_link, is_folder = path.is_symlink(), path.is_dir()
        name = judge(names.of_path(path.relative_to(source)), limits, notes)
        if name is None:
            continue
        if is_link or not (is_folder or path.is_file()):
            notes.add("a link or device", name)
        elif is_folder:
            yield Member(name, True, index / len(found))
        elif too_large(name, path.stat().st_size, limits):
            notes.add(f"larger than {limits.member_bytes / 2**20:,.0f} MB", name)
        else:
            total += path.stat().st_size
            check_total(total, source, limits)
            yield Member(name, False, index / len(found), partial(_file_chunks, path, source, name))


def _file_chunks(path: Path, source: Path, name: str) -> Iterator[bytes]:
    with mapped(source, name, DamagedMemberError), open(path, "rb") as stream:
        while piece := stream.read(CHUNK):
            yield piece
