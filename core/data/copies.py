"""The same picture more than once: what is told about it, and which images must stay together because of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

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


def notes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sentences on good images whose copies are in another split folder or in another class.

    Args:
        rows: Manifest rows; path, class, split, hash and status are read.
    """
    copies: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["status"] == "ok" and row["hash"]:
            copies.setdefault(row["hash"], []).append(row)
    several = [found for found in copies.values() if len(found) > 1]
    return [*_note(several, "split", "in more than one of the data's splits", "scores on them say little"),
            *_note(several, "class", "in more than one class", "at most one of the labels is right")]


def _note(several: list[list[Mapping[str, Any]]], column: str, where: str, therefore: str) -> Iterator[str]:
    differing = [found for found in several if any(row[column] != found[0][column] for row in found)]
    if differing:
        one = differing[0][0]
        other = next(row for row in differing[0] if row[column] != one[column])
        count = "1 picture is" if len(differing) == 1 else f"{len(differing):,} pictures are"
        yield f"{count} {where}; {therefore}. Example: {one['path'][-120:]!r} and {other['path'][-120:]!r}."
