"""What is proposed for a dataset, by the weights within reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.backbones import lite0
from core.backbones.catalogue import get
from core.recipe import proposals
from core.recipe.fields import Recipe


def offline() -> bool:
    return False


def online() -> bool:
    return True


def never_asked() -> bool:
    raise AssertionError("asking takes seconds")


@pytest.fixture
def weights(no_weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for weights, in which Graft looks."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(folder))
    return folder


def test_the_default_where_its_weights_are_here_or_can_be_fetched(colours, weights):
    assert proposals.propose(colours, online) == Recipe()
    (weights / get("MobileNetV2")[1].weights_file).touch()
    assert proposals.propose(colours, never_asked) == Recipe()
    assert proposals.reason(Recipe(), colours, never_asked) == ""
    assert proposals.obtainable(Recipe(), never_asked)


def test_what_is_here_where_nothing_can_be_fetched(colours, weights):
    (weights / get("MobileNetV2", 0.35)[1].weights_file).touch()
    model = proposals.propose(colours, offline).model
    assert (model.backbone, model.alpha, model.weights) == ("MobileNetV2", 0.35, "imagenet")
    (weights / get("ResNet50")[1].weights_file).touch()
    assert proposals.propose(colours, offline).model == model  # the default backbone first, as narrow as it may be


def test_the_small_network_where_there_is_nothing(colours, weights):
    recipe = proposals.propose(colours, offline)
    assert (recipe.model.backbone, recipe.model.weights, recipe.data.image_size) == ("SmallNet", "none", 32)
    assert recipe.train.phases[0].freeze == "none"
    assert proposals.reason(recipe, colours, online) == ""
    assert proposals.obtainable(recipe, never_asked) and not proposals.obtainable(Recipe(), offline)


def test_why_the_small_network_is_proposed(colours, weights, monkeypatch):
    recipe = proposals.propose(colours, offline)
    why = proposals.reason(recipe, colours, offline)
    assert "are small (40 pixels)" in why and "EfficientNetLite0" in why
    monkeypatch.setattr(lite0, "source", lambda: None)  # as without its package
    assert "not on this machine" in proposals.reason(recipe, colours, offline)


def test_another_backbone_keeps_what_fits_it():
    recipe = Recipe().override(["train.phases.0.freeze=block_3", "data.image_size=64", "model.dropout=0.1"])
    backbone, narrow = get("MobileNetV2", 0.35)
    same = proposals.with_backbone(recipe, backbone, narrow)
    assert (same.train.phases[0].freeze, same.data.image_size, same.model.alpha) == ("block_3", 64, 0.35)
    other = proposals.with_backbone(recipe, *get("InceptionV3"))
    assert (other.train.phases[0].freeze, other.data.image_size, other.model.alpha) == ("all", None, None)
    assert other.model.dropout == 0.1


def test_random_weights_are_all_trained():
    random = proposals.with_weights(Recipe(), "none")
    assert (random.train.phases[0].freeze, random.model.batch_norm) == ("none", "train")
    assert proposals.with_weights(random, "imagenet") == Recipe()
