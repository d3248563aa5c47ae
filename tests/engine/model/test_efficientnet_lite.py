"""EfficientNetLite0 with the weights that come along."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest

from benchmarks.lite0 import IMAGENET, measure
from core.backbones import lite0, weights
from core.backbones.catalogue import get
from core.data.images.decode import decode
from core.engine.model.efficientnet_lite import EfficientNetLite0
from core.engine.model.forward import RELATIVE_TOLERANCE, relative_difference
from core.engine.model.network import PREPROCESSING, build_network
from core.engine.model.onnx_graph import to_onnx
from core.recipe.fields import ModelSettings

PHOTOS = Path(os.environ.get("GRAFT_REAL_DATA", "/nowhere")) / "hymenoptera.zip"
real_photos = pytest.mark.skipif(not PHOTOS.is_file(), reason="GRAFT_REAL_DATA does not have hymenoptera.zip")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("GRAFT_WEIGHTS_DIR", raising=False)


def with_top(folder: Path) -> keras.Model:
    """Raw RGB in, the probabilities of ImageNet's classes out."""
    image = keras.Input((224, 224, 3))
    model = EfficientNetLite0(include_top=True, input_tensor=PREPROCESSING["lite"](image))
    source = lite0.source()
    assert source is not None
    model.load_weights(str(lite0.convert(source, folder / "top.h5", include_top=True)))
    return model


def some_photos(folder: str, count: int) -> np.ndarray:
    with zipfile.ZipFile(PHOTOS) as archive:
        names = sorted(name for name in archive.namelist() if f"/{folder}/" in name and name.endswith(".jpg"))
        return np.stack([decode(archive.read(name), 224) for name in names[:count]])


def test_its_size_and_shapes():
    keras.utils.clear_session()
    assert EfficientNetLite0(include_top=True, input_shape=(224, 224, 3)).count_params() == 4_694_024
    assert EfficientNetLite0(input_shape=(224, 224, 3)).output_shape == (None, 7, 7, 1280)
    assert EfficientNetLite0(input_shape=(131, 131, 3)).output_shape == (None, 5, 5, 1280)
    with pytest.raises(ValueError, match="from a file"):
        EfficientNetLite0(weights="imagenet", input_shape=(224, 224, 3))


def test_batch_normalisation_and_activations_are_those_it_was_trained_with():
    model = EfficientNetLite0(input_shape=(64, 64, 3))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.epsilon for layer in norms} == {1e-3} and len(norms) == 49
    assert {layer.max_value for layer in model.layers if isinstance(layer, keras.layers.ReLU)} == {6.0}


def test_a_recipe_starts_from_the_weights_that_come_along():
    """Every number of the backbone is the package's."""
    path = weights.ensure(*get(lite0.BACKBONE))
    network = build_network(ModelSettings(backbone=lite0.BACKBONE), 96, 2, path, seed=0)
    tensors = lite0.read_weights(lite0.source())
    layer = network.whole.get_layer("block5b_dwconv")
    np.testing.assert_array_equal(layer.kernel, tensors["_blocks.9._depthwise_conv.weight"].transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(network.whole.get_layer("top_bn").gamma, tensors["_bn1.weight"])


@real_photos
def test_ants_and_bees_are_known_among_a_thousand_classes(tmp_path):
    """The padding, the scaling or one transposed kernel wrong: next to none of them would be."""
    model = with_top(tmp_path)
    for folder, place in IMAGENET.items():
        found = model.predict(some_photos(folder, 8), verbose=0).argmax(1)
        assert (found == place).sum() >= 5, folder


@real_photos
def test_the_converted_network_agrees_on_photos(tmp_path):
    model, images = with_top(tmp_path), some_photos("bees", 6)
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    expected = model.predict(images, verbose=0)
    (found,) = session.run(None, {"images": images})
    assert relative_difference(found, expected) < RELATIVE_TOLERANCE
    assert (found.argmax(1) == expected.argmax(1)).all()


@pytest.mark.slow
@real_photos
def test_the_figures_that_are_quoted():
    found = measure(PHOTOS)
    assert found["parameters"] == 4_694_024 and found["photos"] == 397
    assert found["top1"] >= 0.80
    assert found["val_accuracy"] >= 0.941
