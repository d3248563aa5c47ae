"""Somebody asks for the end: the training stops at the next step."""

from __future__ import annotations

from collections.abc import Mapping

from core.engine.callbacks.callback import Callback, PhaseFit


class Stop(Callback):
    """Looks for a request after every step. What the open epoch has learned counts, if it is better."""

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        """Set `fit.stopped` when there is a request."""
        fit.stopped = fit.stopped or fit.reporter.stop_requested()

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """Say where it ended: an epoch that was cut short has no row in the history."""
        if fit.stopped:
            fit.notes.append(f"Stopped in epoch {fit.epoch}.")
