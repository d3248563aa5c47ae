"""The images of a run as the engine sees them: row numbers, labels and splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.dataset import Dataset
from core.errors import DataError
from core.runs.run import Run


@dataclass(frozen=True)
class Examples:
    """One entry an image: `rows` are positions in `dataset.usable()`, `labels` class numbers."""

    rows: np.ndarray
    labels: np.ndarray
    table: pd.DataFrame
    """file, path, class, split of each."""

    def of(self, split: str) -> Examples:
        """Only the images of one split."""
        chosen = (self.table["split"] == split).to_numpy()
        return Examples(self.rows[chosen], self.labels[chosen], self.table[chosen].reset_index(drop=True))

    def one_hot(self, classes: int) -> np.ndarray:
        """float32 [n, classes]."""
        return np.eye(classes, dtype=np.float32)[self.labels]

    def __len__(self) -> int:
        return len(self.rows)


def load_examples(run: Run, dataset: Dataset) -> Examples:
    """Match a run's splits.csv with its dataset. Raises DataError when the dataset has changed since."""
    table = run.splits()
    position = {file: row for row, file in enumerate(dataset.usable()["file"])}
    number = {name: index for index, name in enumerate(run.classes)}
    gone = [path for file, path in zip(table["file"], table["path"], strict=True) if file not in position]
    if gone:
        raise DataError(f"{len(gone)} images of this run are no longer in the dataset, {gone[0]} among them.",
                        "Start a new run.")
    return Examples(
        np.array([position[file] for file in table["file"]], np.int64),
        np.array([number[name] for name in table["class"]], np.int64), table,
    )
