"""What was unpacked becomes the rows of a dataset: by a reading, once what is in doubt has been answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.data import layouts
from core.data.layouts.reading import Reading
from core.data.manifest import OUTSIDE, WHY_OUTSIDE
from core.data.sources import inside
from core.data.sources.members import Notes
from core.data.splits.columns import Columns, told
from core.data.unpacking import Unpacked
from core.errors import ArchivesInsideError, DatasetShapeError, EmptyClassError, TooManyBadFilesError
from core.store.limits import Limits

_SKIPPED = 1000


@dataclass(frozen=True)
class Settled:
    """The rows of a dataset, and what is said of how they came about."""

    rows: list[dict[str, Any]]
    reading: Reading
    readings: list[Reading]
    notes: list[str]
    skipped: list[dict[str, str]]
    columns: Columns
    """What tables beside the images say of them."""


def settle(unpacked: Unpacked, limits: Limits, layout: str | Reading | None = None, accept_bad: bool = False,
           accept_empty: bool = False) -> Settled:
    """Give every row its class and split.

    Args:
        layout: The reading to take, or the id of one. None: the best one, when it is certain.
        accept_bad: Go on although many files are bad.
        accept_empty: Leave out classes whose files are all unusable, instead of refusing all. A folder without a file
            is left out in any case.

    Raises:
        DatasetShapeError: there are not at least two classes of images.
        ArchivesInsideError: there is no image but in archives inside.
        UnclearLayoutError: the reading has to be chosen.
        EmptyClassError: no file of a class is usable, and `accept_empty` is not set.
        TooManyBadFilesError: more than `limits.bad_share` of the files are bad, and `accept_bad` is not set.
    """
    paths = [row["path"] for row in unpacked.rows]
    if isinstance(layout, Reading):
        found, layout = [layout], layout.id
    else:
        found = layouts.readings(paths, unpacked.tables)
    reading = _chosen(found, unpacked, paths, layout)
    rows = [placed(row, reading) for row in unpacked.rows]
    inside = [row for row in rows if row["status"] != OUTSIDE]
    _judge_bad_files(inside, limits, accept_bad)
    unusable = _judge_classes(inside, accept_empty)
    notes = _noted(unpacked, rows, reading, {
        "a class folder that holds no file": _empty_classes(unpacked, inside, reading),
        "a class without a usable image": unusable})
    return Settled(rows, reading, found, notes.lines(), notes.skipped()[:_SKIPPED],
                   told(unpacked.tables, rows))


def placed(row: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """A row with the class and split of a reading. What is outside keeps its file, and a bad one its reason."""
    place = reading.class_of(row["path"])
    if place is None:
        return {**row, "class": "", "split": "", "status": OUTSIDE, "reason": row["reason"] or WHY_OUTSIDE}
    return {**row, "class": place[0], "split": place[1]}


def _chosen(found: list[Reading], unpacked: Unpacked, paths: list[str], layout: str | None) -> Reading:
    if not paths:
        if archives := [one["member"] for one in unpacked.notes.skipped() if one["reason"] == inside.LEFT_OUT]:
            some = ", ".join(archives[:3]) + (f" and {len(archives) - 3} more" if len(archives) > 3 else "")
            raise ArchivesInsideError(f"There is no image in it, but there are archives inside: {some}.",
                                      "Read these as well (`--archives-inside`), or unpack it and bring one of them.")
        reasons = " ".join(f"{line}." for line in unpacked.notes.lines(shown=3)[:4])
        tables = ", ".join(table.name for table in unpacked.tables[:3])
        raise DatasetShapeError(f"There is no image in it. {reasons}" + (f" Not an image: {tables}." if tables else ""),
                                layouts.HOW_TO)
    if not found:
        reasons = " ".join(f"{line}." for line in unpacked.notes.lines(shown=3)[:4])
        raise DatasetShapeError(f"{layouts.why_none(paths, unpacked.tables)} {reasons}".strip(), layouts.HOW_TO)
    return layouts.choose(found, paths, layout)


def _noted(unpacked: Unpacked, rows: list[dict[str, Any]], reading: Reading,
           left_out: dict[str, list[str]]) -> Notes:
    notes = unpacked.notes.copy()
    for table in unpacked.tables:
        if table.name not in reading.tables and not (table.kind in ("boxes", "names") and reading.id == "yolo"):
            notes.add("not an image", table.name)
    for row in rows:
        if row["status"] == OUTSIDE:
            notes.add(WHY_OUTSIDE, row["path"])
    for reason, classes in left_out.items():
        for name in classes:
            notes.add(reason, name)
    return notes


def _empty_classes(unpacked: Unpacked, inside: list[dict[str, Any]], reading: Reading) -> list[str]:
    """Folders without a file in the place of a class: beside the folders of classes."""
    known = {row["class"] for row in inside}
    parents = {at.rpartition("/")[0] for at, (label, _) in reading.places.items() if at.rpartition("/")[2] == label}
    names = {path.rpartition("/")[2] for path in unpacked.empty if path.rpartition("/")[0] in parents}
    return sorted(names - known)


def _judge_bad_files(rows: list[dict[str, Any]], limits: Limits, accept_bad: bool) -> None:
    bad = [row for row in rows if row["status"] == "bad"]
    if len(bad) == len(rows):
        raise DatasetShapeError(f"None of the {len(rows)} image files can be read ({_examples(bad)}).", layouts.HOW_TO)
    if len(bad) > limits.bad_share * len(rows) and not accept_bad:
        raise TooManyBadFilesError(
            f"{len(bad)} of {len(rows)} image files cannot be read ({_examples(bad)}).",
            "Check where they come from, or go on without them.",
        )


def _judge_classes(rows: list[dict[str, Any]], accept_empty: bool) -> list[str]:
    """The classes without a good image."""
    good = {row["class"] for row in rows if row["status"] == "ok"}
    empty = sorted({row["class"] for row in rows} - good)
    if empty and not accept_empty:
        bad = [row for row in rows if row["class"] == empty[0]]
        raise EmptyClassError(f"The class '{empty[0]}' has no readable image ({_examples(bad)}).", layouts.NO_IMAGES)
    if len(good) < 2:
        raise DatasetShapeError(f"Only one class, '{good.pop()}', has images that can be read.", layouts.HOW_TO)
    return empty


def _examples(bad: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['path']}: {row['reason']}" for row in bad[:3])
