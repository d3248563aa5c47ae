"""Taking a share of the training images for another split: by class, in units that are never torn apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data.splits.order import drawn


class Picker:
    """Moves training images to another split, as equally from each class as can be.

    Args:
        labels: Class of each image.
        units: What belongs together: the position of the first image of each image's unit.
        grouped: The units are groups, of which a few may be large; else most are single images.
        split: The split of each image; what is moved is entered here.
        numbers: A random number for each image: those with small ones are taken.
    """

    def __init__(self, labels: np.ndarray, units: np.ndarray, grouped: bool, split: np.ndarray) -> None:
        self._labels, self._unit, self._grouped, self._split = labels, units, grouped, split

    def move(self, to: str, share: float, keep: int, at_least: int, numbers: np.ndarray,
             among: np.ndarray | None = None) -> None:
        """Move `share` of each class's training images, leaving `keep` or more and moving `at_least` if there are.

        Args:
            numbers: A random number for each image: small ones are taken first.
            among: bool [n]: those that may be moved. Default: all.
        """
        may = self._split == "train" if among is None else (self._split == "train") & among
        pool = np.flatnonzero(may)
        if share > 0 and len(pool):
            choose = self._by_group if self._grouped else self._by_class
            self._split[choose(pool, share, keep, at_least, numbers)] = to

    def _by_class(self, pool: np.ndarray, share: float, keep: int, at_least: int, numbers: np.ndarray) -> np.ndarray:
        chosen = np.zeros(len(self._labels), bool)
        copied = np.bincount(self._unit[pool], minlength=len(chosen))[self._unit] > 1
        units = {label: len(np.unique(self._unit[pool[self._labels[pool] == label]]))
                 for label in np.unique(self._labels[pool[copied[pool]]])}
        twins: dict[int, list[int]] = {}
        for index in pool[copied[pool]].tolist():
            twins.setdefault(int(self._unit[index]), []).append(index)
        for label in np.unique(self._labels[pool]):
            members = drawn(pool[self._labels[pool] == label], numbers)
            wanted = _portion(len(members), share, keep, at_least)
            if label in units:
                self._take_units(members, twins, wanted, keep, at_least, chosen, units)
            else:
                chosen[members[:wanted]] = True
        return np.flatnonzero(chosen)

    def _take_units(self, members: np.ndarray, twins: dict[int, list[int]], wanted: int, keep: int, at_least: int,
                    chosen: np.ndarray, units: dict[Any, int]) -> None:
        """Choose `wanted` of a class's members with all that belongs to them, leaving `keep` units of each class.

        Args:
            twins: The rows of each unit that has several.
            chosen: bool [rows]; what is chosen is entered here.
            units: Units left of each class that has such; brought up to date.
        """
        label, held = self._labels[members[0]], int(chosen[members].sum())
        for enough, most in ((wanted, wanted), (at_least, len(members))):
            for index in members:
                if held >= enough:
                    break
                same = twins.get(int(self._unit[index]), [index])
                labels = [self._labels[row] for row in same]
                more = labels.count(label)
                if not chosen[index] and held + more <= most and all(units.get(name, keep + 1) > keep
                                                                     for name in labels):
                    chosen[same] = True
                    held += more
                    units.update({name: units[name] - 1 for name in set(labels) if name in units})

    def _by_group(self, pool: np.ndarray, share: float, keep: int, at_least: int, numbers: np.ndarray) -> np.ndarray:
        """Take groups, large ones first, while each brings the classes nearer to their share."""
        classes, code = np.unique(self._labels[pool], return_inverse=True)
        groups, member = np.unique(self._unit[pool], return_inverse=True)
        counts = np.zeros((len(groups), len(classes)), np.int64)
        np.add.at(counts, (member, code), 1)
        totals = counts.sum(0)
        target = np.array([_portion(int(total), share, keep, at_least) for total in totals])
        order = _large_first(counts.sum(1), member, numbers[pool])
        taken, held = np.zeros(len(groups), bool), np.zeros(len(classes), np.int64)

        def take(group: int) -> None:
            nonlocal held
            taken[group] = True
            held = held + counts[group]

        for group in order:
            after = held + counts[group]
            if np.abs(target - after).sum() < np.abs(target - held).sum() and (totals - after >= keep).all():
                take(group)
        for index in np.flatnonzero((held < at_least) & (totals > keep)):  # a class that every step passed over
            fitting = [group for group in order[::-1] if counts[group, index] and not taken[group]
                       and (totals - held - counts[group] >= np.minimum(keep, totals)).all()]
            if fitting and held[index] < at_least:
                take(fitting[0])
        return pool[taken[member]]


def _large_first(sizes: np.ndarray, member: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The groups, the largest first; equal ones by the smallest number among their images.

    Args:
        member: The group of each image.
        numbers: A random number for each image.
    """
    lowest = np.full(len(sizes), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, member, numbers)
    return np.lexsort((lowest, -sizes))


def _portion(total: int, share: float, keep: int, at_least: int) -> int:
    """How many of `total` to take."""
    return max(0, min(max(at_least, round(total * share)), total - keep))
