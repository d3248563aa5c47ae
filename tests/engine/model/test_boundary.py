"""Freeze points and trunks on a network with branches. All backbones: test_every_backbone."""

from __future__ import annotations

import keras
import pytest

from core.engine.model.boundary import frozen_layers, split_points, trunk_candidates
from core.engine.model.network import Network, build_network
from core.errors import RecipeError
from core.recipe.fields import ModelSettings


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(ModelSettings(backbone="MobileNetV2", alpha=0.35, weights="none"), 32, 3, None, seed=0)


def test_nothing_frozen(network):
    assert frozen_layers(network, None) == []
    assert trunk_candidates(network, [], pooled=True) == []


def test_everything_up_to_the_freeze_point_is_frozen(network):
    frozen = frozen_layers(network, "block_2_add")
    assert {"Conv1", "bn_Conv1", "block_1_project_BN", "block_2_expand", "block_2_add"} <= set(frozen)
    assert not {"block_3_expand", "out_relu", "predictions"} & set(frozen)


@pytest.mark.parametrize(("layer", "end"), [
    ("block_2_add", "block_2_add"),  # behind the addition one tensor carries all
    ("block_2_depthwise_relu", "block_1_project_BN"),  # beside it the shortcut goes on
    ("block_3_depthwise", "block_3_depthwise"),  # block 3 has no shortcut
    ("Conv1", "Conv1"),
])
def test_the_trunk_ends_at_the_deepest_split_point_that_is_frozen(network, layer, end):
    assert trunk_candidates(network, frozen_layers(network, layer), pooled=True)[-1].layer == end


@pytest.mark.parametrize("layer", ["block_99", "predictions", "head_pool", ""])
def test_what_is_no_layer_of_the_backbone_cannot_be_frozen(network, layer):
    with pytest.raises(RecipeError, match="no layer"):
        frozen_layers(network, layer)


def test_split_points_do_not_depend_on_models_made_before(network):
    before = [point.layer for point in split_points(network.whole)]
    keras.Model(network.whole.get_layer("block_5_add").output, network.whole.output)
    assert [point.layer for point in split_points(network.whole)] == before
    assert before[-1] == "predictions" and "block_2_expand" not in before


def test_a_trunk_knows_its_size(network):
    point = trunk_candidates(network, frozen_layers(network, "block_2_add"), pooled=True)[-1]
    assert point.shape == (8, 8, 8) and point.values == 512
