"""What thorough checks look at: the images with their features by a backbone, and small pictures of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.checks import matching
from core.data.checks.seen import Seen
from core.data.checks.small import SmallPictures
from core.data.dataset import Dataset

Tell = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much; what it raises ends the work."""


@dataclass(frozen=True)
class Deep:
    """A dataset, as thorough checks see it. Everything has a row for each of `seen.good`, in its order."""

    dataset: Dataset
    seen: Seen
    features: np.ndarray
    """float32 [n, width]: pooled features of a backbone."""
    small: SmallPictures
    tell: Tell

    @cached_property
    def paths(self) -> np.ndarray:
        """Of the images, as the manifest has them."""
        return self.seen.good["path"].to_numpy()

    @cached_property
    def labels(self) -> np.ndarray:
        """The class of each image."""
        return self.seen.good["class"].to_numpy()

    @cached_property
    def near(self) -> list[list[int]]:
        """Rows that are near-copies of one another, or equal: a list a group."""
        _, first, original = np.unique(self.seen.good["hash"].to_numpy(), return_index=True, return_inverse=True)
        pairs = [(int(first[one]), int(first[other])) for one, other in matching.near_copies(
            self.features[first], self.small.of(first),
            lambda done, total: self.tell("Comparing pictures that look alike", done, total))]
        equal = [(int(first[which]), row) for row, which in enumerate(original) if first[which] != row]
        return matching.groups([*pairs, *equal], len(self.paths))

    @cached_property
    def unit(self) -> np.ndarray:
        """int [n]: the same number for near-copies of one another."""
        found = np.arange(len(self.paths))
        for group in self.near:
            found[group] = group[0]
        return found
