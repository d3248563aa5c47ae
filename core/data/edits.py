"""The edits of a dataset: a log beside its manifest, `edits.jsonl`, that is only ever added to.

The manifest holds the rows as they were ingested and is never rewritten; what a dataset is now are these rows with the
log replayed. One line is one change, so a crash leaves it done or not done. A last line without its end was never
answered for and does not count.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from core.data import manifest
from core.data.changes import KINDS
from core.data.layouts.reading import Reading
from core.errors import NewerFormatError
from core.store.documents import Format

if TYPE_CHECKING:
    import pandas as pd

FILE = "edits.jsonl"
UNDO, REDO = "undo", "redo"
FORMAT = Format("edit")
"""Of one line: `{schema, id, time, kind, values}`."""


@dataclass(frozen=True)
class Edit:
    """One change that somebody made."""

    id: str
    time: float
    """Seconds since the epoch."""
    kind: str
    values: Mapping[str, Any]


def log(folder: Path) -> str:
    """The whole lines of a dataset's log; "" when nothing was edited. Raises OSError, ValueError when it is no text."""
    try:
        content = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return ""
    return content[:content.rfind(b"\n") + 1].decode("utf-8")


def parse(text: str, place: str) -> tuple[Edit, ...]:
    """The edits in a log, oldest first.

    Args:
        place: Where it was found, for messages.

    Raises:
        NewerFormatError: an edit that this version does not know.
        ValueError: a line is no edit.
    """
    return tuple(_edit(json.loads(line), place) for line in text.split("\n")[:-1])  # names may hold other line ends


def _edit(document: Any, place: str) -> Edit:
    document = FORMAT.migrated(document, place)
    kind, values = document.get("kind"), document.get("values")
    if kind not in KINDS and kind not in (UNDO, REDO):
        raise NewerFormatError(f"{place} was edited by a newer version of Graft ({kind!r} is not known to this one).",
                               "Update Graft to use it. It is left as it is.")
    needed = KINDS[kind].values if kind in KINDS else ("edit",)
    if not isinstance(values, dict) or not set(needed) <= values.keys():
        raise ValueError(f"{place} has an edit that is not complete")
    return Edit(str(document.get("id", "")), float(document.get("time", 0)), kind, values)


@dataclass(frozen=True)
class History:
    """What a log comes to: edits that count, and those that were undone. Undoing is an edit itself."""

    done: tuple[Edit, ...]
    """In the order in which they were made."""
    undone: tuple[Edit, ...]
    """That can be done again, the next one last: until something else is edited."""


def history(edits: Sequence[Edit]) -> History:
    """Which edits of a log count."""
    made = [edit for edit in edits if edit.kind not in (UNDO, REDO)]
    known = {edit.id: edit for edit in made}
    gone: set[str] = set()
    again: list[Edit] = []
    for edit in edits:
        about = str(edit.values.get("edit", ""))
        if edit.kind == UNDO and about in known and about not in gone:
            gone.add(about)
            again.append(known[about])
        elif edit.kind == REDO and about in gone:
            gone.discard(about)
            again = [one for one in again if one.id != about]
        elif edit.kind not in (UNDO, REDO):
            again = []
    return History(tuple(edit for edit in made if edit.id not in gone), tuple(again))


def replay(table: pd.DataFrame, edits: Sequence[Edit], folder: Path) -> pd.DataFrame:
    """A manifest after some edits of the dataset in a folder. The last reading is the ground that all others stand on,
    those before it, too."""
    done = history(edits).done
    ground = [edit for edit in done if KINDS[edit.kind].ground][-1:]
    for edit in [*ground, *(edit for edit in done if not KINDS[edit.kind].ground)]:
        table = KINDS[edit.kind].apply(table, edit.values, folder)
    return manifest.by_class(table) if done else table


def last_reading(edits: Sequence[Edit]) -> Reading | None:
    """The reading that was chosen after ingesting, if one was."""
    chosen = [edit for edit in history(edits).done if KINDS[edit.kind].ground]
    return Reading.from_dict(chosen[-1].values["reading"]) if chosen else None


@contextmanager
def editing(folder: Path) -> Iterator[None]:
    """One editor at a time: what is looked at in this block is what `append` adds to."""
    with FileLock(folder / "edits.lock", timeout=30):
        yield


def append(folder: Path, kind: str, **values: Any) -> Edit:
    """Add an edit to a dataset's log, inside `editing`. Raises OSError, and then nothing is added."""
    edit = Edit(secrets.token_hex(8), round(time.time(), 3), kind, values)
    line = json.dumps({FORMAT.key: FORMAT.version, **vars(edit)}, ensure_ascii=False) + "\n"
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        end = file.read().rfind(b"\n") + 1
        file.truncate(end)  # what a crash left of a line
        try:
            file.seek(end)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(folder / FILE, end)
            raise
    return edit
