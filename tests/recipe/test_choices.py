"""The models that are proposed: never one that cannot be had, each of them trainable."""

from __future__ import annotations

import pytest

from core.backbones.catalogue import get
from core.data.library import ingest
from core.plan import estimate
from core.recipe import choices, proposals
from core.recipe.fields import Recipe
from core.recipe.presets import PRESETS
from core.recipe.specs import require_available
from core.store.workspace import Workspace
from tests.pages.conftest import coloured_zip


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return Workspace(tmp_path / "workspace")


def photos(workspace, tmp_path, per_class=40):
    return ingest(coloured_zip(tmp_path / "photos.zip", per_class=per_class, side=90), workspace)


@pytest.mark.parametrize("online", [False, True])
def test_every_choice_can_be_carried_out_and_takes_longer_than_the_one_before(workspace, tmp_path, online):
    dataset = photos(workspace, tmp_path)
    found = choices.choices(dataset, Recipe(), lambda: online)
    assert [choice.id for choice in found] == (["quick", "balanced", "best"] if online else ["quick", "balanced"])
    for choice in found:
        require_available(choice.recipe)
        assert proposals.obtainable(choice.recipe, lambda: online)
        assert choices.matching(choice.recipe, found) == choice.id
    seconds = [estimate(choice.recipe, 120, 96, workspace).total_s for choice in found]
    assert seconds == sorted(seconds)


def test_the_more_exact_one_trains_the_head_first_and_then_the_last_blocks_in_smaller_steps(workspace, tmp_path):
    found = choices.choices(photos(workspace, tmp_path), Recipe(), lambda: False)
    head, tuning = found[1].recipe.train.phases
    assert head.freeze == "all" and tuning.learning_rate < head.learning_rate
    blocks = [block.name for block in get(found[1].recipe.model.backbone)[1].blocks]
    assert 0 < blocks.index(tuning.freeze) < len(blocks) - 1


def test_few_pictures_get_changed_copies_and_no_retrained_blocks(workspace, tmp_path):
    found = choices.choices(photos(workspace, tmp_path, per_class=10), Recipe(), lambda: True)
    assert [choice.id for choice in found] == ["quick", "balanced"]
    more = found[1].recipe
    assert more.augment.active and [phase.freeze for phase in more.train.phases] == ["all"]
    assert [choices.matching(choice.recipe, found) for choice in found] == ["quick", "balanced"]


def test_small_pictures_get_a_second_one_too_that_mirrors_nothing(workspace, tmp_path):
    small = ingest(coloured_zip(tmp_path / "small.zip", per_class=10), workspace)
    quick, more = choices.choices(small, Recipe(), lambda: True)
    assert quick.recipe.model == more.recipe.model and quick.recipe.model.backbone == "SmallNet"
    assert more.recipe.train.phases[0].epochs > quick.recipe.train.phases[0].epochs
    assert more.recipe.augment.operations.keys() == {"rotation", "zoom", "shift"}


def test_more_of_the_network_is_retrained_on_many_pictures(workspace, tmp_path, monkeypatch):
    dataset = photos(workspace, tmp_path)
    frozen = []
    for many in (121, 120):
        monkeypatch.setattr(choices, "MANY_PICTURES", many)
        more = choices.choices(dataset, Recipe(), lambda: False)[1].recipe
        names = [block.name for block in get(more.model.backbone)[1].blocks]
        frozen.append((names.index(more.train.phases[1].freeze) + 1) / len(names))
    assert frozen[0] > 0.7 and 0.4 < frozen[1] < 0.6


def test_the_larger_one_is_among_those_whose_weights_are_here(workspace, tmp_path):
    (tmp_path / get("ResNet50V2")[1].weights_file).touch()
    best = choices.choices(photos(workspace, tmp_path), Recipe(), lambda: False)[-1]
    assert (best.id, best.recipe.model.backbone) == ("best", "ResNet50V2")


def test_a_choice_takes_a_preset_back_as_a_whole(workspace, tmp_path):
    """The whole of a preset's picture size, subset, augmentation and class weights goes; the card says what is so."""
    dataset = photos(workspace, tmp_path)
    fresh = choices.choices(dataset, Recipe(), lambda: False)
    for preset in PRESETS.values():
        after = choices.choices(dataset, preset.recipe, lambda: False)
        assert choices.matching(preset.recipe, after) == ""
        for one, same in zip(after, fresh, strict=True):
            split = {name: getattr(preset.recipe.data, name) for name in choices.SPLIT}
            assert one.recipe.data == same.recipe.data.model_copy(update=split)
            assert (one.recipe.model, one.recipe.augment) == (same.recipe.model, same.recipe.augment)
            assert one.recipe.train.model_copy(update={"seed": 0}) == same.recipe.train
            assert choices.matching(one.recipe, fresh) == one.id


@pytest.mark.parametrize("change", ["data.image_size=32", "data.subset=0.04", "data.resize=squash", "model.dropout=0.4",
                                    "train.batch_size=8", "augment.preset=light", "train.class_weights=balanced"])
def test_a_change_by_hand_is_noticed(workspace, tmp_path, change):
    found = choices.choices(photos(workspace, tmp_path), Recipe(), lambda: False)
    assert choices.matching(found[0].recipe.override([change]), found) == ""


def test_the_split_stays_as_it_was_drawn(workspace, tmp_path):
    mine = Recipe().override(["data.validation=0.3", "data.test=0.1", "data.seed=7", "data.group_pattern=(.*)_",
                              "train.seed=5", "train.monitor=val_loss"])
    for choice in choices.choices(photos(workspace, tmp_path), mine, lambda: False):
        assert (choice.recipe.data, choice.recipe.train.seed, choice.recipe.train.monitor) == (mine.data, 5, "val_loss")
