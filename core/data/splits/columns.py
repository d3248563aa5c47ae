"""What the tables beside the images say of each of them, kept with a dataset: a column may name its groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.data.layouts.label_columns import file_column, headed
from core.data.layouts.matching import Images
from core.data.sources.table import Table
from core.errors import DataError
from core.store.documents import Format
from core.store.files import disk_errors

FILE = "columns.json"
FORMAT = Format("columns of a table")
"""`{columns: {name: {value: [file, ...]}}}`; `file` is the manifest's."""
MOST = 50
"""Columns that are kept."""

Columns = dict[str, dict[str, str]]
"""Column → what it says of each image, by the manifest's `file`; images of which it says nothing are not there."""


def told(tables: Iterable[Table], rows: Sequence[Mapping[str, Any]]) -> Columns:
    """What the columns of tables say of images, as far as they could name groups: a value that several images share.

    Args:
        rows: Of a manifest.
    """
    files = {row["path"]: row["file"] for row in rows if row["file"]}
    images, found = Images(list(files)), dict[str, dict[str, str]]()
    for table in tables:
        if table.kind != "cells":
            continue
        names, lines = headed(table, images)
        at = file_column(lines, len(names), images)
        if at is not None:
            pairs = [(files[path], line) for line in lines if (path := images.find(line[at])) is not None]
            for index, name in enumerate(names):
                said = {file: line[index] for file, line in pairs if line[index]}
                if index != at and len(set(said.values())) < len(said):
                    found[name] = {**said, **found.get(name, {})}
    return dict(list(found.items())[:MOST])


def keep(folder: Path, columns: Columns) -> None:
    """Write them into a dataset's folder; nothing where there are none. Raises OSError."""
    if not columns:
        return
    gathered: dict[str, dict[str, list[str]]] = {}
    for name, said in columns.items():
        for file, value in said.items():
            gathered.setdefault(name, {}).setdefault(value, []).append(file)
    FORMAT.write(folder / FILE, {"columns": gathered})


def read(folder: Path) -> Columns:
    """Those of the dataset in a folder; none where no table was kept. Raises DataError, NewerFormatError."""
    try:
        with disk_errors():
            if not (folder / FILE).is_file():
                return {}
            document = FORMAT.read(folder / FILE)
        return {name: {file: value for value, files in groups.items() for file in files}
                for name, groups in document["columns"].items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(f"The columns of the table of {folder.name} cannot be read: {error}.",
                        "Choose another kind of group.") from error
