"""Every optimizer of the table, with the settings of a phase that belong to it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from core.engine.training.optimizers import OPTIMIZERS, build_optimizer
from core.recipe import optimizers
from core.recipe.fields import Phase


def phase(**settings: Any) -> Phase:
    return Phase(**{"schedule": "constant", "learning_rate": 0.1, **settings})


def walked(optimizer: keras.optimizers.Optimizer, steps: int = 5) -> np.ndarray:
    """Where a weight gets to on the slope of x²."""
    place = keras.Variable([1.0, -2.0])
    optimizer.build([place])
    for _ in range(steps):
        optimizer.apply([2 * place.value], [place])
    return np.array(place.value)


def test_the_tables_have_the_same_names():
    assert set(OPTIMIZERS) == {name for name, option in optimizers.OPTIMIZERS.items() if option.available}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_goes_down_the_slope(name):
    found = walked(build_optimizer(phase(optimizer=name), 10))
    assert (np.abs(found) < [1.0, 2.0]).all()


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_the_defaults_are_those_of_keras_but_for_the_momentum_of_sgd(name):
    plain = {"sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)}.get(
        name, lambda: OPTIMIZERS[name](learning_rate=0.1))
    np.testing.assert_array_equal(walked(build_optimizer(phase(optimizer=name), 10)), walked(plain()))


def test_momentum_is_set_where_it_belongs():
    sgd = build_optimizer(phase(optimizer="sgd", momentum=0.5, nesterov=False), 10)
    np.testing.assert_array_equal(walked(sgd), walked(keras.optimizers.SGD(0.1, momentum=0.5)))
    assert build_optimizer(phase(optimizer="rmsprop", momentum=0.5), 10).momentum == 0.5
    assert build_optimizer(phase(optimizer="rmsprop"), 10).momentum == 0.0
    np.testing.assert_array_equal(walked(build_optimizer(phase(optimizer="adam", momentum=0.5), 10)),
                                  walked(keras.optimizers.Adam(0.1)))


def test_gradients_are_clipped_by_value_or_by_norm():
    by_value = walked(build_optimizer(phase(optimizer="sgd", momentum=0.0, clip_value=0.5), 10), steps=1)
    assert by_value == pytest.approx([0.95, -1.95])
    by_norm = walked(build_optimizer(phase(optimizer="sgd", momentum=0.0, clip_norm=1.0), 10), steps=1)
    assert by_norm == pytest.approx([1 - 0.1 / 5**0.5, -2 + 0.2 / 5**0.5])
