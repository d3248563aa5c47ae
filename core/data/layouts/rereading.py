"""Reading a dataset differently after it was made: the readings that were possible are kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.data import edits, layouts, manifest
from core.data.layouts.reading import Reading
from core.errors import DataError
from core.store.documents import Format
from core.store.files import disk_errors

if TYPE_CHECKING:
    from core.data.dataset import Dataset

FILE = "readings.json"
FORMAT = Format("readings")


def keep(folder: Path, found: Sequence[Reading]) -> None:
    """Write the readings of a source beside the dataset that was made of it."""
    FORMAT.write(folder / FILE, {"readings": [reading.as_dict() for reading in found]})


def readings(dataset: Dataset) -> list[Reading]:
    """The ways in which a dataset can be read, the best first. One of before they were kept: by its paths alone."""
    try:
        document = FORMAT.read(dataset.path / FILE)
        return [Reading.from_dict(reading) for reading in document["readings"]]
    except FileNotFoundError:
        return layouts.readings(manifest.read(dataset.path)["path"].tolist())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The readings of {dataset.id} cannot be read: {error}.") from error


def current(dataset: Dataset) -> Reading | None:
    """The reading that a dataset has now; None for one of before they were kept."""
    chosen = edits.last_reading(dataset.edits)
    return chosen or next((one for one in readings(dataset) if one.id == dataset.layout["reading"]), None)


def read_as(dataset: Dataset, reading: Reading) -> edits.Edit:
    """Read a dataset differently: one more edit of it.

    What was done to single images stays, by file; classes that were renamed are renamed again where this reading has
    them, too.

    Raises:
        DataError: fewer than two classes would be left.
        WorkspaceError: the edit cannot be written.
    """
    with disk_errors(), edits.editing(dataset.path):
        made = edits.parse(edits.log(dataset.path), dataset.id)
        proposed = edits.Edit("", 0.0, "read_as", {"reading": reading.as_dict()})
        left = manifest.classes(edits.replay(manifest.read(dataset.path), [*made, proposed], dataset.path))
        if len(left) < 2:
            raise DataError(f"Read as '{reading.text}' it has fewer than two classes with images.",
                            "Choose another reading.")
        return edits.append(dataset.path, "read_as", reading=reading.as_dict())
