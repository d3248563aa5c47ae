"""The tables that lie among the images of a source, taken out of it one by one."""

from __future__ import annotations

from pathlib import Path

from core.data.sources import names
from core.data.sources.members import DamagedMemberError, Member, Notes
from core.data.sources.table import READERS, Table, TableError, read_table
from core.store.limits import Limits

_SPOOLED = "table"


class Tables:
    """Reads what may be a table of labels as it comes by.

    Args:
        folder: Where one is put while it is read.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._file, self._limits = folder / _SPOOLED, limits
        self._left = limits.table_bytes
        self.found: list[Table] = []

    def take(self, member: Member, notes: Notes) -> bool:
        """Read a member when its name is that of a table; False when it is none."""
        if names.suffix(member.name) not in READERS:
            return False
        try:
            size = self._spool(member)
            if size > self._left:
                notes.add("a table larger than is read", member.name)
                return True
            table = read_table(self._file, member.name, self._limits)
        except (DamagedMemberError, TableError) as error:
            notes.add(f"a table that cannot be read ({error.message})", member.name)
            return True
        finally:
            self._file.unlink(missing_ok=True)
        if table is None:
            notes.add("not an image", member.name)
        else:
            self._left -= size
            self.found.append(table)
        return True

    def _spool(self, member: Member) -> int:
        """Write a member down, no further than what is left; its bytes."""
        size = 0
        with open(self._file, "wb") as file:
            for piece in member.chunks():
                size += len(piece)
                if size <= self._left:
                    file.write(piece)
        return size
