"""The best state so far, in memory and on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.training.checkpoint import Checkpoint


class KeepBest(Callback):
    """Keeps the state of every epoch that is better than all before it.

    Args:
        checkpoint: Where it is written.
        about: What is noted with it.
    """

    def __init__(self, checkpoint: Checkpoint, about: Callable[[], Mapping[str, Any]]) -> None:
        self.checkpoint, self.about = checkpoint, about

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        """What waits to be written does not wait for the next better epoch: there may be none."""
        self.checkpoint.flush_when_due()

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """Compare, keep, and count the epochs that brought nothing."""
        assert fit.scores is not None
        counts = not fit.worthless and not fit.provisional
        better = counts and fit.state.best.offer(fit.index, fit.epoch, fit.scores, fit.variables)
        fit.state.since_better = 0 if better else fit.state.since_better + 1
        if better:
            self.checkpoint.keep(fit.state.best, self.about())

    def on_phase_end(self, fit: PhaseFit) -> None:
        """Nothing waits to be written while the next phase is prepared."""
        self.checkpoint.flush()
