"""Images that a split must not tear apart: copies of one picture, near-duplicates, and those of one group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.data.splits.grouping import Known
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


def of(table: pd.DataFrame, settings: DataSettings, known: Known, named: Sequence[str] | None) -> np.ndarray:
    """The unit of each row of a manifest, as `together` numbers them.

    Args:
        named: The group of each row; None where there are no groups.
    """
    near = [f"{known.clusters[file]}" if file in known.clusters else "" for file in table["file"]]
    return together(table["hash"].tolist(), *([near] if settings.keep_together else []), *([named] if named else []))


def together(*names: Sequence[str]) -> np.ndarray:
    """Number the units that a split must not tear apart: images that share a name of any kind, and all that these share
    one with.

    Args:
        names: Of each kind (content, group, ...) the name of each image; "" is unlike every other.

    Returns:
        int64 [n]: the position of the first image of each image's unit.
    """
    parent = np.arange(len(names[0]))

    def first(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for kind in names:
        seen: dict[str, int] = {}
        for index, name in enumerate(kind):
            other = seen.setdefault(name, index) if name else index
            if other != index:
                one, two = sorted((first(other), first(index)))
                parent[two] = one
    return np.array([first(index) for index in range(len(parent))], np.int64)


def torn(unit: np.ndarray, split: np.ndarray) -> np.ndarray:
    """The images whose unit lies in more than one split, which only the data's own folders can do. bool [n]."""
    _, code = np.unique(split, return_inverse=True)
    pairs = np.unique(np.stack([unit, code]), axis=1)[0]
    several, counts = np.unique(pairs, return_counts=True)
    return np.isin(unit, several[counts > 1])
