"""Archives inside an archive or a folder, one level deep, read where somebody asks for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.sources import names
from core.data.sources.members import (
    CHUNK,
    DamagedMemberError,
    Member,
    Notes,
    OverLimitError,
    beside,
    check_count,
    check_total,
    judge,
)
from core.errors import ArchiveError
from core.store.limits import Limits

LEFT_OUT, DEEPER = "an archive inside the archive", "an archive inside an archive inside the archive"
"""The reasons that stand in the notes: where nobody asked for it, and for what lies too deep."""

Walk = Callable[[Path, Limits, Notes], Iterator[Member]]


def left_out(members: Iterator[Member], notes: Notes, reason: str = LEFT_OUT) -> Iterator[Member]:
    """The members without the archives among them."""
    for member in members:
        if is_archive(member):
            notes.add(reason, member.name)
        else:
            yield member


def read_too(walk: Walk, source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    """The members, those of the archives among them as well: `train.zip` is read as a folder `train`.

    Counts and bytes of all of them together are held to the limits, and the names that come of it to the rules for
    names. Archives that lie deeper, and those that cannot be opened, are left out.

    Args:
        walk: Gives the members of one source, archives among them.

    Raises:
        ArchiveError: one of them is damaged behind its beginning, or together they are over a limit.
    """
    counted, read = _Counted(source, limits), 0
    for member in walk(source, limits, notes):
        if not is_archive(member):
            yield counted.member(member)
            continue
        with tempfile.TemporaryDirectory(prefix=".inside-", dir=beside(source)) as folder:
            path = Path(folder) / f"inside{names.suffix(member.name)}"
            with open(path, "xb") as file:
                for piece in counted.bytes(member, limits.archive_bytes):
                    file.write(piece)
            begun, noted = False, len(notes.skipped())
            try:
                for inner in left_out(walk(path, counted.left(), notes), notes, DEEPER):
                    begun = True
                    if (place := judge(f"{_folder(member.name)}/{inner.name}", limits, notes)) is not None:
                        yield counted.member(replace(inner, name=place, fraction=member.fraction))
            except OverLimitError as error:
                raise OverLimitError(f"'{source.name}' and the archives inside hold more than is read: in "
                                     f"'{member.name}', {error.message}", error.hint) from error
            except ArchiveError as error:
                if begun:
                    raise ArchiveError(f"'{member.name}' in '{source.name}': {error.message}", error.hint) from error
                notes.add("an archive inside that cannot be read", member.name)
                continue
            counted.refuse(len(notes.skipped()) - noted)
        read += 1
    if read:
        notes.say(f"{read} {'archive' if read == 1 else 'archives'} inside were read as well, each as a folder.")


def _folder(name: str) -> str:
    """The folder that an archive inside is read as."""
    parent, _, file = name.rpartition("/")
    return f"{parent}/{names.stem(file).strip('.') or 'archive'}".lstrip("/")


def is_archive(member: Member) -> bool:
    """Whether a member calls itself an archive."""
    return not member.is_folder and names.suffix(member.name) in names.ARCHIVE_SUFFIXES


@dataclass
class _Counted:
    """What comes out of a source and of the archives inside, together."""

    source: Path
    limits: Limits
    members: int = 0
    total: int = 0

    def member(self, member: Member) -> Member:
        """The member; what is read of it is counted."""
        self.members += 1
        check_count(self.members, self.source, self.limits)
        return replace(member, chunks=lambda: self.bytes(member, self.limits.member_bytes))

    def refuse(self, count: int) -> None:
        """Members that were left out count as well."""
        self.members += count
        check_count(self.members, self.source, self.limits)

    def left(self) -> Limits:
        """What one more archive may hold."""
        return replace(self.limits, archive_members=max(self.limits.archive_members - self.members, 1),
                       archive_bytes=max(self.limits.archive_bytes - self.total, 1))

    def bytes(self, member: Member, most: int) -> Iterator[bytes]:
        """Raises DamagedMemberError when it is larger than `most`."""
        length = 0
        for piece in member.chunks():
            length, self.total = length + len(piece), self.total + len(piece)
            check_total(self.total, self.source, self.limits)
            if length > most:
                raise DamagedMemberError(f"'{member.name}' is larger than {most / CHUNK:,.0f} MB.",
                                         "Make it smaller, or leave it out.")
            yield piece
