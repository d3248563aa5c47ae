"""Scaling of pixels exists once: one image, the same answer wherever it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest

from core.data.dataset import Dataset
from core.engine import worker
from core.engine.feed.pixels import Pixels
from core.engine.model.forward import relative_difference
from core.engine.model.loading import read_model
from core.engine.model.network import build_network
from core.engine.model.onnx_session import onnx_runner
from core.engine.model.preprocessing import PREPROCESSING
from core.inference import Predictor
from core.recipe.fields import ModelSettings
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.engine.pretrained import blobs, write_weights


@pytest.fixture(scope="module")
def predictor() -> Iterator[Predictor]:
    started = Predictor()
    yield started
    started.close()


@pytest.mark.parametrize("mode", ["tf", "caffe", "torch"])
def test_scaling_is_that_of_keras(mode):
    image = keras.Input((8, 8, 3))
    values = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    expected = keras.applications.imagenet_utils.preprocess_input(values.astype(np.float32), mode=mode)
    found = keras.Model(image, PREPROCESSING[mode](image))(values)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_first_efficientnets_see_what_they_were_trained_on(tmp_path, monkeypatch):
    """Keras adds a layer when it loads the weights itself, which a network that is built without them lacks."""
    path = write_weights(tmp_path, "EfficientNetB0", None)
    source = sys.modules[keras.applications.EfficientNetB0.__module__]
    monkeypatch.setattr(source.file_utils, "get_file", lambda *given, **more: str(path))  # instead of a download
    expected = keras.applications.EfficientNetB0(include_top=False, weights="imagenet", input_shape=(64, 64, 3))
    network = build_network(ModelSettings(backbone="EfficientNetB0"), 64, 2, path, seed=0)
    found = keras.Model(network.whole.input, network.backbone_output)
    images = blobs(4, 64)
    wanted = np.asarray(expected(images.astype(np.float32)))
    assert relative_difference(np.asarray(found(images)), wanted) < 1e-3
    bare = build_network(ModelSettings(backbone="EfficientNetB0"), 64, 2, None, seed=0)
    without = keras.Model(bare.whole.input, bare.backbone_output)
    without.load_weights(path)
    assert relative_difference(np.asarray(without(images)), wanted) > 0.01


def test_scaling_of_the_lite_networks():
    image = keras.Input((1, 3, 3))
    values = np.array([0, 127, 255, 1, 63, 64, 191, 128, 254], np.uint8).reshape(1, 1, 3, 3)
    found = keras.Model(image, PREPROCESSING["lite"](image))(values)
    np.testing.assert_allclose(found, (values.astype(np.float32) - 127) / 128, atol=1e-6)


@pytest.mark.parametrize(("name", "alpha"), [
    pytest.param("MobileNet", 0.25, id="tf"), pytest.param("VGG16", None, id="caffe", marks=pytest.mark.slow),
    pytest.param("DenseNet121", None, id="torch", marks=pytest.mark.slow),
    pytest.param("MobileNetV3Small", 0.75, id="inside", marks=pytest.mark.slow),
    pytest.param("EfficientNetLite0", None, id="lite"),
])
def test_training_model_twin_and_prediction_agree(tiny_run: Callable[..., Run], workspace, tmp_path, monkeypatch,
                                                  predictor, name, alpha):
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(tmp_path / "weights"))
    if name != "DenseNet121":  # 400 layers; its random weights are good enough
        write_weights(tmp_path / "weights", name, alpha)
    weights = "none" if name == "DenseNet121" else "imagenet"
    run = tiny_run(f"model.backbone={name}", f"model.alpha={'null' if alpha is None else alpha}",
                   f"model.weights={weights}", "train.phases.0.epochs=3", "train.phases.0.learning_rate=0.002",
                   "train.phases.0.freeze=all", "train.phases.0.optimizer=adam")
    assert worker.main([str(run.path)]) == 0, run.status().error
    table = run.predictions()
    assert table is not None
    trained = table[["p0", "p1", "p2"]].to_numpy()[:4]
    assert np.abs(trained - trained[:1]).max() > 0.01  # it tells the pictures apart
    dataset = Dataset.load(run.dataset_path)
    files = [dataset.image_path(file) for file in table["file"][:4]]
    pixels = Pixels(dataset, Workspace(workspace.root), 32, "crop")
    images = pixels.decode(np.array([pixels.paths.index(path) for path in files]))
    answers = predictor.predict(run.path, files, top_k=3)
    found = {
        "model.keras": read_model(run.path / "model.keras").predict(images, verbose=0),
        "serving.onnx": onnx_runner(run.path / "serving.onnx")(images),
        "prediction": np.array([[{item["label"]: item["probability"] for item in answer.top}[name]
                                 for name in run.classes] for answer in answers]),
    }
    for place, probabilities in found.items():
        np.testing.assert_allclose(probabilities, trained, atol=2e-3, err_msg=place)
    np.testing.assert_allclose(found["serving.onnx"], found["model.keras"], atol=1e-4)
