"""What a model is asked: how its answers are made, trained, read and scored. Free of Keras: the engine maps names.

A task with another output is one more row of `TASKS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.scoring.metrics import balanced_accuracy, confusion_matrix, log_loss, macro_f1


@dataclass(frozen=True)
class Scores:
    """How good answers are: mean cross-entropy, the share of right answers, the same with all classes alike, and F1."""

    loss: float
    accuracy: float
    balanced_accuracy: float = float("nan")
    macro_f1: float = float("nan")


@dataclass(frozen=True)
class Task:
    """One kind of question.

    Args:
        name: As in the recipe's `model.output`.
        activation: Of the last layer.
        loss: What training minimises.
        units: Outputs for a number of classes.
        targets: Class numbers, int [n], and the number of classes to what the loss compares with, float32 [n, units].
        probabilities: Outputs [n, units] to probabilities [n, classes].
    """

    name: str
    activation: str
    loss: str
    units: Callable[[int], int]
    targets: Callable[[np.ndarray, int], np.ndarray]
    probabilities: Callable[[np.ndarray], np.ndarray]

    def decide(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs [n, units] to class numbers [n]: the most likely one, of equal ones the first."""
        return self.probabilities(outputs).argmax(axis=1)

    def loss_of(self, outputs: np.ndarray, true: np.ndarray) -> float:
        """Mean loss of outputs [n, units] against class numbers [n], without smoothing or penalties."""
        return log_loss(self.probabilities(outputs), true)

    def scores(self, outputs: np.ndarray, true: np.ndarray) -> Scores:
        """Scores of outputs [n, units] for the true classes [n]; not a number where an output is not."""
        if not np.isfinite(outputs).all():
            return Scores(float("nan"), float("nan"))
        decided = self.decide(outputs)
        matrix = confusion_matrix(true, decided, self.probabilities(outputs).shape[1])
        return Scores(self.loss_of(outputs, true), float((decided == true).mean()), balanced_accuracy(matrix),
                      macro_f1(matrix))

    @staticmethod
    def chance_loss(classes: int) -> float:
        """Loss of a model that knows nothing and calls all classes equally likely."""
        return math.log(classes)


def _one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


def _second(labels: np.ndarray, classes: int) -> np.ndarray:
    return labels.astype(np.float32)[:, None]


def both_classes(outputs: np.ndarray) -> np.ndarray:
    """From the second class's probability [n, 1] to those of both, [n, 2]."""
    return np.concatenate([1 - outputs, outputs], axis=1)


TASKS: dict[str, Task] = {task.name: task for task in (
    Task("softmax", "softmax", "categorical_crossentropy", units=lambda classes: classes, targets=_one_hot,
         probabilities=lambda outputs: outputs),
    Task("sigmoid", "sigmoid", "binary_crossentropy", units=lambda classes: 1, targets=_second,
         probabilities=both_classes),
)}
"""By the recipe's `model.output`."""
