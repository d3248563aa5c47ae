"""From a phase to its Keras optimizer: a table of classes, and the settings of the phase that they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import keras

from core.engine.training.schedules import build_schedule
from core.recipe import optimizers
from core.recipe.fields import Phase
from core.recipe.optimizers import EXACT

OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
    EXACT: keras.optimizers.SGD,  # takes no step: `core.engine.training.exact` puts the solution in
}
"""Under the names of `core.recipe.optimizers`, which says which settings of a phase each one takes."""
USUAL_MOMENTUM = {"sgd": 0.9}
"""Where a phase names none. The others begin without."""
_PASSED_ON = {"weight_decay": "weight_decay", "clip_value": "clipvalue", "clip_norm": "clipnorm",
              "clip_global_norm": "global_clipnorm"}
"""Settings of a phase that every optimizer takes, and what Keras calls them. Empty: Keras's default."""


def build_optimizer(phase: Phase, steps: int, accumulate: int = 1, average: float | None = None,
                    rates: Mapping[str, float] | None = None) -> keras.optimizers.Optimizer:
    """The optimizer of a phase.

    Args:
        steps: Batches of the phase, all epochs together.
        accumulate: Batches whose gradients are averaged before the weights are changed.
        average: Decay per batch of the running average of the weights; None: none is kept.
        rates: Factors on the learning rate, by a variable's path; 1 for those that are not named.
    """
    if phase.optimizer == EXACT:
        return OPTIMIZERS[EXACT](0.0)
    options: dict[str, Any] = {"learning_rate": build_schedule(phase, steps)}
    for name, keyword in _PASSED_ON.items():
        if getattr(phase, name) is not None:
            options[keyword] = getattr(phase, name)
    for name in optimizers.OPTIMIZERS[phase.optimizer].fields:
        options[name] = getattr(phase, name)
    if "momentum" in options and options["momentum"] is None:
        options["momentum"] = USUAL_MOMENTUM.get(phase.optimizer, 0.0)
    if accumulate > 1:
        options["gradient_accumulation_steps"] = accumulate
    if average is not None:
        options |= {"use_ema": True, "ema_momentum": average}
    if not rates:
        return OPTIMIZERS[phase.optimizer](**options)
    optimizer = _rated(OPTIMIZERS[phase.optimizer])(**options)
    optimizer.rates = dict(rates)
    return optimizer


@cache
def _rated(base: Any) -> Any:
    """A class of optimizers whose learning rate differs from variable to variable (discriminative fine-tuning of
    ULMFiT, arXiv:1801.06146)."""

    class Rated(base):
        rates: Mapping[str, float] = {}

        def build(self, variables: Any) -> None:
            self._factors = [self.rates.get(variable.path, 1.0) for variable in variables]
            super().build(variables)

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            factor = self._factors[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * factor)

    return Rated
