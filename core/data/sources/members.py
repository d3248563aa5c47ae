"""What zip, tar and folder have in common: members, what is left out of them, and the limits they are held to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.sources import names
from core.errors import ArchiveError, GraftError
from core.store.limits import Limits

CHUNK = 2**20
"""Bytes read at a time."""
MAKE_A_ZIP = "Make a .zip or .tar.gz of the folder that holds one folder of images for each class."
UPLOAD_AGAIN = "Make or download the archive again; it may have been cut short on the way."
MAYBE_A_BOMB = "The archive is damaged, or made to fill disks. Nothing of it was kept."
_RATIO_FROM = 2**20


class DamagedMemberError(ArchiveError):
    """One member cannot be read to its end; the others can."""


class OverLimitError(ArchiveError):
    """It holds more than the limits allow, or is made to."""


class Notes:
    """What was left out and why, gathered by reason."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._said: list[str] = []

    def add(self, reason: str, name: str) -> None:
        """Record that `name` was left out because of `reason`."""
        self._names.setdefault(reason, []).append(name)

    def say(self, sentence: str) -> None:
        """Record what else was decided while reading."""
        self._said.append(sentence)

    def copy(self) -> Notes:
        """Another one, with the same so far."""
        other = Notes()
        other._said, other._names = [*self._said], {reason: [*names] for reason, names in self._names.items()}
        return other

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"said": self._said, "names": self._names}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Notes:
        """Back from `as_dict`."""
        notes = cls()
        notes._said, notes._names = document["said"], document["names"]
        return notes

    def lines(self, shown: int = 10) -> list[str]:
        """What was said, then one sentence per reason: `Left out, an absolute path: 2 (/etc/passwd, /x.jpg)`."""
        lines = list(self._said)
        for reason, members in self._names.items():
            more = f" and {len(members) - shown} more" if len(members) > shown else ""
            few = (name if len(name) <= 120 else f"{name[:117]}..." for name in members[:shown])
            lines.append(f"Left out, {reason}: {len(members)} ({', '.join(map(repr, few))}{more})")
        return lines

    def skipped(self) -> list[dict[str, str]]:
        """`[{member, reason}]` of what was left out."""
        return [{"member": name, "reason": reason} for reason, members in self._names.items() for name in members]


@dataclass(frozen=True)
class Member:
    """A file or folder of a source. `name` is text for people, never a path to write to."""

    name: str
    is_folder: bool
    fraction: float
    """How much of the source has been passed, 0..1."""
    chunks: Callable[[], Iterator[bytes]] = lambda: iter(())
    """Its bytes, in pieces of at most 1 MB. To be read before the next member is asked for."""


@contextmanager
def mapped(source: Path, member: str = "", kind: type[ArchiveError] = ArchiveError) -> Iterator[None]:
    """Turn whatever reading a hostile archive raises into one error that names the member."""
    try:
        yield
    except GraftError:
        raise
    except Exception as error:  # IndexError, MemoryError, ValueError, NotImplementedError, zlib.error, EOFError ...
        where = f"'{member}' in '{source.name}'" if member else f"'{source.name}'"
        detail = str(error)[:120] or type(error).__name__
        raise kind(f"{where} cannot be read: {detail}.", UPLOAD_AGAIN) from error


def judge(name: str, limits: Limits, notes: Notes) -> str | None:
    """The tidied name of a member that may be read, or None."""
    if names.is_litter(name):
        return None
    if reason := names.refusal(name, limits):
        notes.add(reason, name)
        return None
    tidied = names.tidy(name)
    return tidied or None


def too_large(name: str, size: int, limits: Limits) -> bool:
    """Whether a member is larger than one may be. An archive may be as large as all of them together."""
    archive = names.suffix(name) in names.ARCHIVE_SUFFIXES
    return size > (limits.archive_bytes if archive else limits.member_bytes)


def beside(source: Path) -> str | None:
    """Where there is room for what an archive holds: beside it, where that may be written; else None, the system's own
    place."""
    try:
        with tempfile.TemporaryFile(dir=source.parent):
            return str(source.parent)
    except OSError:
        return None


def check_count(count: int, source: Path, limits: Limits) -> None:
    """Raise ArchiveError when there are more members than allowed."""
    if count > limits.archive_members:
        raise OverLimitError(f"'{source.name}' holds more than {limits.archive_members:,} files.",
                             "Split it, or use a smaller part.")


def check_total(total: int, source: Path, limits: Limits) -> None:
    """Raise ArchiveError when `total` unpacked bytes are more than allowed."""
    if total > limits.archive_bytes:
        raise OverLimitError(f"'{source.name}' unpacks to more than {limits.archive_bytes / 2**20:,.0f} MB.",
                           "Use a smaller part, or make the images smaller.")


def check_ratio(unpacked: int, packed: int, name: str, source: Path, limits: Limits) -> None:
    """Raise ArchiveError when `unpacked` bytes came from suspiciously few `packed` ones."""
    if unpacked > _RATIO_FROM and unpacked > limits.ratio * max(packed, 1):
        raise OverLimitError(f"'{name}' in '{source.name}' unpacks to more than {limits.ratio} times its packed size.",
                           MAYBE_A_BOMB)
