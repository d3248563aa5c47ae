"""How the learning rate changes during a phase: a table under the names of `core.recipe.schedules`.

A schedule is a number, or a Keras `LearningRateSchedule`: a function of the step alone, so that training which is
continued goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule as Schedule

from core.recipe.fields import Phase

PACKAGE = "graft"


def build_schedule(phase: Phase, steps: int) -> float | Schedule:
    """The learning rate of a phase of `steps` steps in all."""
    return SCHEDULES[phase.schedule](phase, steps)


@keras.saving.register_keras_serializable(PACKAGE)
class Decay(Schedule):
    """Falls to a share of itself over a number of steps: rate · factor^(step / every).

    Args:
        rate: At the first step.
        factor: What is left of it after `every` steps.
        every: Steps; may be broken.
        staircase: True: falls at once at the end of every `every` steps. False: a little at every step.
        warmup: Steps in which the rate rises from zero in a straight line, before it begins to fall.
    """

    def __init__(self, rate: float, factor: float, every: float, staircase: bool = False, warmup: int = 0) -> None:
        super().__init__()
        self.rate, self.factor, self.every, self.staircase, self.warmup = rate, factor, every, staircase, warmup

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        times = ops.maximum(step - self.warmup, 0.0) / self.every
        if self.staircase:
            times = ops.floor(times + 1e-4)  # a whole number may come out a little short in single precision
        rising = ops.minimum(step / self.warmup, 1.0) if self.warmup else 1.0
        return self.rate * rising * ops.power(ops.cast(self.factor, "float32"), times)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "factor": self.factor, "every": self.every, "staircase": self.staircase,
                "warmup": self.warmup}


@keras.saving.register_keras_serializable(PACKAGE)
class OneCycle(Schedule):
    """Up to a high rate and down to nearly none, along half a cosine each way.

    Super-convergence (Smith and Topin, arXiv:1708.07120) as `torch.optim.lr_scheduler.OneCycleLR` does it with its
    defaults `anneal_strategy="cos"`, `three_phase=False`, but for the momentum, which stays.

    Args:
        peak: The highest rate.
        steps: Steps of the whole cycle; the last of them has the lowest rate.
        rise: Share of the steps in which it rises.
        start_divisor: It begins at peak / start_divisor.
        end_divisor: It ends at peak / start_divisor / end_divisor.
    """

    def __init__(self, peak: float, steps: int, rise: float = 0.3, start_divisor: float = 25.0,
                 end_divisor: float = 1e4) -> None:
        super().__init__()
        self.peak, self.steps, self.rise = peak, steps, rise
        self.start_divisor, self.end_divisor = start_divisor, end_divisor

    def __call__(self, step: Any) -> Any:
        first = self.peak / self.start_divisor
        top = max(self.rise * self.steps - 1, 0.0)  # the step with the highest rate, as torch counts
        last = max(self.steps - 1.0, top + 1)
        step = ops.cast(step, "float32")
        up = _cosine(first, self.peak, step / top) if top else self.peak
        down = _cosine(self.peak, first / self.end_divisor, (step - top) / (last - top))
        return ops.where(step < top, up, down)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "rise": self.rise, "start_divisor": self.start_divisor,
                "end_divisor": self.end_divisor}


def _cosine(start: float, end: float, share: Any) -> Any:
    """From start to end along half a cosine; `share` of the way done."""
    return end + (start - end) / 2 * (1 + ops.cos(math.pi * ops.clip(share, 0.0, 1.0)))


def _warmup(phase: Phase, steps: int) -> int:
    return round(phase.warmup * steps)


def _constant(phase: Phase, steps: int) -> float | Schedule:
    warmup = _warmup(phase, steps)
    if not warmup:
        return phase.learning_rate
    # Polynomial of degree 1 from zero, then constant.
    return keras.optimizers.schedules.PolynomialDecay(0.0, warmup, end_learning_rate=phase.learning_rate)


def _by_cosine(phase: Phase, steps: int) -> Schedule:
    """SGDR (arXiv:1608.03983) without restarts."""
    warmup = _warmup(phase, steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else phase.learning_rate, max(steps - warmup, 1), warmup_steps=warmup,
        warmup_target=phase.learning_rate if warmup else None,
    )


def _one_cycle(phase: Phase, steps: int) -> Schedule:
    return OneCycle(phase.learning_rate, steps, phase.rise, phase.start_divisor, phase.end_divisor)


def _exponential(phase: Phase, steps: int) -> Schedule:
    return Decay(phase.learning_rate, phase.decay, steps / phase.epochs, warmup=_warmup(phase, steps))


def _by_steps(phase: Phase, steps: int) -> Schedule:
    return Decay(phase.learning_rate, phase.decay, phase.decay_epochs * steps / phase.epochs, staircase=True,
                 warmup=_warmup(phase, steps))


def _on_plateaus(phase: Phase, steps: int) -> float:
    """A number that `core.engine.callbacks.plateau` changes between epochs."""
    return phase.learning_rate


SCHEDULES: dict[str, Callable[[Phase, int], float | Schedule]] = {
    "constant": _constant,
    "cosine": _by_cosine,
    "one_cycle": _one_cycle,
    "exponential": _exponential,
    "step": _by_steps,
    "plateau": _on_plateaus,
}
"""What builds the schedule of a phase with so many steps in all."""
