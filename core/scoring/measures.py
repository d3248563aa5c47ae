"""Measures by which the best epoch is chosen: a table. Another one is a row, and an attribute of `Scores`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A row."""

    score: str
    """The attribute of `core.scoring.task.Scores`."""
    title: str
    larger: bool
    """Larger is better."""


MEASURES: dict[str, Measure] = {
    "val_accuracy": Measure("accuracy", "accuracy", True),
    "val_loss": Measure("loss", "loss", False),
    "val_balanced_accuracy": Measure("balanced_accuracy", "balanced accuracy", True),
    "val_macro_f1": Measure("macro_f1", "macro F1", True),
}
"""By the recipe's `train.monitor`, which is also the column of a run's history."""
