"""What is proposed for a dataset, by the weights within reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.backbones import lite0
from core.backbones.catalogue import LARGEST_SIDE, check, get
from core.data.library import ingest
from core.errors import RecipeError
from core.recipe import proposals
from core.recipe.fields import Recipe
from core.recipe.specs import field_spec
from tests.pages.conftest import coloured_zip


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


@pytest.fixture
def bare(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder, and no package that brings weights along."""
    monkeypatch.setattr(lite0, "source", lambda: None)
    return weights


@pytest.fixture
def photos(workspace, tmp_path):
    return ingest(coloured_zip(tmp_path / "photos.zip", per_class=4, side=90), workspace)


def test_the_default_where_its_weights_are_here_or_can_be_fetched(colours, bare):
    assert proposals.propose(colours, online) == proposals.solved(Recipe())
    assert proposals.solved(Recipe()).train.phases[0].optimizer == "lbfgs"
    (bare / get("MobileNetV2")[1].weights_file).touch()
    assert proposals.propose(colours, never_asked) == proposals.solved(Recipe())
    assert proposals.reason(Recipe(), colours, never_asked) == ""
    assert proposals.obtainable(Recipe(), never_asked)


def test_what_comes_along_is_not_exchanged_for_a_download_that_is_no_better(photos, weights):
    for file in (None, "MobileNetV2", "ResNet50", "ResNet50V2"):  # the last is better, but slow without a GPU
        if file:
            (weights / get(file)[1].weights_file).touch()
        assert proposals.propose(photos, never_asked).model.backbone == "EfficientNetLite0"
    (weights / get("EfficientNetV2B0")[1].weights_file).touch()
    assert proposals.propose(photos, never_asked).model.backbone == "EfficientNetV2B0"


def test_small_pictures_get_the_same_with_and_without_a_network(colours, weights):
    assert proposals.propose(colours, never_asked).model.backbone == "SmallNet"
    assert "are small" in proposals.reason(proposals.propose(colours, online), colours, online)


def test_what_is_here_where_nothing_can_be_fetched(colours, weights):
    (weights / get("MobileNetV2", 0.35)[1].weights_file).touch()
    model = proposals.propose(colours, offline).model
    assert (model.backbone, model.alpha, model.weights) == ("MobileNetV2", 0.35, "imagenet")
    (weights / get("ResNet50")[1].weights_file).touch()
    assert proposals.propose(colours, offline).model == model  # ResNet50 is slow without a GPU


def test_the_small_network_where_there_is_nothing(colours, weights):
    recipe = proposals.propose(colours, offline)
    assert (recipe.model.backbone, recipe.model.weights, recipe.data.image_size) == ("SmallNet", "none", 32)
    assert recipe.train.phases[0].freeze == "none"
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
    assert (other.train.phases[0].freeze, other.data.image_size, other.model.alpha) == ("mixed0", None, None)
    assert other.model.dropout == 0.1


def test_random_weights_are_all_trained():
    random = proposals.with_weights(Recipe(), "none")
    assert (random.train.phases[0].freeze, random.model.batch_norm) == ("none", "train")
    assert proposals.with_weights(random, "imagenet") == Recipe()


def test_pretrained_weights_from_elsewhere_leave_freeze_points_and_batch_norm(tmp_path):
    mine = Recipe().override(["train.phases.0.freeze=block_3", "model.batch_norm=train"])
    other = proposals.with_weights(mine, str(tmp_path / "mine.h5"))
    assert (other.train, other.model.batch_norm) == (mine.train, "train")
    assert proposals.with_weights(other, "imagenet") == mine


def two_phases(*changes: str) -> Recipe:
    phases = '[{"name": "head", "freeze": "all"}, {"name": "tail", "freeze": "block_12"}]'
    return Recipe().override([f"train.phases={phases}", *changes])


def test_random_weights_are_trained_in_every_phase_and_pretrained_ones_frozen_again():
    random = proposals.with_weights(two_phases(), "none")
    assert [phase.freeze for phase in random.train.phases] == ["none", "none"]
    assert [phase.freeze for phase in proposals.with_weights(random, "imagenet").train.phases] == ["all", "all"]
    mine = random.override(["train.phases.1.freeze=block_12"])
    assert proposals.with_weights(mine, "none") == mine
    assert proposals.all_trained(mine) == random


@pytest.mark.parametrize("name", ["VGG16", "ResNet50", "NASNetMobile", "EfficientNetLite0"])
def test_a_phase_that_trains_the_last_blocks_does_so_on_another_backbone_too(name):
    backbone, variant = get(name)
    other = proposals.with_backbone(two_phases(), backbone, variant)
    names = [block.name for block in variant.blocks]
    before = [block.name for block in get("MobileNetV2")[1].blocks]
    assert other.train.phases[0].freeze == "all"
    share = (names.index(other.train.phases[1].freeze) + 1) / len(names)
    assert abs(share - (before.index("block_12") + 1) / len(before)) <= 1 / len(names)


def test_images_that_the_model_enlarges_are_judged_by_what_the_backbone_sees():
    small = Recipe().override(["model.backbone=InceptionV3", "data.image_size=32", "model.upsample=4"])
    kept = proposals.with_backbone(small, *get("Xception"))
    assert (kept.data.image_size, kept.model.upsample) == (32, 4)
    dropped = proposals.with_backbone(small.override(["model.upsample=2"]), *get("InceptionResNetV2"))
    assert (dropped.data.image_size, dropped.model.upsample) == (None, None)
    for recipe in (kept, dropped):
        check(recipe)


def test_an_image_enlarged_beyond_all_measure_is_refused_with_the_factor_that_would_do():
    with pytest.raises(RecipeError, match=r"299 pixels, enlarged 4 times, come to 1196 .*1024") as error:
        check(Recipe().override(["model.backbone=Xception", "model.upsample=4"]))
    assert "3 at most" in error.value.hint
    assert field_spec("data.image_size").maximum == LARGEST_SIDE
