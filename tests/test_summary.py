"""The model as a table: what Keras would build, known without Keras."""

from __future__ import annotations

import pytest

from core.errors import RecipeError
from core.recipe.fields import Recipe
from core.recipe.presets import PRESETS
from core.summary import summary

WANTED = {
    "flowers-resnet50-flatten": (5, 231_627_653, [207_833_093]),
    "cifar10-resnet50-cut": (10, 9_396_874, [8_919_562]),
    "flowers17-inceptionv3-two-phase": (17, 23_918_385, [2_115_601, None]),
    "flowers-resnet50": (5, 24_113_541, [525_829]),
}


@pytest.mark.parametrize("name", WANTED)
def test_presets_have_the_weights_of_their_sources(name):
    classes, parameters, trained = WANTED[name]
    found = summary(PRESETS[name].recipe, classes)
    assert found["parameters"] == parameters and found["output"] == [classes]
    assert all(wanted in (None, count) for wanted, count in zip(trained, found["trainable"], strict=True))
    assert found["trainable"] == sorted(found["trainable"])


@pytest.mark.parametrize("name", PRESETS)
def test_the_sums_are_those_of_the_layers(name):
    found = summary(PRESETS[name].recipe, 2)
    assert found["parameters"] == sum(layer["parameters"] for layer in found["layers"])
    for index, count in enumerate(found["trainable"]):
        assert count == sum(layer["trainable"][index] for layer in found["layers"])
    side = PRESETS[name].recipe.data.image_size
    assert found["input"] == [side, side, 3] == found["layers"][0]["output_shape"]
    assert found["layers"][-1]["name"] == "predictions"


def test_the_input_is_that_before_enlarging():
    found = summary(PRESETS["cifar10-inceptionv3-upsample"].recipe, 10)
    assert found["input"] == [32, 32, 3] and found["layers"][1]["output_shape"] == [128, 128, 3]


def test_one_sigmoid_unit_is_for_two_classes():
    recipe = Recipe().override(["model.output=sigmoid"])
    assert summary(recipe, 2)["output"] == [1]
    with pytest.raises(RecipeError, match="two classes apart, and there are 3"):
        summary(recipe, 3)
