"""Phases added, removed and moved."""

from __future__ import annotations

import pytest

from core.errors import RecipeError
from core.recipe import phases
from core.recipe.choices import TUNING_RATE
from core.recipe.fields import Recipe
from core.recipe.proposals import solved


def names(recipe):
    return [phase.name for phase in recipe.train.phases]


def test_a_further_phase_trains_more_in_smaller_steps():
    two = phases.added(solved(Recipe()), 0)
    first, second = two.train.phases
    assert (first.freeze, first.optimizer) == ("all", "lbfgs")
    assert second.freeze not in ("all", "none") and second.optimizer == "adam"
    assert second.learning_rate == TUNING_RATE and names(two) == ["train", "fine-tuning"]
    after_sgd = phases.added(Recipe().override(["train.phases.0.optimizer=sgd", "train.phases.0.learning_rate=0.5"]), 0)
    assert (after_sgd.train.phases[1].optimizer, after_sgd.train.phases[1].learning_rate) == ("sgd", 0.05)
    three = phases.added(two, 1)
    points = [phase.freeze for phase in three.train.phases]
    assert len(set(points)) == 3 and names(three)[2] == "fine-tuning 2"
    assert phases.added(three.override(["train.phases.2.freeze=none"]), 2).train.phases[3].freeze == "none"


def test_behind_which_one_it_stands_and_how_many_there_may_be():
    two = phases.added(Recipe(), 0)
    assert names(phases.added(two, 0)) == ["train", "fine-tuning", "fine-tuning 2"]
    many = two
    while len(many.train.phases) < phases.MOST:
        many = phases.added(many, 0)
    with pytest.raises(RecipeError, match="at most 8"):
        phases.added(many, 0)


def test_phases_are_removed_and_moved():
    two = phases.added(Recipe(), 0)
    assert phases.removed(two, 1) == Recipe()
    assert names(phases.moved(two, 0, 1)) == names(phases.moved(two, 1, 0)) == ["fine-tuning", "train"]
    assert phases.moved(two, 1, 7) == two
    with pytest.raises(RecipeError, match="one phase at least"):
        phases.removed(Recipe(), 0)


def test_the_cut_is_respected():
    cut = Recipe().override(["model.backbone=ResNet50", "model.cut_layer=conv3_block1_3_conv"])
    assert phases.added(cut, 0).train.phases[1].freeze.startswith(("conv2", "conv1", "none"))
