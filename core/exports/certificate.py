"""How the answers of an exported model compare with those of the model that was trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.scoring.intervals import wilson_interval
from core.scoring.paired import mcnemar

COSTS_TOO_MUCH = 0.01
"""Points of accuracy that an export may cost; more, and it is refused, where that is no chance."""


@dataclass(frozen=True)
class Certificate:
    """The comparison, on files that the training had held back, from the decoder on."""

    images: int
    largest_difference: float | None
    """Of a probability."""
    same_answer: float | None
    """Share of the images that get the same class."""
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    """95 %, by Wilson."""
    bytes: int
    """Of the model's files."""
    seconds: float
    """That making it took."""
    sentence: str
    seconds_an_image: float | None = None
    """In a process of its own, its start included."""
    refused: str = ""
    """Why it is not to be used; "" where it may."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def compared(here: np.ndarray, there: np.ndarray, true: np.ndarray, size: int, seconds: float,
             seconds_an_image: float) -> Certificate:
    """Compare.

    Args:
        here: Probabilities of the trained model, float [n, classes].
        there: Those of the export.
        true: Class numbers, int [n].
        size, seconds, seconds_an_image: As in the certificate.
    """
    difference = float(np.abs(here - there).max())
    same = float((here.argmax(1) == there.argmax(1)).mean())
    right, before = there.argmax(1) == true, here.argmax(1) == true
    low, high = wilson_interval(int(right.sum()), len(right))
    sentence = (f"The same answer on {same:.1%} of {len(true)} held-back pictures; probabilities differ by "
                f"{difference:.1e} at most. Accuracy {right.mean():.1%} (likely {low:.1%} to {high:.1%}).")
    return Certificate(len(true), difference, same, float(right.mean()), (low, high), size, seconds, sentence,
                       seconds_an_image, _refusal(before, right))


def _refusal(before: np.ndarray, after: np.ndarray) -> str:
    """Where accuracy falls by more than a point, and McNemar's test finds that no chance at 5 %."""
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    cost = (lost - won) / len(before)
    if cost <= COSTS_TOO_MUCH:
        return ""
    chance = mcnemar(before, after)
    if chance > 0.05:
        return ""
    return (f"This format costs {cost:.1%} of the accuracy: of {len(before)} held-back pictures {lost} are wrong now "
            f"that were right, {won} the other way round (chance: {chance:.1%}).")
