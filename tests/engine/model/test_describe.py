"""The catalogue against the Keras graphs that it was written from."""

from __future__ import annotations

import inspect
import json
import sys

import keras
import numpy as np
import pytest

from core.backbones.catalogue import BACKBONES, FOLDER, INDEX, get
from core.engine.model.boundary import tensors_behind
from core.engine.model.constructors import OWN, constructor
from core.engine.model.describe import build_backbone, describe_variant, files
from core.engine.model.facts import FACTS
from tests.backbones.rows import one_a_family

INDEX_ROWS = {row["name"]: row for row in json.loads(INDEX.read_text("utf-8"))["backbones"]}
VARIANTS = one_a_family([pytest.param(facts, alpha, id=f"{facts.name}-{alpha}")
                         for facts in FACTS for alpha in facts.weights])


def graphs(family: str) -> dict:
    return json.loads((FOLDER / f"{family.lower()}.json").read_text("utf-8"))["backbones"]


def test_there_is_a_row_for_each_set_of_facts():
    assert list(INDEX_ROWS) == [facts.name for facts in FACTS]


def test_every_constructor_of_keras_has_a_row():
    """40 of them in the installed Keras."""
    found = {name for name in dir(keras.applications) if inspect.isfunction(getattr(keras.applications, name))}
    assert found == set(BACKBONES) - set(OWN)
    assert len(found) == 40


def test_the_files_are_rendered_as_they_stand():
    rows = [{"index": INDEX_ROWS[facts.name], "graph": graphs(facts.family)[facts.name]} for facts in FACTS]
    for path, text in files(rows).items():
        assert path.read_text("utf-8") == text


@pytest.mark.parametrize(("facts", "alpha"), VARIANTS)
def test_the_files_are_what_the_generator_writes(facts, alpha):
    variant, graph = describe_variant(facts, alpha)
    assert variant in INDEX_ROWS[facts.name]["variants"]
    written = graphs(facts.family)[facts.name]
    assert graph.pop("width") in written.pop("widths")
    assert graph == written


@pytest.mark.parametrize(("facts", "alpha"), VARIANTS)
def test_every_shape_holds_at_another_image_size(facts, alpha):
    """An odd size, so that rounding in the output's side shows."""
    _, variant = get(facts.name, alpha)
    model = build_backbone(facts, alpha, 131)
    assert model.output_shape[1:] == (*[variant.output_side(131)] * 2, variant.features)
    assert model.count_params() == variant.parameters
    layers = [layer.name for layer in variant.graph.layers]
    outputs = tensors_behind(model, layers)
    assert [tuple(output.shape[1:]) for output in outputs] == variant.graph.shapes(131)
    for block in variant.blocks:
        assert model.get_layer(block.layer).output.shape[-1] == block.shape[2]


@pytest.mark.parametrize(("facts", "alpha"), VARIANTS)
def test_weights_file_and_paper_are_those_in_the_source_of_keras(facts, alpha):
    if facts.name in OWN:
        return
    backbone, variant = get(facts.name, alpha)
    own = constructor(facts.name).__module__
    modules = {own, own.replace("resnet_v2", "resnet")}  # the latter has the weights of both
    source = "".join(inspect.getsource(sys.modules[module]) for module in modules)
    if variant.weights_hash is not None:
        assert variant.weights_hash in source
    base = variant.weights_url.removesuffix(variant.weights_url.rpartition("/")[2])
    assert base in source.replace('"\n    "', "")
    assert backbone.paper.arxiv in source or facts.family == "NASNet"  # of which Keras names no number


PRETRAINED = [backbone for backbone in BACKBONES.values() if hasattr(keras.applications, backbone.name)]


@pytest.mark.parametrize("backbone", PRETRAINED, ids=lambda backbone: backbone.name)
def test_preprocessing_is_what_keras_does(backbone):
    """`inside`: Keras's own function leaves the image as it is."""
    image = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    expected = sys.modules[constructor(backbone.name).__module__].preprocess_input(image.copy())
    if backbone.preprocessing == "inside":
        np.testing.assert_array_equal(expected, image)
    else:
        scaled = keras.applications.imagenet_utils.preprocess_input(image.copy(), mode=backbone.preprocessing)
        np.testing.assert_allclose(expected, scaled)
