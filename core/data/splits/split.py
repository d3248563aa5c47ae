"""Which images train, which check after every epoch, which are kept for the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from core.data.sources.names import natural
from core.data.splits import units
from core.errors import DataError
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


def split(table: pd.DataFrame, settings: DataSettings) -> pd.DataFrame:
    """Rows of a manifest with their final `split` (train, validation or test) and `group`.

    Split folders of the data are used as such; what they lack is taken from the training images, stratified by class.
    The same settings give the same split, whatever order the files came in. Copies of a picture (equal bytes) go to the
    same split, except where the data's own folders have torn them apart.

    Args:
        table: The usable rows: `Dataset.usable()`. Left as it is.

    Raises:
        DataError: a class would have no image to train on or none to check with; a group pattern that fits no path.
    """
    table = table.sort_values(["path", "hash", "file"], kind="stable", ignore_index=True)
    hashes, groups = table["hash"].tolist(), _groups(table["path"], settings.group_pattern)
    if settings.group_pattern is not None:  # groups that share a picture are one
        groups = [groups[first] for first in units.together(hashes, groups)]
    table["group"] = groups
    given = set(table["split"])
    chosen = np.where(table["split"] == "", "train", table["split"]).astype(object)
    if "train" not in chosen:
        raise DataError(f"The data has folders for {' and '.join(sorted(given))}, but none for training.",
                        "Add a folder 'train', or remove the split folders.")
    pick = _Picker(table, chosen, settings)
    if "test" not in given:
        pick.move("test", settings.test, keep=1 if "validation" in given else 2, at_least=0)
    if "validation" not in given:
        share = settings.validation if "test" in given else settings.validation / (1 - settings.test)
        pick.move("validation", share, keep=1, at_least=1)
    table["split"] = chosen.astype(str)
    _check_every_class(table)
    if settings.subset is not None:
        table = table[_subset(table, settings.subset, settings.seed)]
    return table.reset_index(drop=True)


class _Picker:
    """Moves training images to another split, whole groups at a time, as equally from each class as can be."""

    def __init__(self, table: pd.DataFrame, split: np.ndarray, settings: DataSettings) -> None:
        self._labels, self._groups = table["class"].to_numpy(), table["group"].to_numpy()
        self._split, self._seed = split, settings.seed
        self._grouped = settings.group_pattern is not None
        self._unit = units.together(table["hash"].tolist())

    def move(self, to: str, share: float, keep: int, at_least: int) -> None:
        """Move `share` of each class's training images, leaving `keep` or more and moving `at_least` if there are."""
        pool = np.flatnonzero(self._split == "train")
        rng = np.random.default_rng([self._seed, len(to)])
        if share > 0:
            chosen = self._by_group(pool, share, keep, at_least, rng) if self._grouped else self._by_class(
                pool, share, keep, at_least, rng)
            self._split[chosen] = to

    def _by_class(self, pool: np.ndarray, share: float, keep: int, at_least: int,
                  rng: np.random.Generator) -> np.ndarray:
        chosen = np.zeros(len(self._labels), bool)
        copied = np.bincount(self._unit[pool], minlength=len(chosen))[self._unit] > 1
        units = {label: len(np.unique(self._unit[pool[self._labels[pool] == label]]))
                 for label in np.unique(self._labels[pool[copied[pool]]])}
        twins: dict[int, list[int]] = {}
        for index in pool[copied[pool]].tolist():
            twins.setdefault(int(self._unit[index]), []).append(index)
        for label in np.unique(self._labels[pool]):
            members = rng.permutation(pool[self._labels[pool] == label])
            wanted = _portion(len(members), share, keep, at_least)
            if label in units:
                self._take_units(members, twins, wanted, keep, at_least, chosen, units)
            else:
                chosen[members[:wanted]] = True
        return np.flatnonzero(chosen)

    def _take_units(self, members: np.ndarray, twins: dict[int, list[int]], wanted: int, keep: int, at_least: int,
                    chosen: np.ndarray, units: dict[str, int]) -> None:
        """Choose `wanted` of a class's members with all their copies, leaving `keep` different pictures of each class.

        Args:
            twins: The rows of each unit that has several.
            chosen: bool [rows]; what is chosen is entered here.
            units: Different pictures left of each class that has copies; brought up to date.
        """
        label, held = self._labels[members[0]], int(chosen[members].sum())
        for enough, most in ((wanted, wanted), (at_least, len(members))):
            for index in members:
                if held >= enough:
                    break
                same = twins.get(int(self._unit[index]), [index])
                labels = [self._labels[row] for row in same]
                more = labels.count(label)
                if not chosen[index] and held + more <= most and all(units[name] > keep for name in labels):
                    chosen[same] = True
                    held += more
                    units.update({name: units[name] - 1 for name in set(labels)})

    def _by_group(self, pool: np.ndarray, share: float, keep: int, at_least: int,
                  rng: np.random.Generator) -> np.ndarray:
        """Take groups, large ones first, while each brings the classes nearer to their share."""
        classes, code = np.unique(self._labels[pool], return_inverse=True)
        groups, member = np.unique(self._groups[pool], return_inverse=True)
        counts = np.zeros((len(groups), len(classes)), np.int64)
        np.add.at(counts, (member, code), 1)
        totals = counts.sum(0)
        target = np.array([_portion(int(total), share, keep, at_least) for total in totals])
        order = rng.permutation(len(groups))
        order = order[np.argsort(-counts[order].sum(1), kind="stable")]
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


def _portion(total: int, share: float, keep: int, at_least: int) -> int:
    """How many of `total` to take."""
    return max(0, min(max(at_least, round(total * share)), total - keep))


def _groups(paths: pd.Series, pattern: str | None) -> list[str]:
    """The group of each path; an image that the pattern does not fit is a group of its own, named by its path."""
    if pattern is None:
        return [""] * len(paths)
    found = [re.search(pattern, path) for path in paths]
    if not any(match and match.group(1) for match in found):
        raise DataError(f"The group pattern {pattern!r} fits none of the paths, such as '{paths.iloc[0]}'.",
                        "Write a pattern with a bracketed part that fits, or leave it empty.")
    return [f"group:{match.group(1)}" if match and match.group(1) else f"path:{path}"
            for match, path in zip(found, paths, strict=True)]


def _check_every_class(table: pd.DataFrame) -> None:
    counts = table.groupby(["class", "split"]).size()
    for label in sorted(table["class"].unique(), key=natural):
        total = int(counts[label].sum())
        for part, purpose in (("train", "to train on"), ("validation", "to check with")):
            if counts.get((label, part), 0) == 0:
                images = f"{total} image" if total == 1 else f"{total} images"
                raise DataError(
                    f"The class '{label}' has {images}, and none is left {purpose}.",
                    "Every class needs at least two images, one of them in training and one in validation"
                    + (", in different groups." if (table["group"] != "").any() else "; better twenty or more.")
                    + (" Copies of a picture count as one." if table["hash"].duplicated().any() else ""),
                )


def _subset(table: pd.DataFrame, share: float, seed: int) -> np.ndarray:
    """Which rows to keep: everything held back, and `share` of each class's training images. bool [n]."""
    keep = (table["split"] != "train").to_numpy(copy=True)
    labels, rng = table["class"].to_numpy(), np.random.default_rng([seed, 0])
    pool = np.flatnonzero(~keep)
    for label in np.unique(labels[pool]):
        members = rng.permutation(pool[labels[pool] == label])
        keep[members[:max(1, round(len(members) * share))]] = True
    return keep
