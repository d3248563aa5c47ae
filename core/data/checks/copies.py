"""The same picture more than once, where that spoils a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Rows = Iterable[Mapping[str, Any]]
"""Rows of a manifest."""


def torn_copies(rows: Rows) -> list[str]:
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
