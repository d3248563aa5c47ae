"""The columns of a table of labels by what stands in them: which names the images, which the classes and splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.data.layouts import roles
from core.data.layouts.matching import Images
from core.data.sources.table import Row, Table

_MATCHED = 0.5
"""Share of a column's cells that mean images, for it to be the one that names them."""
_LABELS = frozenset("label labels class classes classname category categories target species breed diagnosis variety "
                    "kind type name".split())
_LOOKED_AT = 2000
"""Rows that a column is judged by."""
_MOST_CLASSES = 2000


@dataclass(frozen=True)
class Labels:
    """What a table says of the images that it names."""

    column: str
    """The one with the classes; "" where every class has a column of its own."""
    named: bool
    """The column is called what a column of classes is called."""
    given: dict[str, tuple[str, str]]
    """Path → (class, split as the table's own column says it, or "")."""
    several: int = 0
    """Images with more than one class; they are left out."""


def labels_in(table: Table, images: Images) -> Iterator[Labels]:
    """What the columns of a table may say, the likeliest first."""
    columns, rows = headed(table, images)
    files = file_column(rows, len(columns), images)
    if files is None:
        return
    pairs = [(path, row) for row in rows if (path := images.find(row[files]))]
    others = [index for index in range(len(columns)) if index != files]
    split = next((index for index in others if _is_split(pairs, index)), None)
    marks = [index for index in others if index != split and all(row[index] in ("0", "1") for _, row in pairs)]
    if len(marks) >= 2 and (found := _one_hot(pairs, marks, columns, split)) is not None:
        yield found
        return
    for named, index in sorted((not bool(_LABELS & set(roles.words(columns[index]))), index) for index in others):
        if index != split and _may_be_classes(pairs, index):
            yield _of_column(pairs, index, columns[index], not named, split)


def headed(table: Table, images: Images) -> tuple[Row, list[Row]]:
    """The names of a table's columns, and its rows; of one without a line of headings they are counted from 1."""
    if any(images.find(cell) for cell in table.columns):
        return tuple(f"column {number}" for number in range(1, len(table.columns) + 1)), [table.columns, *table.rows]
    return table.columns, table.rows


def file_column(rows: list[Row], width: int, images: Images) -> int | None:
    """The column that names the images; None when there is none."""
    sample = rows[:: max(1, len(rows) // _LOOKED_AT)]
    shares = [images.found(row[index] for row in sample) / max(1, len(sample)) for index in range(width)]
    best = max(range(width), key=lambda index: (shares[index], len({row[index] for row in sample})), default=None)
    return best if best is not None and shares[best] >= _MATCHED else None


def _is_split(pairs: list[tuple[str, Row]], index: int) -> bool:
    values = {row[index] for _, row in pairs if row[index]}
    found = {roles.role(value) for value in values} if 2 <= len(values) <= 6 else set()
    return "train" in found and found <= {"train", "validation", "test"}


def _may_be_classes(pairs: list[tuple[str, Row]], index: int) -> bool:
    values = {row[index] for _, row in pairs if row[index]}
    return 2 <= len(values) <= _MOST_CLASSES and (len(values) <= len(pairs) / 2 or len(pairs) <= 4) and not any(
        _is_fraction(value) for value in values)


def _is_fraction(value: str) -> bool:
    try:
        return not float(value).is_integer()
    except (ValueError, OverflowError):
        return False


def _of_column(pairs: list[tuple[str, Row]], index: int, name: str, named: bool, split: int | None) -> Labels:
    found: dict[str, set[str]] = {}
    for path, row in pairs:
        if row[index]:
            found.setdefault(path, set()).add(row[index])
    parts = {path: _split_of(row, split) for path, row in pairs}
    given = {path: (next(iter(labels)), parts[path]) for path, labels in found.items() if len(labels) == 1}
    return Labels(name, named, given, len(found) - len(given))


def _one_hot(pairs: list[tuple[str, Row]], marks: list[int], columns: Row, split: int | None) -> Labels | None:
    """A column of 0 and 1 for each class. None where most images have none or several."""
    chosen = {path: ([columns[index] for index in marks if row[index] == "1"], row) for path, row in pairs}
    given = {path: (labels[0], _split_of(row, split)) for path, (labels, row) in chosen.items() if len(labels) == 1}
    return Labels("", True, given, sum(len(labels) > 1 for labels, _ in chosen.values())) if given else None


def _split_of(row: Row, split: int | None) -> str:
    return "" if split is None else roles.role(row[split]) or ""
