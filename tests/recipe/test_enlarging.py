"""By what factor small images are enlarged in the model."""

from __future__ import annotations

import pytest

from core.backbones.catalogue import BACKBONES, get
from core.backbones.freezing import cut_behind, cut_layers
from core.errors import RecipeError
from core.recipe.enlarging import enlarged, factor, reading_side
from core.recipe.fields import Recipe


@pytest.mark.parametrize("name, side, expected", [
    ("MobileNetV2", 32, 7), ("InceptionV3", 32, 9), ("InceptionV3", 150, 2), ("MobileNetV2", 200, None)])
def test_the_factor_comes_near_the_usual_size(name, side, expected):
    assert factor(side, get(name)[0]) == expected


@pytest.mark.parametrize("name", BACKBONES)
def test_no_factor_leads_below_the_smallest_size(name):
    backbone = get(name)[0]
    for side in (32, 48, 64, 100):
        if (found := factor(side, backbone)) is not None:
            assert side * found >= backbone.min_size
            assert enlarged(Recipe().override([f"model.backbone={name}"]), side, found).model.upsample == found


def test_below_the_smallest_size_the_error_names_a_factor():
    with pytest.raises(RecipeError, match="model.upsample=3"):
        enlarged(Recipe().override(["model.backbone=InceptionV3"]), 32, 2)


def test_pictures_smaller_than_a_recipe_takes_are_read_larger():
    assert (reading_side(8), reading_side(40), reading_side(5000)) == (32, 40, 1024)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_can_be_cut_behind_every_block(name):
    graph = get(name)[1].graph
    layers = [cut_behind(graph, block) for block, _ in graph.ends]
    assert len(set(layers)) == len(layers) and set(layers) <= set(cut_layers(graph))
    for layer in layers:
        assert graph.cut(layer).layers[-1].name == layer
    with pytest.raises(RecipeError, match="no block"):
        cut_behind(graph, "none such")
