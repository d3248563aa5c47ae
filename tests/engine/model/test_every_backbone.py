"""Every row of the catalogue: its graph can be converted to ONNX, and split into trunk and tail."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import onnxruntime
import pytest

from core.backbones.catalogue import BACKBONES, Backbone
from core.backbones.graph import members
from core.backbones.layers import OPERATION
from core.engine.model.boundary import realised
from core.engine.model.forward import RELATIVE_TOLERANCE, relative_difference
from core.engine.model.network import Network, build_network
from core.engine.model.onnx_graph import UnsupportedLayer, to_onnx
from core.plan import TrunkEnd, decide, layer_names
from core.recipe.fields import ModelSettings, Recipe
from tests.backbones.rows import one_a_family
from tests.engine.keras_graph import needed_for, split_points
from tests.engine.pretrained import blobs, settle

ROWS = one_a_family([pytest.param(backbone, id=backbone.name) for backbone in BACKBONES.values()])

NOT_CONVERTED = ("ConvNeXt", "NASNet", "InceptionResNetV2")
"""Some of their layers have no counterpart in the ONNX writer: the forward pass is Keras's, and the run says why."""


class Case:
    """A backbone with a head on random images at the smallest size."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.variant = next(item for item in backbone.variants if item.alpha == backbone.default_alpha)
        settings = ModelSettings(backbone=backbone.name, weights="none", dropout=0)
        self.network: Network = build_network(settings, backbone.min_size, 3, None, seed=0)
        self.images = blobs(8, backbone.min_size)
        settle(self.network.whole, self.images)
        self.features = keras.Model(self.network.whole.input, self.network.features)
        self.expected = np.asarray(self.features(self.images, training=False))

    def end(self, freeze: str, pooling: str = "average") -> TrunkEnd:
        """Where the plan has the trunk end."""
        recipe = Recipe().override([f"model.backbone={self.backbone.name}", f"model.pooling={pooling}",
                                    f"train.phases.0.freeze={freeze}"])
        (freezing,) = decide(self.variant.graph, recipe, self.backbone.min_size)
        assert freezing.end is not None
        return freezing.end


@pytest.fixture(scope="module", params=ROWS)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield Case(request.param)
    keras.utils.clear_session()


def test_the_random_network_says_something(case):
    """Else the comparisons below would compare zeros."""
    assert np.isfinite(case.expected).all()
    assert np.abs(case.expected).max() > 0.1
    assert relative_difference(case.expected[:1], case.expected[1:2]) > 0.01


def test_the_converted_network_agrees_with_keras(case):
    if case.backbone.family in NOT_CONVERTED or case.backbone.name in NOT_CONVERTED:
        with pytest.raises(UnsupportedLayer):
            to_onnx(case.features)
        return
    session = onnxruntime.InferenceSession(to_onnx(case.features).SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": case.images})
    assert found.dtype == np.float32
    assert relative_difference(found, case.expected) < RELATIVE_TOLERANCE


def test_trunk_and_tail_reproduce_the_whole(case):
    blocks = case.variant.blocks
    for block in (blocks[0], blocks[len(blocks) // 3], blocks[len(blocks) // 2], blocks[-2]):
        boundary = realised(case.network, case.end(block.name))
        assert tuple(boundary.layer.split("+")) == block.carriers
        trunk, tail = keras.Model(case.network.whole.input, boundary.tensor), boundary.tail(case.network.features)
        assert trunk.count_params() + tail.count_params() == case.variant.parameters
        assert trunk.output_shape[1:] == tail.input_shape[1:] == boundary.shape
        found = tail(trunk(case.images, training=False), training=False)
        np.testing.assert_allclose(found, case.expected, rtol=1e-5, atol=1e-6, err_msg=block.name)


def test_the_plan_finds_the_split_points_of_keras(case):
    graph = case.variant.graph
    own = {"flip", "preprocess", "head_pool", "predictions"}
    assert {graph.layers[index].name for index in graph.split_points} == set(split_points(case.network.whole)) - own


def test_every_block_ends_at_a_split_point(case):
    graph, points = case.variant.graph, split_points(case.network.whole)
    for block, mask in zip(case.variant.blocks, graph.block_masks, strict=True):
        assert case.end(block.name).layers == block.carriers or block is case.variant.blocks[-1]
        assert all(case.variant.graph.positions[name] in members(mask) for name in block.carriers)
    if case.backbone.family != "NASNet":
        ends = [points.index(block.carriers[0]) for block in case.variant.blocks]
        assert ends == sorted(ends)


def test_frozen_whole_the_trunk_ends_in_one_row_of_numbers(case):
    assert realised(case.network, case.end("all")).shape == (case.variant.features,)
    assert realised(case.network, case.end("all", "flatten")).tensor is case.network.backbone_output


def test_shapes_are_those_of_the_network(case):
    shapes = dict(zip((layer.name for layer in case.variant.graph.layers),
                      case.variant.graph.shapes(case.backbone.min_size), strict=True))
    for layer in case.network.backbone_layers:
        if layer.name in shapes:
            assert tuple(layer.output.shape[1:]) == shapes[layer.name]


def test_the_catalogue_names_the_layers_of_the_network(case):
    own = {"image", "preprocess"}
    built = [layer.name for layer in case.network.backbone_layers if layer.name not in own]
    assert sorted(built) == sorted(case.variant.layers)
    place = {name: index for index, name in enumerate(case.variant.layers)}
    for layer in case.network.backbone_layers:
        for node in layer._inbound_nodes if layer.name not in own else ():
            for tensor in node.input_tensors:
                before = tensor._keras_history.operation.name
                assert place.get(before, -1) < place[layer.name]


def test_what_is_frozen_with_a_layer_is_what_it_depends_on(case):
    graph = case.variant.graph
    for name in case.variant.layers[::max(1, len(case.variant.layers) // 7)]:
        frozen = layer_names(graph, graph.frozen_with(name))
        needed = needed_for(case.network.whole, name) - {"preprocess"}
        assert needed == frozen or case.backbone.family == "NASNet" and needed <= frozen


def test_a_freeze_point_inside_a_branch_has_a_trunk_before_it(case):
    """Any layer will do: what is frozen is what it depends on, and the trunk ends where one tensor carries all."""
    points = set(split_points(case.network.whole))
    inside = [name for name in case.variant.layers if name not in points]
    assert bool(inside) == (case.backbone.family != "VGG" and case.backbone.name not in ("MobileNet", "SmallNet"))
    if not inside:
        return  # a network without branches can be split behind every layer
    graph, layer = case.variant.graph, inside[len(inside) // 2]
    frozen = graph.frozen_with(layer)
    end = case.end(layer)
    trunk = graph.trunk(tuple(graph.positions[name] for name in end.layers))
    assert layer in layer_names(graph, frozen) and trunk & ~frozen == 0 and layer not in end.layers
    assert layer_names(graph, trunk) < layer_names(graph, frozen)
    if case.backbone.family != "NASNet":
        behind = {graph.layers[index].name for index in members(frozen & ~trunk)
                  if graph.layers[index].kind != OPERATION}
        assert not points & behind
