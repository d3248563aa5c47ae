"""Which images train, which check after every epoch, which are kept for the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.data.sources.names import natural
from core.data.splits import folders, grouping, units
from core.data.splits.folds import folds
from core.data.splits.grouping import Known
from core.data.splits.order import drawn, draws
from core.data.splits.picking import Picker
from core.errors import DataError
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


def split(table: pd.DataFrame, settings: DataSettings, known: Known | None = None) -> pd.DataFrame:
    """Rows of a manifest with their final `split` (train, validation or test) and `group`.

    The same settings give the same split, whatever order the files came in and whatever they are called; when an image
    comes, goes or changes, about as many change their split. Groups, near-duplicates and copies of a picture (equal
    bytes) go to the same split, except where the data's own folders, which are used as such, have torn them apart: see
    `units.torn`.

    Args:
        table: The usable rows: `Dataset.usable()`. Left as it is.
        known: What is known of the images beside these rows: see `core.data.splits.dividing`.

    Raises:
        DataError: a class would have no image to train on or none to check with; groups that there are not.
    """
    known = known or Known()
    table = table.sort_values(["path", "hash", "file"], kind="stable", ignore_index=True)
    named = grouping.named(table, settings, known)
    unit = units.of(table, settings, known, named)
    table["group"] = "" if named is None else [named[first] for first in unit]
    given = folders.given(table, settings)
    labels = table["class"].to_numpy() if settings.stratified else np.full(len(table), "", object)
    table["split"] = _divided(table["hash"].tolist(), labels, unit, given, settings).astype(str)
    _check_every_class(table, settings, bool(given.own))
    if settings.subset is not None:
        table = table[_subset(table, settings.subset, settings.seed)]
    return table.reset_index(drop=True)


def _divided(hashes: list[str], labels: np.ndarray, unit: np.ndarray, given: folders.Given,
             settings: DataSettings) -> np.ndarray:
    chosen, own = given.split.copy(), given.own
    pick = Picker(labels, unit, settings.group_by != "none", chosen)
    numbers = {name: draws(hashes, settings.seed, name) for name in ("validation", "test")}
    share = settings.validation
    if given.anew.any() and "validation" in own:
        pick.move("validation", share, 1, 1, numbers["validation"], among=given.anew)
    if "test" not in own:
        pick.move("test", settings.test, 1 if "validation" in own else 2, 0, numbers["test"])
        share /= 1 - settings.test
    if settings.folds is not None:
        pool = np.flatnonzero(chosen == "train")
        fold = folds(labels[pool], unit[pool], numbers["validation"][pool], settings.folds)
        chosen[pool[fold == settings.fold - 1]] = "validation"
    elif "validation" not in own:
        pick.move("validation", share, 1, 1, numbers["validation"])
    return chosen


def _check_every_class(table: pd.DataFrame, settings: DataSettings, own: bool) -> None:
    counts = table.groupby(["class", "split"]).size()
    for label in sorted(table["class"].unique(), key=natural):
        total = int(counts[label].sum())
        for part, purpose in (("train", "to train on"), ("validation", "to check with")):
            if counts.get((label, part), 0) == 0:
                images = f"{total} image" if total == 1 else f"{total} images"
                raise DataError(f"The class '{label}' has {images}, and none is left {purpose}.",
                                _advice(settings, table, own))


def _advice(settings: DataSettings, table: pd.DataFrame, own: bool) -> str:
    """What to do about a class that a split lacks."""
    if settings.folds is not None:
        return f"Every class needs at least {settings.folds} images, or take fewer folds."
    least = "Every class needs at least two images, one of them in training and one in validation"
    return "".join((
        least, ", in different groups." if settings.group_by != "none" else "; better twenty or more.",
        " Copies of a picture count as one." if table["hash"].duplicated().any() else "",
        "" if settings.stratified else " Taking equal shares of every class helps.",
        " The data's own folders can be mended or ignored." if own and settings.folders == "use" else ""))


def _subset(table: pd.DataFrame, share: float, seed: int) -> np.ndarray:
    """Which rows to keep: everything held back, and `share` of each class's training images. bool [n]."""
    keep = (table["split"] != "train").to_numpy(copy=True)
    labels, numbers = table["class"].to_numpy(), draws(table["hash"].tolist(), seed, "subset")
    pool = np.flatnonzero(~keep)
    for label in np.unique(labels[pool]):
        members = drawn(pool[labels[pool] == label], numbers)
        keep[members[:max(1, round(len(members) * share))]] = True
    return keep
