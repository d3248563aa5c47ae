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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from core.data import manifest, parts
from core.data.layouts.reading import Reading
from core.data.manifest import OUTSIDE, WHY_OUTSIDE
from core.errors import NewerFormatError
from core.store.documents import Format

if TYPE_CHECKING:
    import pandas as pd

FILE = "edits.jsonl"
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


@dataclass(frozen=True)
class Kind:
    """What one kind of edit needs to know, and what it makes of a manifest."""

    values: tuple[str, ...]
    apply: Callable[[pd.DataFrame, Mapping[str, Any], Path], pd.DataFrame]
    """Gets a manifest, which it leaves as it is, the values, and the dataset's folder."""
    ground: bool = False
    """Applied before all others, whenever it was made: they stand on it."""


def _add(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return parts.together(table, parts.read(folder, values["part"]))


def _take_back(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    return parts.without(table, parts.read(folder, values["part"]))


def _rename_class(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    renamed = table.assign(**{"class": table["class"].where(table["class"] != values["old"], values["new"])})
    return manifest.by_class(renamed)


def _read_as(table: pd.DataFrame, values: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    """The rows as another reading has them. Edits of images are kept by file, and classes that this reading has, too,
    are renamed again: see `Kind.ground`."""
    reading = Reading.from_dict(values["reading"])
    places = [reading.class_of(path) for path in table["path"]]
    inside = [place is not None for place in places]
    had = table["file"].where(table["file"] == "", "ok").replace("", "bad")
    reason = table["reason"].where(table["reason"] != WHY_OUTSIDE, "")
    read = table.assign(**{
        "class": [place[0] if place else "" for place in places],
        "split": [place[1] if place else "" for place in places],
        "status": had.where(inside, OUTSIDE),
        "reason": reason.where([inner or bool(why) for inner, why in zip(inside, reason, strict=True)], WHY_OUTSIDE)})
    return manifest.by_class(read)


KINDS: dict[str, Kind] = {
    "add": Kind(("part",), _add),
    "take_back": Kind(("part",), _take_back),
    "read_as": Kind(("reading",), _read_as, ground=True),
    "rename_class": Kind(("old", "new"), _rename_class),
}
"""Another kind of edit is another row."""


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
    if kind not in KINDS:
        raise NewerFormatError(f"{place} was edited by a newer version of Graft ({kind!r} is not known to this one).",
                               "Update Graft to use it. It is left as it is.")
    if not isinstance(values, dict) or not set(KINDS[kind].values) <= values.keys():
        raise ValueError(f"{place} has an edit that is not complete")
    return Edit(str(document.get("id", "")), float(document.get("time", 0)), kind, values)


def replay(table: pd.DataFrame, edits: Sequence[Edit], folder: Path) -> pd.DataFrame:
    """A manifest after some edits of the dataset in a folder. The last reading is the ground that all others stand on,
    those before it, too."""
    ground = [edit for edit in edits if KINDS[edit.kind].ground][-1:]
    for edit in [*ground, *(edit for edit in edits if not KINDS[edit.kind].ground)]:
        table = KINDS[edit.kind].apply(table, edit.values, folder)
    return table


def last_reading(edits: Sequence[Edit]) -> Reading | None:
    """The reading that was chosen after ingesting, if one was."""
    chosen = [edit for edit in edits if KINDS[edit.kind].ground]
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
