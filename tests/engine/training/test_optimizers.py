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


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {optimizers.EXACT}))
def test_every_optimizer_goes_down_the_slope(name):
    found = walked(build_optimizer(phase(optimizer=name), 10))
    assert (np.abs(found) < [1.0, 2.0]).all()


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {optimizers.EXACT}))
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
    together = walked(build_optimizer(phase(optimizer="sgd", momentum=0.0, clip_global_norm=1.0), 10), steps=1)
    assert together == pytest.approx(by_norm)  # of one weight they are the same


def test_the_global_norm_is_that_of_all_weights_together():
    optimizer = build_optimizer(phase(optimizer="sgd", momentum=0.0, clip_global_norm=5.0, learning_rate=1.0), 10)
    near, far = keras.Variable([0.0]), keras.Variable([0.0])
    optimizer.build([near, far])
    optimizer.apply([keras.ops.convert_to_tensor([6.0]), keras.ops.convert_to_tensor([8.0])], [near, far])
    assert (float(near[0]), float(far[0])) == pytest.approx((-3.0, -4.0))


def test_weight_decay_of_zero_is_none_at_all():
    """Keras's AdamW decays by 0.004 where nothing is said."""
    without = walked(build_optimizer(phase(optimizer="adamw", weight_decay=0.0), 10))
    np.testing.assert_array_equal(without, walked(keras.optimizers.Adam(0.1)))
    assert (walked(build_optimizer(phase(optimizer="adamw"), 10)) != without).all()


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {optimizers.EXACT}))
def test_a_factor_on_the_rate_is_that_of_a_smaller_rate(name):
    """Of two weights with the same gradients each goes as far as it does alone at its own rate."""
    full, tenth = keras.Variable([1.0, -2.0], name="full"), keras.Variable([1.0, -2.0], name="tenth")
    optimizer = build_optimizer(phase(optimizer=name, weight_decay=0.0), 10, rates={tenth.path: 0.1})
    optimizer.build([full, tenth])
    for _ in range(5):
        optimizer.apply([2 * full.value, 2 * tenth.value], [full, tenth])
    np.testing.assert_allclose(full, walked(build_optimizer(phase(optimizer=name, weight_decay=0.0), 10)), rtol=1e-6)
    smaller = build_optimizer(phase(optimizer=name, weight_decay=0.0, learning_rate=0.01), 10)
    np.testing.assert_allclose(tenth, walked(smaller), rtol=1e-5)


def test_gradients_are_gathered_over_batches():
    """Two batches that are taken together move a weight as one of twice the size does."""
    plain = phase(optimizer="sgd", momentum=0.0)
    whole, parts = keras.Variable([1.0]), keras.Variable([1.0])
    for place, optimizer, gradients in ((whole, build_optimizer(plain, 10), [2.0]),
                                        (parts, build_optimizer(plain, 10, accumulate=2), [1.0, 3.0])):
        optimizer.build([place])
        for gradient in gradients:
            assert float(place[0]) == 1.0
            optimizer.apply([keras.ops.convert_to_tensor([gradient])], [place])
    assert float(whole[0]) == pytest.approx(0.8) == float(parts[0])


def test_the_average_of_the_weights_lags_behind_them():
    place = keras.Variable([0.0])
    optimizer = build_optimizer(phase(optimizer="sgd", momentum=0.0, learning_rate=1.0), 10, average=0.5)
    optimizer.build([place])
    for _ in range(3):  # at -1, -2, -3
        optimizer.apply([keras.ops.convert_to_tensor([1.0])], [place])
    assert float(place[0]) == -3.0
    optimizer.finalize_variable_values([place])
    assert float(place[0]) == pytest.approx(0.25 * -1 + 0.25 * -2 + 0.5 * -3)
