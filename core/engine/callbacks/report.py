"""What the run folder tells about steps and epochs, and how long is left."""

from __future__ import annotations

from collections.abc import Mapping

from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.callbacks.remaining import Remaining


class Report(Callback):
    """Writes progress, events and history.

    Args:
        remaining: Reckons the time left.
    """

    def __init__(self, remaining: Remaining) -> None:
        self.remaining = remaining

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        """Progress inside the epoch."""
        batches, seconds = fit.batches, fit.epoch_seconds
        rate = min(step * batches.batch_size, len(batches.rows)) / max(seconds, 1e-6)
        left = self.remaining.seconds(fit.index, fit.state.phase_epoch, step / batches.steps, seconds)
        fit.reporter.batch(fit.phase.name, fit.index, fit.epoch, step, batches.steps, float(logs["loss"]),
                           float(logs["accuracy"]), rate, left)

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """The epoch's row, unless it was cut short, and what others had to say about it."""
        if not fit.stopped:
            self._row(fit, logs)
        for note in fit.notes:
            fit.reporter.note(note)

    def _row(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        assert fit.scores is not None
        seconds = self.remaining.epoch_ends(fit.index)
        fit.reporter.epoch({
            "epoch": fit.epoch, "phase": fit.phase.name, "phase_index": fit.index,
            "loss": round(float(logs["loss"]), 6), "accuracy": round(float(logs["accuracy"]), 6),
            "val_loss": round(fit.scores.loss, 6), "val_accuracy": round(fit.scores.accuracy, 6),
            "val_balanced_accuracy": round(fit.scores.balanced_accuracy, 6),
            "val_macro_f1": round(fit.scores.macro_f1, 6),
            "learning_rate": float(f"{float(fit.model.optimizer.learning_rate):.6g}"),
            "seconds": round(seconds, 3),
            "images_per_second": round(len(fit.batches.rows) / max(fit.epoch_seconds, 1e-6), 1),
        })

    def on_epoch_begin(self, fit: PhaseFit) -> None:
        """Start the epoch's clock, evaluation included."""
        self.remaining.epoch_begins()
