"""From a phase to its Keras optimizer: a table of classes, and the settings of the phase that they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from core.engine.training.schedules import build_schedule
from core.recipe import optimizers
from core.recipe.fields import Phase

OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
}
"""Under the names of `core.recipe.optimizers`, which says which settings of a phase each one takes."""
USUAL_MOMENTUM = {"sgd": 0.9}
"""Where a phase names none. The others begin without."""


def build_optimizer(phase: Phase, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a phase of `steps` steps in all."""
    options: dict[str, Any] = {"learning_rate": build_schedule(phase, steps)}
    if phase.weight_decay:
        options["weight_decay"] = phase.weight_decay
    if phase.clip_value:
        options["clipvalue"] = phase.clip_value
    if phase.clip_norm:
        options["clipnorm"] = phase.clip_norm
    for name in optimizers.OPTIMIZERS[phase.optimizer].fields:
        options[name] = getattr(phase, name)
    if "momentum" in options and options["momentum"] is None:
        options["momentum"] = USUAL_MOMENTUM.get(phase.optimizer, 0.0)
    return OPTIMIZERS[phase.optimizer](**options)
