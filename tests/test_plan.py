"""The plan: which layers each phase freezes, keeps and trains, where its trunk ends, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from core.backbones.catalogue import get
from core.errors import RecipeError
from core.estimates import START, TYPICAL
from core.plan import HEAD, Plan, plan
from core.recipe.fields import ModelSettings, Recipe


def recipe(*freeze: str, epochs: int = 2, train: dict[str, Any] | None = None, **parts: Any) -> Recipe:
    phases = [{"name": f"phase {index}", "freeze": point, "epochs": epochs} for index, point in enumerate(freeze)]
    return Recipe.parse({**parts, "model": {"backbone": "MobileNetV2", "alpha": 0.35, **parts.get("model", {})},
                         "train": {"phases": phases, **(train or {})}})


def planned(*freeze: str, room: float = 1e12, **parts: Any) -> Plan:
    return plan(recipe(*freeze, **parts), 2, 1000, 800, room)


def cut_at(layer: str, *freeze: str, **model: Any) -> Plan:
    """A cut is described by the plan before the recipe lets anyone train with one."""
    given = recipe(*freeze, model=model)
    return plan(given.model_copy(update={"model": given.model.model_copy(update={"cut_layer": layer})}), 2, 1000, 800)


def test_each_phase_costs_what_it_trains():
    found = planned("all", "block_12", "none")
    first, second, third = found.phases
    assert first.epoch_s < second.epoch_s / 2 < third.epoch_s / 4
    assert third.prepare_s < first.prepare_s and third.cache_bytes == 0
    by_hand = TYPICAL[START] + sum(phase.prepare_s + 2 * phase.epoch_s for phase in found.phases)
    assert found.total_s == pytest.approx(by_hand)
    assert first.trained < second.trained < third.trained == found.trained


def test_trunk_and_tail_make_up_the_whole_in_every_phase():
    _, variant = get("MobileNetV2", 0.35)
    for phase in planned("all", "block_12_expand_relu", "block_3", "none").phases:
        assert phase.trunk_mult_adds + phase.tail_mult_adds == variant.mult_adds


def test_what_a_phase_has_kept_costs_the_next_one_nothing():
    once, again = planned("all").phases[0], planned("all", "all").phases[1]
    assert once.prepare_s > 0 and once.cache_bytes == 1000 * 1280 * 2
    assert (again.prepare_s, again.cache_bytes) == (0, 0)
    more = plan(recipe("all", "all", augment={"preset": "light", "views": 4}), 2, 1000, 800).phases
    assert [phase.views for phase in more] == [2, 2] and more[1].prepare_s == 0


def test_a_phase_after_one_that_trained_more_pays_for_the_longer_tail():
    """Freezing all after block 6 was trained: the trunk still ends before it, and the tail runs in every epoch."""
    first, second = planned("block_5", "all").phases
    assert first.end == second.end and first.end.layers == ("block_5_add",)
    assert second.tail_mult_adds == first.tail_mult_adds > 0 and second.trained < first.trained
    assert "block_16_project" in second.frozen and "block_16_project" not in first.frozen


def test_without_room_the_trunk_runs_in_every_epoch():
    kept, not_kept = planned("all"), planned("all", room=1000)
    assert kept.phases[0].cached and not not_kept.phases[0].cached
    assert not_kept.phases[0].cache_bytes == 0 and not_kept.phases[0].epoch_s > 10 * kept.phases[0].epoch_s
    assert kept.phases[0].end.layers == (HEAD,) and kept.phases[0].end.values == 1280


def test_the_deepest_end_that_fits_is_taken():
    """Six times as many numbers behind the expansion as before it."""
    assert planned("block_6_expand").phases[0].end.layers == ("block_6_expand",)
    room = 2 * 28 * 28 * 16 * 1000
    assert planned("block_6_expand", room=room).phases[0].end.layers == ("block_5_add",)


def test_blocks_are_kept_retrained_or_dropped():
    found = cut_at("block_12_add", "block_9")
    states = dict(zip(found.blocks, found.phases[0].states, strict=True))
    assert states["block_9"] == "kept" and states["block_10"] == states["block_12"] == "retrained"
    assert states["block_13"] == states["top"] == "dropped"
    _, variant = get("MobileNetV2", 0.35)
    built = [block for block in variant.blocks[:14]]
    assert found.dropped == variant.parameters - sum(block.parameters for block in built)
    assert found.parameters == sum(block.parameters for block in built) + 32 * 2 + 2  # block 12 has 32 channels


# Parameters as Keras's own summaries of published models give them, all and trained.
@pytest.mark.parametrize(("backbone", "classes", "size", "model", "parameters", "trained"), [
    ("ResNet50", 10, 32, {"cut_layer": "conv3_block1_3_conv", "pooling": "flatten", "hidden": [
        {"units": 1024}, {"units": 512}]}, 9_396_874, 8_919_562),
    ("ResNet50", 5, 224, {"pooling": "flatten", "norm_features": True, "hidden": [
        {"units": 2048, "batch_norm": "after"}, {"units": 1024, "batch_norm": "after"}]}, 231_627_653, 207_833_093),
    ("ResNet50", 5, 224, {"hidden": [{"units": 256}]}, 24_113_541, 525_829),
    ("InceptionV3", 17, 299, {"hidden": [{"units": 1024}]}, 23_918_385, 2_115_601),
])
def test_parameters_are_those_of_published_models(backbone, classes, size, model, parameters, trained):
    settings = ModelSettings(backbone=backbone, **model)
    given = recipe("all", data={"image_size": size}).model_copy(update={"model": settings})
    found = plan(given, classes, 100, 80)
    assert (found.parameters, found.trained) == (parameters, trained)


def test_a_cut_inside_a_block_ends_the_trunk_there():
    settings = ModelSettings(backbone="ResNet50", cut_layer="conv3_block1_3_conv", pooling="flatten")
    found = plan(recipe("all", data={"image_size": 32}).model_copy(update={"model": settings}), 10, 100, 80)
    assert found.phases[0].end.layers == ("conv3_block1_3_conv",) and found.phases[0].end.shapes == ((4, 4, 512),)
    assert found.phases[0].states[4] == "kept" and found.phases[0].states[5] == "dropped"


def test_freezing_beyond_the_cut_is_refused_in_words():
    for point in ("block_13", "block_13_expand", "top"):
        with pytest.raises(RecipeError, match="beyond the cut at 'block_12_add'") as caught:
            cut_at("block_12_add", point)
        assert "block_12" in caught.value.hint
    with pytest.raises(RecipeError, match="no block or layer 'block_99'"):
        cut_at("block_12_add", "block_99")


def test_a_cut_must_be_a_layer_with_height_and_width():
    with pytest.raises(RecipeError, match="no height and width"):
        cut_at("block1a_se_squeeze", "all", backbone="EfficientNetB0", alpha=None)
    with pytest.raises(RecipeError, match="no layer 'nowhere'"):
        cut_at("nowhere", "all")


def test_the_cells_of_nasnet_pass_two_tensors_on():
    found = planned("cell_5", model={"backbone": "NASNetMobile", "alpha": None})
    end = found.phases[0].end
    assert end.layers == ("reduction_concat_reduce_4", "normal_concat_5")
    assert end.shapes == ((14, 14, 352), (14, 14, 528)) and end.values == 14 * 14 * 880
    assert found.phases[0].frozen_blocks == 9
    deeper = planned("all", model={"backbone": "NASNetMobile", "alpha": None}).phases[0]
    assert deeper.end.layers == (HEAD,) and deeper.tail_mult_adds == 0
