"""Training batches: the same order from the same seed, whether rows are cached activations or images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import keras
import numpy as np

from core.augment.mixing import Mix, Pairs

Read = Callable[[np.ndarray], np.ndarray]


class Batch(NamedTuple):
    """What one step learns from."""

    x: np.ndarray
    y: np.ndarray
    """float32 [n, units]."""
    weight: np.ndarray | None
    """float32 [n]; None: all count the same."""


class Transform(Protocol):
    """A change to batches, made in the threads that make them: changed images, mixed images and targets.

    It may be called for any batch at any time, so that what it draws must depend on its arguments alone.
    """

    def __call__(self, batch: Batch, rows: np.ndarray, epoch: int) -> Batch:
        """A changed batch.

        Args:
            rows: The row number of each of its images.
            epoch: Of the phase. `Model.fit` ends an epoch once before the first, so that it counts from 1.
        """


@dataclass(frozen=True)
class Mixed:
    """Mixes the images of a batch in pairs, with their targets and weights."""

    mix: Mix
    alpha: float
    seed: int
    contents_of: Callable[[np.ndarray], Sequence[str]]
    """The SHA-256 of each row's file."""
    before: int
    """Epochs of the phases before."""

    def __call__(self, batch: Batch, rows: np.ndarray, epoch: int) -> Batch:
        """A mixed batch; x is float32 then."""
        pairs = Pairs(self.seed, self.before + epoch, self.contents_of(rows), self.alpha)
        x, shares = self.mix(batch.x, pairs)
        weight = None if batch.weight is None else pairs.between(batch.weight, shares)
        return Batch(x.astype(np.float32), pairs.between(batch.y, shares), weight)


class Batches(keras.utils.PyDataset):
    """Shuffled batches (x, one-hot y, weight) for `Model.fit`.

    Args:
        views: How rows are read, one function a view; epoch e uses view e modulo their number.
        rows: Row number of each training image.
        targets: float32 [n, classes].
        weights: float32 [n]; None: all images count the same.
        batch_size: Images a batch.
        seed: The order of epoch e depends on (seed, e) alone.
        group: Batches that are given at a time, as one longer batch; see `core.engine.feed.resident`.
        transforms: Applied to every batch, one after the other.
    """

    def __init__(self, views: Sequence[Read], rows: np.ndarray, targets: np.ndarray, weights: np.ndarray | None,
                 batch_size: int, seed: int, group: int = 1,
                 transforms: Sequence[Transform] = ()) -> None:
        # Made when they are asked for: two threads that made them ahead won nothing (1,000 images, everything trained,
        # 5 pairs: 13.6 s without them, 13.8 s with; with changed images 14.8 s and 15.2 s).
        super().__init__(workers=1, use_multiprocessing=False)
        self.views, self.rows, self.targets, self.weights = views, rows, targets, weights
        self.batch_size, self.seed, self.group, self.transforms = batch_size, seed, group, transforms
        self.begin_at(0)

    def begin_at(self, epoch: int, step: int = 0) -> None:
        """Go to an epoch of the phase, from 0, and behind the first steps of it (a multiple of `group`)."""
        self._go_to(epoch)
        self.first, self._entered = step // self.group, False

    def _go_to(self, epoch: int) -> None:
        self.epoch = epoch
        self._order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.rows))

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def __len__(self) -> int:
        return -(-self.steps // self.group) - self.first

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        at_once = self.batch_size * self.group
        index += self.first
        chosen = self._order[index * at_once:(index + 1) * at_once]
        x = self.views[self.epoch % len(self.views)](self.rows[chosen])
        batch = Batch(x.astype(np.float32) if x.dtype.kind == "f" else x, self.targets[chosen],
                      None if self.weights is None else self.weights[chosen])
        for transform in self.transforms:
            batch = transform(batch, self.rows[chosen], self.epoch)
        return (batch.x, batch.y) if batch.weight is None else (batch.x, batch.y, batch.weight)

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order and view. `Model.fit` calls it once before the first one, too."""
        self._go_to(self.epoch + 1)
        self.first = 0 if self._entered else self.first
        self._entered = True


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each image so that every class counts the same: n / (classes * n_class), scikit-learn's "balanced"."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (classes * np.maximum(counts, 1)))[labels].astype(np.float32)
