"""Estimates: they follow what the recipe asks for, and learn from what was measured."""

from __future__ import annotations

import pytest

from core.estimates import FORWARD, START, TYPICAL, measured, record
from core.plan import estimate, trunk_and_tail
from core.recipe.fields import Recipe
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def of(workspace, *changes):
    return estimate(Recipe().override(["model.alpha=0.35", *changes]), 1000, 800, workspace)


def test_a_frozen_backbone_is_paid_once(workspace):
    once, twice = of(workspace), of(workspace, "train.phases.0.epochs=40")
    assert once.cache_bytes == 1000 * 1280 * 2
    assert once.prepare_s == twice.prepare_s > 0
    assert twice.total_s < 2 * once.total_s


def test_training_everything_keeps_nothing_and_costs_every_epoch(workspace):
    frozen, whole = of(workspace), of(workspace, "train.phases.0.freeze=none")
    assert whole.cache_bytes == 1000 * 224 * 224 * 3  # the decoded images
    assert whole.epoch_s > 10 * frozen.epoch_s


def test_images_that_do_not_fit_into_the_cache_are_not_counted(tmp_path):
    small = Workspace(tmp_path, machine=Machine(tmp_path, MachineLimits(cache_bytes=1000 * 224 * 224 * 3)))
    assert of(small, "train.phases.0.freeze=none").cache_bytes == 0


def test_views_cost_passes_and_fresh_ones_cost_every_epoch(workspace):
    plain = of(workspace)
    views = of(workspace, "augment.preset=medium", "augment.views=4")
    fresh = of(workspace, "augment.preset=medium", "augment.views=fresh")
    assert plain.prepare_s < views.prepare_s
    assert views.cache_bytes == (1000 + 3 * 800) * 1280 * 2 + 1000 * 224 * 224 * 3
    assert fresh.epoch_s > views.epoch_s == plain.epoch_s


def test_smaller_images_cost_less(workspace):
    assert of(workspace, "data.image_size=112").prepare_s < of(workspace).prepare_s
    trunk, tail = trunk_and_tail(Recipe().override(["data.image_size=112", "train.phases.0.freeze=block_12"]), 0)
    whole, _ = trunk_and_tail(Recipe().override(["data.image_size=112"]), 0)
    assert trunk + tail == pytest.approx(whole)


def test_this_machine_speed_replaces_the_typical_one(workspace):
    before = of(workspace).prepare_s
    record(workspace, FORWARD, TYPICAL[FORWARD] / 10)
    assert measured(workspace)[FORWARD] == pytest.approx(TYPICAL[FORWARD] / 10)
    assert of(workspace).prepare_s > before


def test_this_machine_start_replaces_the_typical_one(workspace):
    before = of(workspace).total_s
    record(workspace, START, TYPICAL[START] + 5)
    assert of(workspace).total_s == pytest.approx(before + 5)
    record(workspace, START, -1.0)  # a clock that was set: nothing to learn from
    assert of(workspace).total_s == pytest.approx(before + 5)
