"""What makes images a group: one row a rule. A split never tears a group apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import DataError
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Known:
    """What is known of a dataset's images beside its manifest, each by the manifest's `file`."""

    shots: Mapping[str, str] = field(default_factory=dict)
    """Camera and day of those that name both."""
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column of the table of labels → what it says of each image."""
    clusters: Mapping[str, int] = field(default_factory=dict)
    """Which near-duplicates an image belongs to, of those that belong to any."""


Rule = Callable[["pd.DataFrame", DataSettings, Known], Sequence[str]]
"""The name of each row's group; "" for an image that is in none. Raises DataError when it finds no group at all."""


def named(table: pd.DataFrame, settings: DataSettings, known: Known) -> list[str] | None:
    """The group of each image of a manifest; one that is in none is a group of its own, named by its path.

    Returns:
        None: there are no groups.

    Raises:
        DataError: there is not one group by this rule, or the rule is not complete.
    """
    if settings.group_by == "none":
        return None
    found = RULES[settings.group_by](table, settings, known)
    return [f"group:{name}" if name else f"path:{path}" for name, path in zip(found, table["path"], strict=True)]


def _by_pattern(table: pd.DataFrame, settings: DataSettings, known: Known) -> Sequence[str]:
    pattern = settings.group_pattern
    if pattern is None:
        raise DataError("There is no pattern to group the images by.",
                        "Write one with a bracketed part, such as (plant\\d+)_, or choose no groups.")
    fits = [re.search(pattern, path) for path in table["path"]]
    found = [(match.group(1) or "") if match else "" for match in fits]
    if not any(found):
        raise DataError(f"The group pattern {pattern!r} fits none of the paths, such as '{table['path'].iloc[0]}'.",
                        "Write a pattern with a bracketed part that fits, or leave it empty.")
    return found


def _by_folder(table: pd.DataFrame, settings: DataSettings, known: Known) -> Sequence[str]:
    level = settings.group_folder
    found = [folders[-level] if len(folders := path.split("/")[:-1]) >= level else "" for path in table["path"]]
    if not any(found):
        raise DataError(f"No image lies {level} folders deep; '{table['path'].iloc[0]}' is one of them.",
                        "Choose a folder nearer to the image, or no groups.")
    return found


def _by_shot(table: pd.DataFrame, settings: DataSettings, known: Known) -> Sequence[str]:
    found = [known.shots.get(file, "") for file in table["file"]]
    if not any(found):
        raise DataError("No image says with which camera and on which day it was taken (EXIF).",
                        "Choose another kind of group, or none.")
    return found


def _by_column(table: pd.DataFrame, settings: DataSettings, known: Known) -> Sequence[str]:
    column, there = settings.group_column, ", ".join(known.columns) or "none"
    if column is None or column not in known.columns:
        what = "There is no column chosen" if column is None else f"There is no column '{column}'"
        raise DataError(f"{what} to group the images by; the columns are: {there}.",
                        "Choose one of them, or no groups. A table is kept with datasets that are read from now on.")
    return [known.columns[column].get(file, "") for file in table["file"]]


RULES: Mapping[str, Rule] = {
    "pattern": _by_pattern, "folder": _by_folder, "shot": _by_shot, "column": _by_column,
}
"""Another rule is a row here, and one of `core.recipe.data.GROUPINGS` of the same name."""
