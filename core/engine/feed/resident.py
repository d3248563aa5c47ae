"""Training a small head on features that lie in memory: row numbers go in, and the loop over steps stays in the graph.

One step of such a head is shorter than handing it a batch from Python. A model made here is therefore given the row
numbers of several batches at once, looks the features up itself, and takes its optimizer steps one batch after the
other, as `Model.fit` would with the batches themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from core.engine.feed.batches import Read
from core.engine.feed.row_store import RowStore

BUDGET = 64 * 2**20
"""Bytes of features, all views together, up to which this is worth their second copy in memory."""
GROUP = 16
"""Batches a call. More gain little, and the curves move in smaller steps with fewer."""


def fits(stores: Sequence[RowStore]) -> bool:
    """True for pooled features that are in memory and small enough. Only Keras's TensorFlow trainer takes its steps
    by changing variables, which the loop needs."""
    return (keras.backend.backend() == "tensorflow" and all(len(store.shape) == 1 for store in stores)
            and all(store.memory is not None for store in stores) and sum(store.nbytes for store in stores) <= BUDGET)


def resident(stores: Sequence[RowStore], tail: keras.Model, batch_size: int) -> tuple[keras.Model, list[Read]]:
    """A model from row numbers, int32 [n], to the tail's output, and for each view how a row becomes its number."""
    index = keras.Input((), dtype="int32", name="row")
    features = _Lookup(np.concatenate([store.memory for store in stores]))(index)
    model = _InGroups(index, tail(features))
    model.batch_size = batch_size
    starts = np.cumsum([0, *(store.rows for store in stores[:-1])])
    return model, [partial(_numbers, start) for start in starts]


def _numbers(start: int, rows: np.ndarray) -> np.ndarray:
    """Where rows of a store stand, when it begins at `start`."""
    return (rows + start).astype(np.int32)


class _Lookup(keras.layers.Layer):
    """Row numbers to rows, float32 [n, k]."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__(name="features")
        self._rows = keras.ops.convert_to_tensor(rows)

    def call(self, index: Any) -> Any:
        """Look the rows up."""
        return keras.ops.cast(keras.ops.take(self._rows, index, axis=0), "float32")


class _InGroups(keras.Model):
    """Takes several optimizer steps for one call of `train_step`; the last batch may be smaller."""

    batch_size = 0

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """One step for every `batch_size` rows of the data."""
        step, size = super().train_step, self.batch_size
        count = (keras.ops.shape(data[0])[0] + size - 1) // size

        def one(number: Any) -> tuple[Any]:
            step(tuple(part[number * size:(number + 1) * size] for part in data))
            return (number + 1,)

        keras.ops.while_loop(lambda number: number < count, one, (keras.ops.convert_to_tensor(0, "int32"),))
        return self.get_metrics_result()
