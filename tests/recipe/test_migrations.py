"""Recipes of older and newer versions, and of people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import NewerFormatError, RecipeError
from core.recipe.fields import Recipe
from core.recipe.migrations import RECIPE_FORMAT, batch_norm_has_a_place, no_weight_decay_is_empty

VERSION_1 = {
    "schema_version": 1,
    "data": {"image_size": None, "resize": "crop", "validation": 0.2, "test": 0.0, "seed": 0, "subset": None,
             "group_pattern": None},
    "augment": {"preset": "light", "views": 4, "flip": "horizontal", "rotation": 0.0, "zoom": 0.0, "shift": 0.0},
    "model": {"backbone": "MobileNetV2", "alpha": 0.35, "weights": "imagenet", "cut_layer": None, "upsample": None,
              "batch_norm": "frozen", "pooling": "average", "hidden": [
                  {"units": 64, "activation": "relu", "batch_norm": True, "dropout": 0.1, "l2": 0.0},
                  {"units": 32, "activation": "gelu", "batch_norm": False, "dropout": 0.0, "l2": 0.001},
              ], "dropout": 0.5, "output": "softmax"},
    "train": {"batch_size": 32, "class_weights": "none", "label_smoothing": 0.0, "monitor": "val_accuracy", "seed": 0,
              "mixed_precision": False, "phases": [
                  {"name": "train", "epochs": 20, "freeze": "all", "optimizer": "sgd", "learning_rate": 0.001,
                   "schedule": "cosine", "warmup": 0.0, "weight_decay": 0.0, "clip_value": None, "clip_norm": None,
                   "patience": None}]},
}
"""As version 1 wrote it, whole."""


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize("load", [Recipe.load, Recipe.load_stored])
def test_a_recipe_of_version_1_means_what_it_meant(tmp_path, load):
    recipe = load(written(tmp_path / "recipe.json", VERSION_1))
    assert recipe.schema_version == RECIPE_FORMAT.version
    assert [layer.batch_norm for layer in recipe.model.hidden] == ["before", "none"]
    assert recipe.augment.operations == {"flip": "horizontal"} and recipe.augment.preset == "light"
    phase = recipe.train.phases[0]
    assert (phase.optimizer, phase.momentum, phase.nesterov) == ("sgd", None, True)
    assert json.loads((tmp_path / "recipe.json").read_text("utf-8")) == VERSION_1  # left as it is


def test_every_version_has_its_step():
    assert set(RECIPE_FORMAT.steps) == set(range(1, RECIPE_FORMAT.version))
    assert RECIPE_FORMAT.version == Recipe().schema_version


def test_from_1_to_2_batch_normalisation_gets_a_place():
    after = batch_norm_has_a_place(VERSION_1)
    assert [layer["batch_norm"] for layer in after["model"]["hidden"]] == ["before", "none"]
    assert after["train"] == VERSION_1["train"] and VERSION_1["model"]["hidden"][0]["batch_norm"] is True
    for odd in ({}, {"model": None}, {"model": {"hidden": 7}}, {"model": {"hidden": ["x", {}]}}):
        assert batch_norm_has_a_place(odd) == odd


def test_from_2_to_3_no_weight_decay_is_empty():
    """A weight decay of 0 meant that of the optimizer, which AdamW has."""
    phases = [{"weight_decay": 0.0}, {"weight_decay": 0.1}, {}]
    after = no_weight_decay_is_empty({"train": {"phases": phases}})
    assert after == {"train": {"phases": [{"weight_decay": None}, *phases[1:]]}}
    for odd in ({}, {"train": None}, {"train": {"phases": 7}}, {"train": {"phases": ["x"]}}):
        assert no_weight_decay_is_empty(odd) == odd


@pytest.mark.parametrize("place", ["", "model", "train.phases.0", "model.hidden.1", "augment"])
def test_an_unknown_key_is_an_error_of_a_user_but_not_of_a_run(tmp_path, place):
    document = json.loads(Recipe.parse({**VERSION_1, "schema_version": 1}).to_json())
    node = document
    for part in filter(None, place.split(".")):
        node = node[int(part)] if isinstance(node, list) else node[part]
    node["flavour"] = "vanilla"
    path = written(tmp_path / "recipe.json", document)
    with pytest.raises(RecipeError, match=rf"no setting '{f'{place}.' if place else ''}flavour'"):
        Recipe.load(path)
    assert Recipe.load_stored(path) == Recipe.parse(VERSION_1)


def test_a_run_with_an_unknown_key_and_a_bad_value_says_what_is_bad(tmp_path):
    path = written(tmp_path / "recipe.json", {"schema_version": 2, "flavour": 1, "model": {"dropout": 7}})
    with pytest.raises(RecipeError, match="model.dropout"):
        Recipe.load_stored(path)


@pytest.mark.parametrize("load", [Recipe.load, Recipe.load_stored])
def test_a_newer_recipe_is_refused_in_a_sentence(tmp_path, load):
    path = written(tmp_path / "recipe.json", {**VERSION_1, "schema_version": 99, "colour": {}})
    with pytest.raises(NewerFormatError, match="newer version of Graft"):
        load(path)


@pytest.mark.parametrize("version", ["two", 0, True, None])
def test_a_version_that_is_none(tmp_path, version):
    with pytest.raises(RecipeError, match="format version"):
        Recipe.load(written(tmp_path / "recipe.json", {"schema_version": version}))


@pytest.mark.parametrize("document", [[], "text", 7, None])
def test_what_is_no_document(tmp_path, document):
    with pytest.raises(RecipeError, match="holds no recipe"):
        Recipe.load(written(tmp_path / "recipe.json", document))


def test_people_need_not_name_the_version():
    assert Recipe.parse({"model": {"dropout": 0.4}}) == Recipe().override(["model.dropout=0.4"])
    layer = Recipe.parse({"model": {"hidden": [{"batch_norm": True}]}}).model.hidden[0]
    assert layer.batch_norm == "before"  # as recipes of people said it before
