"""Tables beside images, as text: CSV, TSV, XLSX, JSON, boxes of object detectors and their names of classes.

They come from anybody. Sizes are limited before anything is parsed, cells stay text (a formula is its letters, or what
it last came to), and whatever a reader raises becomes one error.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.sources import names
from core.errors import DataError, GraftError
from core.store.limits import Limits

COLUMNS = 300
"""Of a table; more are no labels."""
_CELL = 1000
"""Characters of a cell that are kept: a path, a label."""
_BOX = re.compile(r"\s*(\d+)(?:\s+-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?){4,}\s*")
"""A line of a YOLO file: the class and at least four numbers (Ultralytics, "Detection datasets")."""
_BOX_FILE = 2**18

Row = tuple[str, ...]


class TableError(DataError):
    """A table cannot be read."""


@dataclass(frozen=True)
class Table:
    """A table, as text."""

    name: str
    """The path of its file in the source."""
    kind: str
    """`cells`: as it was written. `coco` and `boxes`: (file, class), a row for each class that an image has. `names`:
    (number, class)."""
    columns: Row
    rows: list[Row]


def read_table(file: Path, name: str, limits: Limits) -> Table | None:
    """The table in a file; None for a file that is none.

    Args:
        name: Its path in the source: the suffix says how it is read.

    Raises:
        TableError: it is over a limit, or damaged.
    """
    reader = READERS.get(names.suffix(name))
    if reader is None:
        return None
    if file.stat().st_size > limits.table_bytes:
        raise TableError(f"'{name}' is a table of more than {limits.table_bytes / 2**20:,.0f} MB.")
    try:
        return reader(file, name, limits)
    except GraftError:
        raise
    except Exception as error:  # csv.Error, BadZipFile, KeyError, RecursionError, XML errors, MemoryError ...
        detail = " ".join(str(error).split())[:120] or type(error).__name__
        raise TableError(f"'{name}' cannot be read as a table: {detail}.") from error


def _delimited(file: Path, name: str, limits: Limits) -> Table | None:
    text = _text(file)
    if name.lower().endswith(".txt"):
        if (boxes := _boxes(text, name)) is not None:
            return boxes
        rows: Iterable[list[str]] = (line.split("\t" if "\t" in line else None) for line in text.splitlines())
    else:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    return _table(name, rows, limits)


def _boxes(text: str, name: str) -> Table | None:
    """The classes in a YOLO file, once each."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or len(text) > _BOX_FILE or not all(_BOX.fullmatch(line) for line in lines):
        return None
    return Table(name, "boxes", ("file", "class"),
                 [(name, label) for label in dict.fromkeys(line.split()[0] for line in lines)])


def _delimiter(text: str) -> str:
    head = [line for line in text[:20_000].splitlines()[:20] if line.strip()]
    return max(",;\t|", key=lambda mark: min((line.count(mark) for line in head), default=0))


def _text(file: Path) -> str:
    data = file.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return names.readable(data.replace(b"/", b"\0")).replace("\0", "/")


def _workbook(file: Path, name: str, limits: Limits) -> Table | None:
    import openpyxl

    with zipfile.ZipFile(file) as archive:
        if sum(info.file_size for info in archive.infolist()) > 4 * limits.table_bytes:
            raise TableError(f"'{name}' unpacks to more than {4 * limits.table_bytes / 2**20:,.0f} MB.")
    with open(file, "rb") as handle:
        book = openpyxl.load_workbook(handle, read_only=True, data_only=True, keep_links=False)
        try:
            return _table(name, book.worksheets[0].iter_rows(values_only=True), limits) if book.worksheets else None
        finally:
            book.close()


def _json(file: Path, name: str, limits: Limits) -> Table | None:
    text = _text(file)
    if names.suffix(name) in (".jsonl", ".ndjson"):
        return _document([json.loads(line) for line in text.splitlines() if line.strip()], name, limits)
    return _document(json.loads(text), name, limits)


def _document(document: Any, name: str, limits: Limits) -> Table | None:
    """COCO, a list of records, `{file: label}`, or columns as pandas writes them."""
    if isinstance(document, dict) and all(isinstance(document.get(key), list)
                                          for key in ("images", "annotations", "categories")):
        return _coco(document, name)
    if isinstance(document, list) and document and all(isinstance(record, dict) for record in document):
        columns = list(dict.fromkeys(itertools.chain.from_iterable(document)))[:COLUMNS]
        return _table(name, itertools.chain([columns], ([record.get(key) for key in columns] for record in document)),
                      limits)
    if isinstance(document, dict) and document:
        values = list(document.values())
        if all(isinstance(value, (str, int, float)) for value in values):
            return _table(name, itertools.chain([("file", "label")], document.items()), limits)
        if all(isinstance(value, (list, dict)) and len(value) == len(values[0]) for value in values):
            columns_of = [list(value.values()) if isinstance(value, dict) else value for value in values]
            return _table(name, itertools.chain([list(document)], zip(*columns_of, strict=True)), limits)
    return None


def _coco(document: dict[str, Any], name: str) -> Table:
    """Source: https://cocodataset.org/#format-data, "Object Detection"."""
    files = {image["id"]: str(image["file_name"]) for image in document["images"]}
    labels = {category["id"]: str(category["name"]) for category in document["categories"]}
    pairs = dict.fromkeys((files[one["image_id"]], labels[one["category_id"]]) for one in document["annotations"]
                          if one["image_id"] in files and one["category_id"] in labels)
    return Table(name, "coco", ("file", "class"), [_row(pair) for pair in pairs])


def _names(file: Path, name: str, limits: Limits) -> Table | None:
    """The `names` of a data.yaml: a list, or numbers with names."""
    import yaml

    if file.stat().st_size > _BOX_FILE:
        return None
    document = yaml.safe_load(_text(file))
    found = document.get("names") if isinstance(document, dict) else None
    pairs = enumerate(found) if isinstance(found, list) else found.items() if isinstance(found, dict) else ()
    rows = [_row(pair) for pair in itertools.islice(pairs, 100_000)]
    return Table(name, "names", ("number", "class"), rows) if rows else None


def _table(name: str, rows: Iterable[Iterable[Any]], limits: Limits) -> Table | None:
    """The first row gives the columns; rows that are empty are passed over."""
    filled: Iterator[Row] = (row for row in map(_row, rows) if any(row))
    columns = next(filled, ())
    if not columns:
        return None
    kept = list(itertools.islice(filled, limits.table_rows + 1))
    if len(kept) > limits.table_rows:
        raise TableError(f"'{name}' has more than {limits.table_rows:,} rows.")
    width = len(columns)
    return Table(name, "cells", columns, [(row + ("",) * width)[:width] for row in kept])


def _row(cells: Iterable[Any]) -> Row:
    return tuple(_cell(cell) for cell in itertools.islice(cells, COLUMNS))


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():  # spreadsheets know no other numbers
        cell = int(cell)
    return str(cell).strip()[:_CELL]


READERS: dict[str, Callable[[Path, str, Limits], Table | None]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), _delimited),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), _json),
    ".xlsx": _workbook,
    **dict.fromkeys((".yaml", ".yml"), _names),
}
"""By the suffix of a file's name. Another kind of table is another row."""
