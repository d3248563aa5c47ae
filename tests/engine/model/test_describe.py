"""The catalogue against the Keras graphs that it was written from."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from core.backbones.catalogue import BACKBONES, CATALOGUE_FILE, get
from core.engine.model.describe import build_backbone, describe_variant
from core.engine.model.facts import FACTS

ROWS = {row["name"]: row for row in json.loads(CATALOGUE_FILE.read_text("utf-8"))}
NARROWEST = [pytest.param(facts, next(iter(facts.weights)), id=facts.name) for facts in FACTS]


def test_there_is_a_row_for_each_set_of_facts():
    assert list(ROWS) == [facts.name for facts in FACTS]


# The two kinds of layer names (given, and numbered by Keras) and the one network with operations that are no layers.
@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small", "Xception"])
def test_the_file_is_what_the_generator_writes(name):
    facts = next(facts for facts in FACTS if facts.name == name)
    alpha = next(iter(facts.weights))
    found = describe_variant(facts, alpha)
    assert found.pop("layers") == ROWS[name]["layers"]
    assert found == ROWS[name]["variants"][0]


@pytest.mark.parametrize(("facts", "alpha"), NARROWEST)
def test_blocks_and_sizes_hold_at_another_image_size(facts, alpha):
    """An odd size, so that rounding in the output's side shows."""
    _, variant = get(facts.name, alpha)
    model = build_backbone(facts, alpha, 131)
    assert model.output_shape[1:] == (*[variant.output_side(131)] * 2, variant.features)
    assert model.count_params() == variant.parameters
    for block in variant.blocks:
        assert model.get_layer(block.layer).output.shape[-1] == block.shape[2]


PRETRAINED = [backbone for backbone in BACKBONES.values() if backbone.variants[0].pretrained]


@pytest.mark.parametrize("backbone", PRETRAINED, ids=lambda backbone: backbone.name)
def test_preprocessing_is_what_keras_does(backbone):
    """`inside`: Keras's own function leaves the image as it is."""
    modules = {"MobileNet": "mobilenet", "MobileNetV2": "mobilenet_v2", "MobileNetV3Small": "mobilenet_v3",
               "MobileNetV3Large": "mobilenet_v3", "EfficientNetV2B0": "efficientnet_v2", "ResNet50": "resnet",
               "VGG16": "vgg16", "InceptionV3": "inception_v3", "Xception": "xception", "DenseNet121": "densenet"}
    image = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    expected = getattr(keras.applications, modules[backbone.name]).preprocess_input(image.copy())
    if backbone.preprocessing == "inside":
        np.testing.assert_array_equal(expected, image)
    else:
        scaled = keras.applications.imagenet_utils.preprocess_input(image.copy(), mode=backbone.preprocessing)
        np.testing.assert_allclose(expected, scaled)
