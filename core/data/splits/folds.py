"""k folds: every image in one of k parts, each class spread evenly over them, and no unit torn apart."""

from __future__ import annotations

import numpy as np

from core.data.splits.order import drawn


def folds(labels: np.ndarray, units: np.ndarray, numbers: np.ndarray, count: int) -> np.ndarray:
    """The fold of each image, 0 to `count` - 1.

    Units of several images are dealt out first, large ones before small ones, each to the fold that has least of its
    classes (as scikit-learn's StratifiedGroupKFold does); single images then even out what these leave uneven.

    Args:
        labels: Class of each image.
        units: What belongs together: equal numbers.
        numbers: A random number for each image.
    """
    classes, code = np.unique(labels, return_inverse=True)
    _, member, sizes = np.unique(units, return_inverse=True, return_counts=True)
    found, held = np.zeros(len(labels), np.int64), np.zeros((count, len(classes)), np.int64)
    single = sizes[member] == 1
    _deal_units(found, held, code, member, drawn(np.flatnonzero(~single), numbers), sizes, np.bincount(code))
    for index in range(len(classes)):
        rows = drawn(np.flatnonzero(single & (code == index)), numbers)
        found[rows] = np.repeat(np.arange(count), _filled(held[:, index], len(rows), _first(labels, rows, count)))
    return found


def _deal_units(found: np.ndarray, held: np.ndarray, code: np.ndarray, member: np.ndarray, rows: np.ndarray,
                sizes: np.ndarray, totals: np.ndarray) -> None:
    """Enter the fold of each of `rows`, which are of units of several images, into `found` and `held`."""
    of_unit: dict[int, list[int]] = {}
    for row in rows.tolist():
        of_unit.setdefault(int(member[row]), []).append(row)
    for unit in sorted(of_unit, key=lambda unit: -sizes[unit]):
        classes, counts = np.unique(code[of_unit[unit]], return_counts=True)
        load = (held[:, classes] * (counts / totals[classes])).sum(1)
        fold = int(np.lexsort((held.sum(1), load))[0])
        found[of_unit[unit]] = fold
        held[fold, classes] += counts


def _filled(held: np.ndarray, more: int, first: int) -> np.ndarray:
    """How many of `more` images go to each fold, so that all have as nearly as many as can be; the odd ones go to
    `first` and those after it."""
    added, order = np.zeros(len(held), np.int64), np.roll(np.arange(len(held)), -first)
    for _ in range(more):
        added[order[np.argmin((held + added)[order])]] += 1
    return added


def _first(labels: np.ndarray, rows: np.ndarray, count: int) -> int:
    """A fold to begin with that differs from class to class, else small classes would all be in the first ones."""
    return sum(str(labels[rows[0]]).encode()) % count if len(rows) else 0
