"""How a source is to be read: which images are of which class, and in which split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.data.layouts.label_tables import several_classes
from core.data.layouts.reading import SPLITS as SPLITS
from core.data.layouts.reading import Reading as Reading
from core.data.layouts.reading import classes_said, counts
from core.data.layouts.source import Contents
from core.data.layouts.strategies import STRATEGIES
from core.data.layouts.tree import trunk
from core.data.sources.table import Table
from core.errors import DatasetShapeError, UnclearLayoutError

HOW_TO = "Put the images into one folder for each class, for example cats/1.jpg and dogs/1.jpg, and zip these folders."
NO_IMAGES = "Put images into it, or go on without it."
_WEAK = frozenset(("file-names", "inner-folders"))
"""Readings that yield to others."""


def readings(paths: Sequence[str], tables: Sequence[Table] = ()) -> list[Reading]:
    """The ways in which a source can be read, best first. The first may be taken when it is certain.

    Args:
        paths: Of its images, with `/`.
        tables: The tables beside them.
    """
    contents = Contents(paths, tables)
    found: list[Reading] = []
    for strategy in STRATEGIES.values():
        for reading in strategy(contents):
            if len({label for label, _ in reading.places.values()}) >= 2 and not _is_known(reading, found):
                found.append(reading)
    numbered: dict[str, int] = {}
    for index, reading in enumerate(found):
        numbered[reading.id] = numbered.get(reading.id, 0) + 1
        if numbered[reading.id] > 1:
            found[index] = replace(reading, id=f"{reading.id}-{numbered[reading.id]}")
    return _judged(found, paths)


def choose(found: Sequence[Reading], paths: Sequence[str], layout: str | None = None) -> Reading:
    """The reading to take.

    Args:
        found: From `readings`.
        layout: The id of the one that was asked for.

    Raises:
        DatasetShapeError: there is none, or none of that id.
        UnclearLayoutError: none was asked for, and none is certain.
    """
    if layout is not None:
        for reading in found:
            if reading.id == layout:
                return reading
        raise DatasetShapeError(f"It cannot be read as '{layout}'.", f"Choose from: {listed(found) or 'nothing'}.")
    if not found:
        raise DatasetShapeError("There are images, but no two classes of them.", HOW_TO)
    if not found[0].certain:
        raise UnclearLayoutError(f"It is not clear how this is to be read. {found[0].question}",
                                 f"Choose with --layout: {listed(found)}.", found)
    return found[0]


def listed(found: Sequence[Reading]) -> str:
    """The readings in one line: `class-folders: 2 classes …; split-folders: …`."""
    return "; ".join(f"{reading.id}: {reading.text}" for reading in found)


def why_none(paths: Sequence[str], tables: Sequence[Table] = ()) -> str:
    """Why images allow no reading, in a sentence."""
    contents = Contents(paths, tables)
    if said := several_classes(contents):
        return " ".join(said)
    folders = trunk(contents.root)[0].inner
    if not folders:
        return f"There are {len(paths)} images, but no folders, table or file names that say what they show."
    inner = {name for folder in folders.values() for name in folder.inner} if len(folders) > 1 else set()
    (name, *_) = inner or folders
    return f"There is only one class, '{name}'; a classifier needs at least two to tell apart."


def _is_known(reading: Reading, found: Sequence[Reading]) -> bool:
    return any(reading.places == other.places for other in found)


def _judged(found: list[Reading], paths: Sequence[str]) -> list[Reading]:
    """Best first. Two that are certain and contradict each other are both in doubt."""
    firm = [reading for reading in found if reading.certain and reading.id not in _WEAK]
    if firm:
        partition = _partition(firm[0], paths)
        against = [reading for reading in firm[1:] if _contradicts(partition, _partition(reading, paths))]
        if against:
            question = f"Two things say what the classes are, and differ: {firm[0].text}; or {against[0].text}."
            found = [reading.doubted(question) if reading is firm[0] or reading in against else reading
                     for reading in found]
    tables = [reading for reading in found if reading.id.startswith("table") and not reading.certain]
    if tables and any(reading.id == "class-folders" and reading.certain for reading in found):
        found = _beside_a_table(found, tables, paths)
    return sorted(found, key=lambda reading: (not reading.certain, reading.id in _WEAK))


def _beside_a_table(found: list[Reading], tables: list[Reading], paths: Sequence[str]) -> list[Reading]:
    """Class folders whose table says the same in one of its columns are certain; else either may be right."""
    folders = next(reading for reading in found if reading.id == "class-folders")
    partition = _partition(folders, paths)
    if any(not _contradicts(partition, _partition(table, paths)) for table in tables):
        return found
    return [reading.doubted(tables[0].question) if reading is folders else reading for reading in found]


def _partition(reading: Reading, paths: Sequence[str]) -> dict[str, str]:
    places = ((path, reading.class_of(path)) for path in paths)
    return {path: place[0] for path, place in places if place}


def _contradicts(one: dict[str, str], other: dict[str, str]) -> bool:
    """True when two readings put images that both know into different sets, whatever the sets are called."""
    pairs = {(label, other[path]) for path, label in one.items() if path in other}
    return len({first for first, _ in pairs}) < len(pairs) or len({second for _, second in pairs}) < len(pairs) or (
        not pairs)


__all__ = ["HOW_TO", "NO_IMAGES", "SPLITS", "Reading", "choose", "classes_said", "counts", "listed", "readings",
           "why_none"]
