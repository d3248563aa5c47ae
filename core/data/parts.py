"""Parts of a dataset that were added later: further rows of its manifest, each part a file that is never rewritten.

Images of a part lie among the dataset's under names that begin with the part's own, so that what an addition left that
was never finished is told from everything else.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.data import manifest
from core.data.images.decode import IMAGES
from core.data.images.thumbnails import THUMBNAILS
from core.data.sources.names import natural

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "additions"
_PART = re.compile(r"[0-9a-f]{16}")
_OF_A_PART = re.compile(r"([0-9a-f]{16})[-.]")
_HELD_BACK = 5
"""One of so many images of a class goes to validation where a dataset has its own and none of that class."""


def file_name(part: str, index: int, extension: str) -> str:
    """What an image of a part is called in its dataset."""
    return f"{part}-{index:06d}{extension}"


def write(table: pd.DataFrame, folder: Path, part: str) -> None:
    """Put the rows of a part into a dataset's folder, atomically. They count once an edit refers to them."""
    path = _path(folder, part)
    path.parent.mkdir(exist_ok=True)
    manifest.write(table, path.parent, path.name)


def read(folder: Path, part: str) -> pd.DataFrame:
    """The rows of a part. Raises DataError; ValueError when it is not the name of one."""
    path = _path(folder, part)
    return manifest.read(path.parent, path.name)


def together(table: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """A manifest with the rows of a part.

    Where the dataset has no split of its own, what is added has none either. Where it has one, images without a split
    are for training; of a class that has no validation image so far, every fifth goes there.
    """
    import pandas as pd

    given = set(table.loc[table["status"] == "ok", "split"]) - {""}
    added = added.assign(split=_held_back(table, added) if given else "")
    missing = [column for column in table.columns if column not in added.columns]
    for column in missing:  # what edits before this one have told of rows: nothing is told of these
        added[column] = False if table[column].dtype == bool else ""
    return manifest.by_class(pd.concat([table, added[list(table.columns)]], ignore_index=True))


def without(table: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """A manifest without the rows of a part, wherever edits have put them since."""
    files, paths = set(added["file"]) - {""}, set(added.loc[added["file"] == "", "path"])
    of_part = table["file"].isin(files) | ((table["file"] == "") & table["path"].isin(paths))
    return table[~of_part].reset_index(drop=True)


def left_behind(folder: Path, known: Container[str]) -> Iterator[Path]:
    """The files of parts that no edit refers to: of additions that were never finished."""
    for inner in (IMAGES, THUMBNAILS, FOLDER):
        for path in (folder / inner).iterdir() if (folder / inner).is_dir() else ():
            found = _OF_A_PART.match(path.name.removeprefix("."))
            if found and found[1] not in known:
                yield path


def _path(folder: Path, part: str) -> Path:
    if not _PART.fullmatch(part):
        raise ValueError(f"{folder.name} has an addition without a name")
    return folder / FOLDER / f"{part}.parquet"


def _held_back(table: pd.DataFrame, added: pd.DataFrame) -> pd.Series:
    """The splits of added rows in a dataset with a split of its own."""
    splits = added["split"].where(added["split"] != "", "train")
    good = table[table["status"] == "ok"]
    if "validation" not in set(good["split"]):
        return splits
    checked = set(good.loc[good["split"] == "validation", "class"])
    checked |= set(added.loc[(added["split"] == "validation") & (added["status"] == "ok"), "class"])
    for label in set(added["class"]) - checked:
        own = added.index[(added["class"] == label) & (added["status"] == "ok") & (splits == "train")]
        ordered = sorted(own, key=lambda row: (natural(added.at[row, "path"]), added.at[row, "hash"]))
        every = min(_HELD_BACK, max(len(ordered), 2))
        splits.loc[ordered[every - 1::every]] = "validation"
    return splits
