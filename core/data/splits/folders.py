"""The data's own folders for training, validation and test: used, mended, or ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.data.layouts.reading import SPLITS, TITLES
from core.errors import DataError
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Given:
    """What the data's own folders say, as far as the settings use them."""

    split: np.ndarray
    """Of each image: train, validation or test; what no folder says is for training."""
    own: frozenset[str]
    """The splits that are as the data has them: nothing is taken from training for them."""
    anew: np.ndarray
    """bool [n]: images of classes that training or validation lacks, to be split anew among the two."""


def given(table: pd.DataFrame, settings: DataSettings) -> Given:
    """The data's own split of a manifest's rows.

    With folds, an own validation folder is dealt out with the rest.

    Raises:
        DataError: it has folders for other splits, but none for training.
    """
    found = table["split"].to_numpy().astype(object)
    if settings.folders == "ignore":
        found = np.full(len(table), "", object)
    split = np.where(found == "", "train", found).astype(object)
    own = {name for name in SPLITS if (found == name).any()}
    if settings.folds is not None and "validation" in own:
        split[split == "validation"] = "train"
        own.discard("validation")
    if "train" not in split:
        raise DataError(f"The data has folders for {' and '.join(TITLES[name] for name in SPLITS if name in own)}, "
                        "but none for training.", "Add a folder 'train', or ignore the folders (data.folders=ignore).")
    anew = np.zeros(len(table), bool)
    if settings.folders == "mend":
        anew = _mended(table["class"].to_numpy(), split, own)
        split[anew] = "train"
    return Given(split, frozenset(own - {"train"}), anew)


def lacking(table: pd.DataFrame) -> list[tuple[str, str]]:
    """(class, split) of what the data's own folders lack: an image to train on, or one to validate with where they
    have a folder for that.

    Args:
        table: The usable rows of a manifest.
    """
    present = set(zip(table["class"], table["split"], strict=True))
    splits = {split for _, split in present if split}
    return [(label, split) for split in SPLITS[:2] if split in splits
            for label in dict.fromkeys(table["class"]) if (label, split) not in present]


def _mended(labels: np.ndarray, split: np.ndarray, own: set[str]) -> np.ndarray:
    """The images of each class that lacks a split: those for training and validation, or all where there are none."""
    anew = np.zeros(len(labels), bool)
    needed = ["train", *(name for name in ("validation",) if name in own)]
    for label in np.unique(labels):
        of_class = labels == label
        if not all((of_class & (split == name)).any() for name in needed):
            usual = of_class & (split != "test")
            anew |= usual if usual.any() else of_class
    return anew
