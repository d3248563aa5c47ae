"""The learning rate falls when the model stops getting better."""

from __future__ import annotations

from core.engine.callbacks.callback import Callback, PhaseFit


class Plateau(Callback):
    """Multiplies the learning rate by the phase's `decay` after every `decay_epochs` epochs without improvement.

    As Keras's `ReduceLROnPlateau` with its `min_delta` 0, by the measure that decides on the best model. It needs no
    state of its own: what `KeepBest` counts and the optimizer's rate are part of the training's state.
    """

    def on_state(self, fit: PhaseFit) -> None:
        """Lower the rate of the next epoch."""
        waited, every = fit.state.since_better, fit.phase.decay_epochs
        if fit.phase.schedule == "plateau" and waited and waited % every == 0:
            optimizer = fit.model.optimizer
            optimizer.learning_rate = float(optimizer.learning_rate) * fit.phase.decay
