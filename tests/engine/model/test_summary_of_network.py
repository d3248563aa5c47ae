"""The table of layers that is shown without Keras says what Keras builds."""

from __future__ import annotations

import math

import pytest

from core.backbones.catalogue import get
from core.engine.model.network import build_network
from core.engine.training.plan import apply_freezing, plan_phases
from core.recipe.fields import Recipe
from core.summary import summary

HEAD = ['model.hidden=[{"units": 8, "batch_norm": "before", "dropout": 0.1}, {"units": 4, "batch_norm": "after"}]',
        "model.norm_features=true"]
PHASES = ('train.phases=[{"freeze": "all"}, {"freeze": "%s"}, {"freeze": "none"}]',)


@pytest.mark.parametrize(("backbone", "middle", "size", "more"), [
    ("SmallNet", "block_2", 32, HEAD),
    ("MobileNetV2", "block_12", 64, ["model.pooling=both", "model.output=sigmoid"]),
    ("ResNet50", "conv2_block1_2_conv", 64, ["model.cut_layer=conv3_block1_3_conv", "model.pooling=flatten"]),
    ("InceptionV3", "max_pooling2d_1", 75, ["model.batch_norm=train", "model.dropout=0"]),
    ("EfficientNetLite0", "block3a", 32, ["model.upsample=2", "model.pooling=max"]),
    pytest.param("EfficientNetV2B0", "block3a", 64, [], marks=pytest.mark.slow),
    pytest.param("ConvNeXtTiny", "stage_1", 64, [], marks=pytest.mark.slow),
    pytest.param("NASNetMobile", "cell_3", 224, [], marks=pytest.mark.slow),
])
def test_names_shapes_and_weights_are_those_of_keras(backbone, middle, size, more):
    recipe = Recipe().override([f"model.backbone={backbone}", "model.weights=none", f"data.image_size={size}", *more,
                                *(text % middle for text in PHASES)])
    classes = 2 if recipe.model.output == "sigmoid" else 3
    found = summary(recipe, classes)
    _, variant = get(backbone, None)
    network = build_network(recipe.model, size, classes, None, 0)
    assert found["parameters"] == network.whole.count_params()
    listed = {layer["name"]: layer for layer in found["layers"]}
    built = {layer.name: layer for layer in network.whole.layers if type(layer).__module__.split(".")[0] == "keras"}
    assert set(listed) == set(built)
    for name, layer in built.items():
        assert listed[name]["type"] == type(layer).__name__ and listed[name]["parameters"] == layer.count_params(), name
        shape = layer.output.shape if name != "image" else network.whole.input_shape
        assert listed[name]["output_shape"] == list(shape[1:]), name
    for index, plan in enumerate(plan_phases(network, variant, recipe, lambda _: True)):
        apply_freezing(network, plan, recipe.model.trains_batch_norm)
        for name, layer in built.items():
            counted = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
            assert listed[name]["trainable"][index] == counted, (name, index)
