"""A phase that no longer gets better ends early."""

from __future__ import annotations

from collections.abc import Mapping

from core.engine.callbacks.callback import Callback, PhaseFit


class Patience(Callback):
    """Ends a phase after as many epochs without improvement as the recipe says."""

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """Look at what `KeepBest` has counted."""
        waited = fit.state.since_better
        if fit.phase.patience and waited >= fit.phase.patience and not fit.stopped:
            fit.notes.append(f"No improvement for {waited} epochs: the phase ends early.")
            fit.finished = True
