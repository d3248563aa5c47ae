"""How long a training has left, each phase by its own cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COMPARABLE = 0.1
"""How a phase kept to its estimate says something about others whose epochs cost at most ten times as much: epochs of
a head on cached features are mostly overhead, and tell nothing of epochs through a backbone."""


@dataclass(frozen=True)
class PhaseCost:
    """What a phase is expected to take. Seconds."""

    epochs: int
    epoch_s: float
    prepare_s: float
    """Before its first epoch."""


class Remaining:
    """Measures epochs and reckons the time left: measured phases by what they took, those to come by their cost."""

    def __init__(self, costs: Sequence[PhaseCost]) -> None:
        self.costs = costs
        self._took: list[list[float]] = [[] for _ in costs]
        self._began = 0.0

    def epoch_begins(self) -> None:
        """Start the clock of an epoch."""
        self._began = time.monotonic()

    def epoch_ends(self, phase: int) -> float:
        """Stop it; gives the epoch's seconds."""
        seconds = time.monotonic() - self._began
        self.measured(phase, seconds)
        return seconds

    def measured(self, phase: int, seconds: float) -> None:
        """An epoch of a phase took so long."""
        self._took[phase].append(seconds)

    def seconds(self, phase: int, done: int, share: float, elapsed: float) -> float:
        """Time left.

        Args:
            phase: Index of the phase in work.
            done: Its finished epochs.
            share: How much of the open epoch is done, above 0.
            elapsed: What the open epoch has taken so far, seconds.
        """
        took = self._took[phase]
        current = float(np.median(took)) if took else elapsed / share
        left = current * (self.costs[phase].epochs - done - 1) + max(current - elapsed, 0.0)
        for later in range(phase + 1, len(self.costs)):
            cost = self.costs[later]
            left += cost.prepare_s + cost.epochs * cost.epoch_s * self._factor(later)
        return left

    def _factor(self, later: int) -> float:
        """How much longer than estimated epochs have taken, by the costliest measured phase that is comparable."""
        comparable = [index for index, took in enumerate(self._took)
                      if took and self.costs[index].epoch_s >= COMPARABLE * self.costs[later].epoch_s > 0]
        if not comparable:
            return 1.0
        best = max(comparable, key=lambda index: self.costs[index].epoch_s)
        return float(np.median(self._took[best])) / self.costs[best].epoch_s
