"""Every row of the catalogue: its graph can be converted to ONNX, and split into trunk and tail."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import onnxruntime
import pytest

from core.backbones.catalogue import BACKBONES, Backbone
from core.engine.model.boundary import frozen_layers, split_points, trunk_candidates
from core.engine.model.forward import RELATIVE_TOLERANCE, relative_difference
from core.engine.model.network import Network, build_network
from core.engine.model.onnx_graph import to_onnx
from core.recipe.fields import ModelSettings
from tests.engine.pretrained import blobs, settle


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


@pytest.fixture(scope="module", params=BACKBONES.values(), ids=lambda backbone: backbone.name)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield Case(request.param)
    keras.utils.clear_session()


def test_the_random_network_says_something(case):
    """Else the comparisons below would compare zeros."""
    assert np.isfinite(case.expected).all()
    assert np.abs(case.expected).max() > 0.1
    assert relative_difference(case.expected[:1], case.expected[1:2]) > 0.01


def test_the_converted_network_agrees_with_keras(case):
    session = onnxruntime.InferenceSession(to_onnx(case.features).SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": case.images})
    assert found.dtype == np.float32
    assert relative_difference(found, case.expected) < RELATIVE_TOLERANCE


def test_trunk_and_tail_reproduce_the_whole(case):
    blocks = case.variant.blocks
    points = {point.layer: point for point in split_points(case.network.whole)}
    for block in (blocks[0], blocks[len(blocks) // 2], blocks[-2]):
        tensor = points[block.layer].tensor
        trunk, tail = keras.Model(case.network.whole.input, tensor), keras.Model(tensor, case.network.features)
        assert trunk.count_params() + tail.count_params() == case.variant.parameters
        found = tail(trunk(case.images, training=False), training=False)
        np.testing.assert_allclose(found, case.expected, rtol=1e-5, atol=1e-6, err_msg=block.name)


def test_every_block_ends_at_a_split_point(case):
    points = [point.layer for point in split_points(case.network.whole)]
    ends = [points.index(block.layer) for block in case.variant.blocks]
    assert ends == sorted(ends)


def test_frozen_whole_the_trunk_ends_in_one_row_of_numbers(case):
    frozen = frozen_layers(case.network, case.variant.blocks[-1].layer)
    deepest = trunk_candidates(case.network, frozen, pooled=True)[-1]
    assert deepest.shape == (case.variant.features,)
    assert trunk_candidates(case.network, frozen, pooled=False)[-1].tensor is case.network.backbone_output


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


def test_a_freeze_point_inside_a_branch_has_a_trunk_before_it(case):
    """Any layer will do: what is frozen is what it depends on, and the trunk ends where one tensor carries all."""
    points = {point.layer for point in split_points(case.network.whole)}
    inside = [name for name in case.variant.layers if name not in points]
    assert bool(inside) == (case.backbone.name not in ("MobileNet", "VGG16", "SmallNet"))
    if not inside:
        return  # a network without branches can be split behind every layer
    layer = inside[len(inside) // 2]
    frozen = frozen_layers(case.network, layer)
    boundary = trunk_candidates(case.network, frozen, pooled=True)[-1]
    assert layer in frozen and boundary.layer in frozen and boundary.layer != layer
    trunk = {item.name for item in keras.Model(case.network.whole.input, boundary.tensor).layers}
    assert trunk < set(frozen)
    assert not points & (set(frozen) - trunk)
