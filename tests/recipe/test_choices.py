"""The models that are proposed: never one that cannot be had, each of them trainable."""

from __future__ import annotations

import pytest

from core.backbones.catalogue import get
from core.data.library import ingest
from core.plan import estimate
from core.recipe import choices, proposals
from core.recipe.fields import Recipe
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


def test_few_pictures_get_the_quick_one_alone(workspace, tmp_path):
    found = choices.choices(photos(workspace, tmp_path, per_class=10), Recipe(), lambda: True)
    assert [choice.id for choice in found] == ["quick"]


def test_the_larger_one_is_among_those_whose_weights_are_here(workspace, tmp_path):
    (tmp_path / get("ResNet50V2")[1].weights_file).touch()
    best = choices.choices(photos(workspace, tmp_path), Recipe(), lambda: False)[-1]
    assert (best.id, best.recipe.model.backbone) == ("best", "ResNet50V2")


def test_what_does_not_belong_to_the_model_is_kept_and_a_change_by_hand_is_noticed(workspace, tmp_path):
    mine = Recipe().override(["data.validation=0.3", "train.batch_size=8", "augment.preset=light"])
    found = choices.choices(photos(workspace, tmp_path), mine, lambda: False)
    assert all((choice.recipe.data, choice.recipe.augment, choice.recipe.train.batch_size)
               == (mine.data, mine.augment, 8) for choice in found)
    assert choices.matching(found[0].recipe.override(["model.dropout=0.4"]), found) == ""
