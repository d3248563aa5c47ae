"""The whole state of the training on disk, from which it goes on after a kill, a pause or a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.training.state import TrainState
from core.runs import states

SECONDS = 1.0
"""Least time between two writes after epochs: those of a head on cached features take milliseconds, less than a write
that is forced to the disk. A kill loses the open epoch and at most what this time holds."""
SHARE = 0.1
"""Largest share of the time that writing may take: a large network's state is written after fewer epochs."""
WITHIN_SECONDS = 180.0
"""Time after which a state is written within an epoch."""


class KeepState(Callback):
    """Writes the state after epochs and, where these are long, within them; pauses the training when asked.

    Args:
        run: The run folder.
        about: What is noted with it.
    """

    def __init__(self, run: Path, about: Callable[[], Mapping[str, Any]]) -> None:
        self._run, self._about = run, about
        self._due_after, self._written = 0.0, float("-inf")

    def on_phase_begin(self, fit: PhaseFit) -> None:
        """The clock starts with the training: the first epoch is written at its end."""
        self._written = max(self._written, time.monotonic() - SECONDS)

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        """Write where an epoch is long, and at a pause."""
        if fit.stopped or fit.provisional or step >= fit.batches.steps:
            return  # the epoch's end is at hand
        fit.paused = fit.reporter.pause_requested()
        if fit.paused or time.monotonic() - self._written > max(WITHIN_SECONDS, self._due_after):
            fit.state.capture(fit.model, fit.variables, step, logs)
            self.write(fit.state, fit.phase.learning_rate)

    def on_state(self, fit: PhaseFit) -> None:
        """Write when it is due, and at the end of the run; nobody wants to go on from a training that has blown up."""
        if fit.worthless or fit.provisional:
            return
        ends = fit.finished or fit.state.phase_epoch >= fit.phase.epochs
        if ends and not fit.last:
            return  # that of the next phase follows
        fit.paused = not ends and fit.reporter.pause_requested()
        fit.state.done = ends
        if ends or fit.paused or time.monotonic() - self._written >= max(SECONDS, self._due_after):
            fit.state.capture(fit.model, fit.variables)
            self.write(fit.state, fit.phase.learning_rate)

    def write(self, state: TrainState, learning_rate: float) -> None:
        """Write the state as it is. Raises OSError."""
        began = time.monotonic()
        states.write(self._run, state.to_bytes(), {
            **self._about(), "phase": state.phase, "epoch": state.epoch, "learning_rate": learning_rate})
        self._written = time.monotonic()
        self._due_after = (self._written - began) / SHARE
