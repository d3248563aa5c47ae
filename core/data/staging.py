"""A folder to build a dataset in, and what is kept of it while a question is open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.data.sources.members import Notes
from core.data.sources.table import Table
from core.data.unpacking import Unpacked
from core.errors import NotFoundError
from core.store.documents import Format
from core.store.files import disk_errors
from core.store.workspace import Workspace

HELD = "held.json"
FORMAT = Format("held reading")


@contextmanager
def staging(workspace: Workspace, name: str) -> Iterator[Path]:
    """A new folder in `workspace.incoming`; gone at the end unless it was renamed into its place, or is held."""
    folder = workspace.incoming / name
    try:
        with disk_errors():
            folder.mkdir()
            yield folder
    finally:
        if not (folder / HELD).exists():
            shutil.rmtree(folder, ignore_errors=True)


def hold(folder: Path, unpacked: Unpacked, about: dict[str, Any]) -> None:
    """Keep what was unpacked until `held` asks for it. What nobody comes back for goes with other left-overs."""
    FORMAT.write(folder / HELD, {
        "about": about, "rows": unpacked.rows, "tables": [asdict(table) for table in unpacked.tables],
        "empty": unpacked.empty, "notes": unpacked.notes.as_dict()})


def held(workspace: Workspace, name: str) -> tuple[Path, Unpacked, dict[str, Any]]:
    """What `hold` kept: its folder, what was unpacked, and what was to be remembered. Raises NotFoundError."""
    folder = workspace.staged_dir(name)
    try:
        document = FORMAT.read(folder / HELD)
    except (OSError, ValueError) as error:
        raise NotFoundError("What was read of the archive is no longer there.", "Bring it again.") from error
    tables = [Table(table["name"], table["kind"], tuple(table["columns"]), [tuple(row) for row in table["rows"]])
              for table in document["tables"]]
    unpacked = Unpacked(document["rows"], tables, document["empty"], Notes.from_dict(document["notes"]))
    return folder, unpacked, document["about"]
