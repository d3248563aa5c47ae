"""From a table of predictions to every number that pages, command line and documents quote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.scoring.intervals import wilson_interval

if TYPE_CHECKING:
    import pandas as pd



def log_loss(probabilities: np.ndarray, true: np.ndarray) -> float:
    """Mean negative logarithm of the probability given to the true class.

    Args:
        probabilities: float [n, classes].
        true: int [n], index of the true class. Probabilities are clipped to the smallest step of float32 (1.2e-7), so
            that one certain mistake does not make the mean infinite (as `sklearn.metrics.log_loss` does).
    """
    given = probabilities[np.arange(len(true)), true].astype(np.float64)
    smallest = float(np.finfo(np.float32).eps)
    return float(-np.log(np.clip(given, smallest, 1.0)).mean())


def evaluate_predictions(table: pd.DataFrame, classes: list[str]) -> dict[str, dict[str, Any]]:
    """Accuracy, loss, per-class scores and confusion matrix for each split in a table of predictions.

    Args:
        table: Columns `split`, `true`, `predicted` (class names) and `p0` .. `p{k-1}` (probabilities in the order of
            `classes`), as in a run's `predictions.parquet`. Rows whose true class is not among `classes` are left out.
        classes: Class names in output order.

    Returns:
        `{split: {images, accuracy, accuracy_interval, balanced_accuracy, macro_f1, loss, per_class, confusion}}`. The
        interval is Wilson's 95 % one; rows of `confusion` are true classes, columns predicted ones.
    """
    return {
        str(split): _evaluate_split(rows, classes)
        for split, rows in table[table["true"].isin(classes)].groupby("split", sort=False)
    }


def worst_mistakes(table: pd.DataFrame, split: str, limit: int) -> pd.DataFrame:
    """The misclassified images of a split, the most confident mistakes first; at most `limit` rows."""
    wrong = table[(table["split"] == split) & (table["true"] != table["predicted"])]
    return wrong.sort_values("probability", ascending=False, kind="stable").head(limit).reset_index(drop=True)


def behind_cell(table: pd.DataFrame, split: str, true: str, predicted: str) -> pd.DataFrame:
    """The images of a split that are of one class and were called another (or the same), the most confident first."""
    found = table[(table["split"] == split) & (table["true"] == true) & (table["predicted"] == predicted)]
    return found.sort_values("probability", ascending=False, kind="stable").reset_index(drop=True)


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How often each true class (row) was called each class (column): int [classes, classes]."""
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean share of right answers over the classes that have images: every class counts the same.

    Args:
        matrix: From `confusion_matrix`.
    """
    support = matrix.sum(axis=1)
    there = support > 0
    return float((matrix.diagonal()[there] / support[there]).mean())


def macro_f1(matrix: np.ndarray) -> float:
    """Mean over the classes of 2 * precision * recall / (precision + recall), as `sklearn.metrics.f1_score` has it with
    `average="macro"`: 0 for a class that is never named, and classes without images or answers are left out.

    Args:
        matrix: From `confusion_matrix`.
    """
    either = matrix.sum(axis=0) + matrix.sum(axis=1)
    there = either > 0
    return float((2 * matrix.diagonal()[there] / either[there]).mean())


def _evaluate_split(rows: pd.DataFrame, classes: list[str]) -> dict[str, Any]:
    # By hand: importing scikit-learn for these few lines takes longer than training a head does.
    position = {name: index for index, name in enumerate(classes)}
    true = rows["true"].map(position).to_numpy(dtype=int)
    predicted = rows["predicted"].map(position).to_numpy(dtype=int)
    matrix = confusion_matrix(true, predicted, len(classes))
    right, support, called = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    probabilities = rows[[f"p{index}" for index in range(len(classes))]].to_numpy(dtype=np.float64)
    return {
        "images": len(rows),
        "accuracy": int(right.sum()) / len(rows),
        "accuracy_interval": list(wilson_interval(int(right.sum()), len(rows))),
        "balanced_accuracy": balanced_accuracy(matrix), "macro_f1": macro_f1(matrix),
        "loss": log_loss(probabilities, true),
        "per_class": [
            {"class": name, "precision": _share(right[index], called[index]),
             "recall": _share(right[index], support[index]),
             "f1": _share(2 * right[index], called[index] + support[index]), "support": int(support[index])}
            for index, name in enumerate(classes)
        ],
        "confusion": matrix.tolist(),
    }


def _share(part: int, whole: int) -> float:
    """A part of a whole, 0 where there is none."""
    return float(part / whole) if whole else 0.0
