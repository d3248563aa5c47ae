"""Training batches: the same order from the same seed, whether rows are cached activations or images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

Read = Callable[[np.ndarray], np.ndarray]
Change = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""From images, their row numbers and the epoch (from 0) to changed images."""


class Batches(keras.utils.PyDataset):
    """Shuffled batches (x, one-hot y, weight) for `Model.fit`.

    Args:
        views: How rows are read, one function a view; epoch e uses view e modulo their number.
        rows: Row number of each training image.
        targets: float32 [n, classes].
        weights: float32 [n]; None: all images count the same.
        batch_size: Images a batch.
        seed: The order of epoch e depends on (seed, e) alone.
        ahead: Make batches in threads before they are asked for.
        group: Batches that are given at a time, as one longer batch; see `core.engine.feed.resident`.
        change: Applied to what is read, in the threads that make batches.
    """

    def __init__(self, views: Sequence[Read], rows: np.ndarray, targets: np.ndarray, weights: np.ndarray | None,
                 batch_size: int, seed: int, ahead: bool = False, group: int = 1,
                 change: Change | None = None) -> None:
        super().__init__(workers=2 if ahead else 1, use_multiprocessing=False, max_queue_size=8)
        self.views, self.rows, self.targets, self.weights = views, rows, targets, weights
        self.batch_size, self.seed, self.group, self.change = batch_size, seed, group, change
        self.epoch = 0
        self._shuffle()

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def __len__(self) -> int:
        return -(-self.steps // self.group)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        at_once = self.batch_size * self.group
        chosen = self._order[index * at_once:(index + 1) * at_once]
        x = self.views[self.epoch % len(self.views)](self.rows[chosen])
        if self.change is not None:
            x = self.change(x, self.rows[chosen], self.epoch)
        x = x.astype(np.float32) if x.dtype.kind == "f" else x
        if self.weights is None:
            return x, self.targets[chosen]
        return x, self.targets[chosen], self.weights[chosen]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order and view."""
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self._order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.rows))


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each image so that every class counts the same: n / (classes * n_class), scikit-learn's "balanced"."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (classes * np.maximum(counts, 1)))[labels].astype(np.float32)
