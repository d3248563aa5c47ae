"""Archives inside an archive or a folder, one level deep, read where somebody asks for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.sources import names
from core.data.sources.members import CHUNK, DamagedMemberError, Member, Notes, beside, check_count, check_total
from core.store.limits import Limits

LEFT_OUT = "an archive inside the archive"
"""The reason that stands in the notes where nobody asked for it."""

Walk = Callable[[Path, Limits, Notes], Iterator[Member]]


def left_out(members: Iterator[Member], notes: Notes) -> Iterator[Member]:
    """The members without the archives among them."""
    for member in members:
        if is_archive(member):
            notes.add(LEFT_OUT, member.name)
        else:
            yield member


def read_too(walk: Walk, source: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    """The members, those of the archives among them as well: `train.zip` is read as a folder `train`.

    Counts and bytes of all of them together are held to the limits. Archives that lie deeper are left out.

    Args:
        walk: Gives the members of one source, archives among them.

    Raises:
        ArchiveError: one of them cannot be read, or together they are over a limit.
    """
    counted, read = _Counted(source, limits), 0
    for member in walk(source, replace(limits, member_bytes=limits.archive_bytes), notes):
        if not is_archive(member):
            yield counted.member(member)
            continue
        with tempfile.TemporaryDirectory(prefix=".inside-", dir=beside(source)) as folder:
            path = Path(folder) / member.name.rpartition("/")[2]
            with open(path, "xb") as file:
                for piece in counted.bytes(member, limits.archive_bytes):
                    file.write(piece)
            place = f"{member.name.rpartition('/')[0]}/{names.stem(path.name)}".lstrip("/")
            for inner in left_out(walk(path, limits, notes), notes):
                yield counted.member(replace(inner, name=f"{place}/{inner.name}", fraction=member.fraction))
        read += 1
    if read:
        notes.say(f"{read} {'archive' if read == 1 else 'archives'} inside were read as well, each as a folder.")


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
