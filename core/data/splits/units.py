"""Images that a split must not tear apart: copies of one picture, and those of one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def together(hashes: Sequence[str], groups: Sequence[str] | None = None) -> np.ndarray:
    """Number the units that a split must not tear apart: images of equal content, and those of equal group.

    Args:
        hashes: Content of each image; "" is unlike every other.
        groups: Group of each image. None: content alone counts.

    Returns:
        int64 [n]: the position of the first image of each image's unit.
    """
    parent = np.arange(len(hashes))

    def first(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for names in (hashes, groups or ()):
        seen: dict[str, int] = {}
        for index, name in enumerate(names):
            other = seen.setdefault(name, index) if name else index
            if other != index:
                one, two = sorted((first(other), first(index)))
                parent[two] = one
    return np.array([first(index) for index in range(len(parent))], np.int64)
