"""Freeze points and trunks on a network with branches. All backbones: test_every_backbone."""

from __future__ import annotations

import keras
import pytest

from core.backbones.catalogue import get
from core.backbones.graph import Graph
from core.engine.model.boundary import Boundary, realised, tensors_behind
from core.engine.model.network import Network, build_network
from core.errors import RecipeError
from core.plan import decide, layer_names
from core.recipe.fields import ModelSettings, Recipe
from tests.engine.keras_graph import needed_for, split_points


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(ModelSettings(backbone="MobileNetV2", alpha=0.35, weights="none"), 32, 3, None, seed=0)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return get("MobileNetV2", 0.35)[1].graph


def trunk_end(network: Network, graph: Graph, freeze: str) -> Boundary | None:
    recipe = Recipe().override(["model.alpha=0.35", f"train.phases.0.freeze={freeze}"])
    (freezing,) = decide(graph, recipe, 32)
    return realised(network, freezing.end) if freezing.end else None


def test_nothing_frozen(network, graph):
    assert trunk_end(network, graph, "none") is None
    assert graph.trunk_ends(0) == []


def test_everything_up_to_the_freeze_point_is_frozen(network, graph):
    frozen = layer_names(graph, graph.frozen_with("block_2_add"))
    assert {"Conv1", "bn_Conv1", "block_1_project_BN", "block_2_expand", "block_2_add"} <= frozen
    assert not {"block_3_expand", "out_relu", "predictions"} & frozen
    assert frozen == needed_for(network.whole, "block_2_add") - {"preprocess"}


@pytest.mark.parametrize(("layer", "end"), [
    ("block_2_add", "block_2_add"),  # behind the addition one tensor carries all
    ("block_2_depthwise_relu", "block_1_project_BN"),  # beside it the shortcut goes on
    ("block_3_depthwise", "block_3_depthwise"),  # block 3 has no shortcut
    ("Conv1", "Conv1"),
])
def test_the_trunk_ends_at_the_deepest_split_point_that_is_frozen(network, graph, layer, end):
    assert trunk_end(network, graph, layer).layer == end


@pytest.mark.parametrize("layer", ["block_99", "predictions", "head_pool", ""])
def test_what_is_no_layer_of_the_backbone_cannot_be_frozen(graph, layer):
    with pytest.raises(RecipeError, match="no layer"):
        graph.frozen_with(layer)


def test_split_points_do_not_depend_on_models_made_before(network):
    before = split_points(network.whole)
    tensor = tensors_behind(network.whole, ["block_5_add"])[0]
    keras.Model(network.whole.get_layer("block_5_add").output, network.whole.output)
    assert split_points(network.whole) == before
    assert before[-1] == "predictions" and "block_2_expand" not in before
    assert tensors_behind(network.whole, ["block_5_add"])[0] is tensor


def test_a_trunk_knows_its_size(network, graph):
    point = trunk_end(network, graph, "block_2_add")
    assert point.shape == (8, 8, 8) and point.values == 512
