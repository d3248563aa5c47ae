"""Scores on the validation images after every epoch."""

from __future__ import annotations

from collections.abc import Mapping

from core.engine.callbacks.callback import Callback, PhaseFit


class Evaluate(Callback):
    """Scores the model of every epoch."""

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """Leave the scores in `fit.scores`."""
        fit.scores = fit.evaluate()
