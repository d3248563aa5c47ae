"""Every schedule gives the values of its formula, and survives being written down."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from core.engine.training.schedules import SCHEDULES, Decay, OneCycle, build_schedule
from core.recipe import schedules
from core.recipe.fields import Phase


def rates(schedule: Any, steps: int) -> list[float]:
    return [float(schedule(step)) for step in range(steps)]


def half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def test_every_usable_name_is_built():
    assert set(SCHEDULES) == {name for name, option in schedules.SCHEDULES.items() if option.available}
    for name in SCHEDULES:
        built = build_schedule(Phase(schedule=name, epochs=4, learning_rate=0.1), 40)
        found = [built] if isinstance(built, float) else rates(built, 40)
        assert all(0 <= rate <= 0.1 + 1e-7 for rate in found) and max(found) == pytest.approx(0.1, rel=0.05)


def test_the_one_cycle_of_pytorch():
    """`torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10)`, worked out from its documentation."""
    found = rates(build_schedule(Phase(schedule="one_cycle", epochs=2, learning_rate=0.1), 10), 10)
    first, last, top = 0.1 / 25, 0.1 / 25 / 1e4, 0.3 * 10 - 1
    expected = [half_cosine(first, 0.1, step / top) if step <= top else half_cosine(0.1, last, (step - top) / (9 - top))
                for step in range(10)]
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-9)
    assert found[:3:2] == pytest.approx([0.004, 0.1]) and found[9] == pytest.approx(4e-7, rel=0.01)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("rise", [0.0, 0.3, 0.9])
def test_a_very_short_cycle_is_finite(steps, rise):
    found = rates(OneCycle(0.1, steps, rise), steps + 2)
    assert np.isfinite(found).all() and max(found) <= 0.1 + 1e-7


def test_a_cycle_without_a_rise_only_falls():
    found = rates(OneCycle(0.1, 20, rise=0.0), 20)
    assert found[0] == pytest.approx(0.1) and all(np.diff(found) < 0)


def test_exponential_falls_by_its_factor_in_every_epoch():
    found = rates(build_schedule(Phase(schedule="exponential", epochs=3, learning_rate=0.2, decay=0.5), 12), 12)
    assert found == pytest.approx([0.2 * 0.5 ** (step / 4) for step in range(12)], rel=1e-5)


def test_steps_fall_at_the_end_of_so_many_epochs():
    phase = Phase(schedule="step", epochs=6, learning_rate=1.0, decay=0.1, decay_epochs=2)
    found = rates(build_schedule(phase, 42), 42)
    assert found == pytest.approx([1.0] * 14 + [0.1] * 14 + [0.01] * 14, rel=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "exponential", "step"])
def test_a_warm_up_rises_in_a_straight_line_from_zero(schedule):
    phase = Phase(schedule=schedule, epochs=10, learning_rate=0.1, warmup=0.2, decay=0.5)
    found = rates(build_schedule(phase, 100), 100)
    assert found[:20] == pytest.approx([0.1 * step / 20 for step in range(20)], abs=1e-6)
    assert found[20] == pytest.approx(0.1) and max(found) <= 0.1 + 1e-7


@pytest.mark.parametrize("schedule", [
    Decay(0.1, 0.5, 7, staircase=True, warmup=3), OneCycle(0.1, 50, 0.4, 10.0, 100.0),
])
def test_a_schedule_survives_being_written_down(schedule):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert rates(again, 50) == rates(schedule, 50)
    optimizer = keras.optimizers.SGD(schedule)
    copy = keras.optimizers.SGD.from_config(optimizer.get_config())
    assert float(copy.learning_rate) == float(optimizer.learning_rate)
