"""Which way forward is taken, and why; and that a wrong conversion is never used."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from core.engine.model import forward as forward_module
from core.engine.model.forward import fastest_forward, keras_forward, largest_output, note_largest
from core.engine.model.onnx_graph import to_onnx
from core.store.cache import entries
from core.store.workspace import Workspace

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)


class Dropout(layers.Layer):
    """Has the name of a layer that changes nothing, and does something: its conversion is wrong."""

    def call(self, x):
        return x * 1.5


def model_of(*stack: keras.layers.Layer) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255)(image)
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x)


@pytest.fixture(autouse=True)
def any_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine one measurement says little: these tests are about agreement."""
    monkeypatch.setattr(forward_module, "CLEARLY_SLOWER", 0.0)


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    return workspace.cache / "networks" / "one"


def expected(model: keras.Model) -> np.ndarray:
    return np.asarray(model(IMAGES, training=False))


def test_a_converted_network_that_agrees_is_used(folder, workspace):
    model = model_of(layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D())
    forward = fastest_forward(model, folder, IMAGES)
    assert forward.engine == "ONNX Runtime" and "agrees" in forward.why
    np.testing.assert_allclose(forward.run(IMAGES), expected(model), rtol=1e-4, atol=1e-6)
    assert largest_output(folder) == pytest.approx(np.abs(expected(model)).max(), rel=1e-4)
    assert [entry.path for entry in entries(workspace)] == [folder]


def test_the_check_is_done_once(folder):
    model = model_of(layers.Conv2D(4, 3))
    fastest_forward(model, folder, IMAGES)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "used"}
    forward = fastest_forward(model_of(layers.LayerNormalization()), folder, IMAGES)
    assert forward.engine == "ONNX Runtime"  # what the folder knows of its network holds
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "used"}


def test_an_unknown_layer_leaves_it_to_keras(folder):
    model = model_of(layers.LayerNormalization(), layers.GlobalAveragePooling2D())
    for _ in range(2):  # found out, and remembered
        forward = fastest_forward(model, folder, IMAGES)
        assert forward.engine == "Keras" and "LayerNormalization" in forward.why
        np.testing.assert_allclose(forward.run(IMAGES), expected(model), rtol=1e-4, atol=1e-5)


def test_a_conversion_that_is_wrong_is_refused(folder):
    model = model_of(Dropout(), layers.GlobalAveragePooling2D())
    forward = fastest_forward(model, folder, IMAGES)
    assert forward.engine == "Keras" and "differs by 3.3e-01" in forward.why
    np.testing.assert_allclose(forward.run(IMAGES), expected(model), rtol=1e-4)


def test_a_file_without_its_check_is_not_trusted(folder):
    """As after a crash between writing the network and writing what the check found."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(to_onnx(model_of(layers.GlobalMaxPooling2D())).SerializeToString())
    model = model_of(layers.GlobalAveragePooling2D())
    forward = fastest_forward(model, folder, IMAGES)
    np.testing.assert_allclose(forward.run(IMAGES), expected(model), rtol=1e-4)


def test_keras_takes_pieces_of_any_size():
    model = model_of(layers.Conv2D(2, 3), layers.GlobalAveragePooling2D())
    run = keras_forward(model, "").run
    whole = run(IMAGES)
    np.testing.assert_allclose(np.concatenate([run(IMAGES[:2]), run(IMAGES[2:])]), whole, rtol=1e-4, atol=1e-6)


def test_what_is_known_of_the_output_can_be_put_right(folder):
    assert largest_output(folder) is None
    fastest_forward(model_of(layers.Conv2D(2, 3)), folder, IMAGES)
    note_largest(folder, 1e5)
    assert largest_output(folder) == 1e5
    assert fastest_forward(model_of(layers.Conv2D(2, 3)), folder, IMAGES).engine == "ONNX Runtime"
