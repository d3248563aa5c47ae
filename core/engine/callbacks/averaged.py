"""The running average of the weights is the model that is scored and kept; training goes on with the weights."""

from __future__ import annotations

from collections.abc import Mapping

from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.training.state import Arrays, assign, values


class Averaged(Callback):
    """Puts the optimizer's average in the weights' place while an epoch is judged, and the weights back after it."""

    def __init__(self) -> None:
        self._weights: Arrays = {}

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """Take the average."""
        if fit.model.optimizer.use_ema:
            self._weights = values(fit.model.trainable_variables)
            fit.model.optimizer.finalize_variable_values(fit.model.trainable_variables)

    def on_state(self, fit: PhaseFit) -> None:
        """Go on with the weights themselves."""
        if self._weights:
            assign(fit.model.trainable_variables, self._weights)
            self._weights = {}
