"""A dataset as it is now, as a zip of class folders: what was left out is not in it, and labels are the mended ones."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from core import escape
from core.data import mending
from core.data.dataset import Dataset
from core.data.sources import names
from core.data.splits.dividing import divided
from core.errors import GraftError
from core.recipe.fields import DataSettings
from core.store.files import replacing

ABOUT = "about"
"""Folder of the zip with what is no picture. The name is another one where a class is called so."""
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]+$')
"""What a name on Windows must not have: https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""

Progress = Callable[[str, float], None]


def write(dataset: Dataset, out: Path, settings: DataSettings | None = None, split_folders: bool = False,
          progress: Progress | None = None) -> Path:
    """Write the zip: `class/picture`, and beside them `about/split.csv` (every picture with its class, split and the
    path it came by), `about/changes.jsonl` (the edits) and `about/README.txt`. Read again it gives the same labels
    and the same split.

    Args:
        out: The file; replaced when it is there.
        settings: How the data is split. None: as a new recipe does.
        split_folders: `train/class/picture` and so on, which makes the split part of the data.
        progress: Told what is being done, and how much of it.

    Raises:
        DataError: the data cannot be split so.
        GraftError: the file cannot be written; then nothing is left of it.
    """
    table = divided(dataset, settings or DataSettings())
    taken: set[str] = set()
    listed: list[list[str]] = []
    try:
        with replacing(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:  # pictures are packed
            for done, row in enumerate(table.to_dict("records")):
                name = _placed(row, split_folders, taken)
                archive.write(dataset.image_path(row["file"]), name)
                listed.append([name, row["class"], row["split"], row["path"]])
                if progress and done % 100 == 0:
                    progress("Writing the zip", done / len(table))
            about = names.unused(ABOUT, {path.split("/")[0] for path in taken})
            archive.writestr(f"{about}/split.csv", _csv(listed))
            archive.writestr(f"{about}/changes.jsonl", _changes(dataset))
            archive.writestr(f"{about}/README.txt", _readme(dataset, len(listed)))
    except OSError as error:
        raise GraftError(f"Cannot write {out}: {error.strerror or error}.", "Choose another place.") from error
    return out


def _placed(row: dict[str, str], split_folders: bool, taken: set[str]) -> str:
    """A place in the zip that no other picture has, with names that every system can unpack."""
    folders = [*([row["split"]] if split_folders else []), row["class"]]
    parts = [_FORBIDDEN.sub("_", part) for part in (*folders, PurePosixPath(row["path"]).name)]
    parts[0] = re.sub(r"^[=+\-@\t\r]", "_", parts[0])  # the cell of a table that names it is no formula
    ending = names.suffix(row["file"])
    if names.suffix(parts[-1]) != ending:  # what is inside decides, not the name
        parts[-1] += ending
    name = names.unused("/".join(parts), taken)
    taken.add(name)
    return name


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "class", "split", "came_by"])
    writer.writerows([escape.csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _changes(dataset: Dataset) -> str:
    return "".join(json.dumps(asdict(edit), ensure_ascii=True) + "\n" for edit in dataset.edits)


def _readme(dataset: Dataset, images: int) -> str:
    done = mending.history(dataset).done
    changes = "".join(f"- {mending.describe(edit)}\n" for edit in done) or "- none\n"
    return (f"{dataset.name}: {images} images in {len(dataset.classes)} classes, a folder each.\n\n"
            f"Changes since it was read:\n{changes}\n"
            "split.csv: every image with its class, its split and the path it came by.\n"
            "changes.jsonl: the changes, for programs.\n")
