"""What each phase freezes, and which trunk it need not compute again."""

from __future__ import annotations

from typing import Any

import pytest

from core.backbones.catalogue import get
from core.engine.model.network import Network, build_network
from core.engine.training.plan import PhasePlan, apply_freezing, plan_phases, variable_rates
from core.errors import RecipeError
from core.recipe.fields import Recipe

MODEL = {"backbone": "MobileNetV2", "alpha": 0.35, "weights": "none"}


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(recipe("all").model, 32, 3, None, seed=0)


def recipe(*freeze: str, **model: Any) -> Recipe:
    return Recipe.parse({"model": {**MODEL, **model}, "train": {"phases": [{"freeze": point} for point in freeze]}})


def plans(network: Network, *freeze: str, limit: int = 10**9, **model: Any) -> list[PhasePlan]:
    _, variant = get("MobileNetV2", 0.35)
    return plan_phases(network, variant, recipe(*freeze, **model), lambda boundary: boundary.values <= limit)


def ends(found: list[PhasePlan]) -> list[str | None]:
    return [plan.boundary.layer if plan.boundary else None for plan in found]


def test_frozen_whole_an_image_is_one_row_of_numbers(network):
    (plan,) = plans(network, "all")
    assert plan.cached and plan.boundary is not None and plan.boundary.shape == (1280,)


def test_flattened_the_trunk_ends_before_the_pooling():
    flat = build_network(recipe("all", pooling="flatten").model, 32, 3, None, seed=0)
    (plan,) = plans(flat, "all", pooling="flatten")
    assert plan.boundary is not None and plan.boundary.layer == "out_relu" and plan.boundary.shape == (1, 1, 1280)


def test_nothing_frozen_has_no_trunk(network):
    (plan,) = plans(network, "none")
    assert plan.boundary is None and not plan.cached and not plan.frozen


@pytest.mark.parametrize("point", ["block_5", "block_5_add"])
def test_a_block_can_be_named_by_its_layer(network, point):
    assert ends(plans(network, point)) == ["block_5_add"]


def test_a_layer_inside_a_branch_has_its_trunk_before_the_branch(network):
    (plan,) = plans(network, "block_5_depthwise_BN")
    assert plan.boundary is not None and plan.boundary.layer == "block_4_add"
    assert "block_5_depthwise_BN" in plan.frozen and "block_5_depthwise_relu" not in plan.frozen


def test_a_later_phase_that_trains_more_has_a_shorter_trunk(network):
    assert ends(plans(network, "all", "block_12", "block_5", "none")) == [
        "head_pool", "block_12_add", "block_5_add", None]


def test_what_an_earlier_phase_trained_is_never_taken_from_the_cache(network):
    """Freezing all again after block 6 was trained: its weights are other ones than those of the cached trunk."""
    found = plans(network, "block_5", "all", "block_12")
    assert ends(found) == ["block_5_add", "block_5_add", "block_5_add"]
    assert "block_12_add" in found[1].frozen and "block_13_expand" not in found[2].frozen
    assert ends(plans(network, "none", "all")) == [None, None]


def test_where_the_deepest_trunk_does_not_fit_another_one_is_taken(network):
    assert ends(plans(network, "block_6_expand")) == ["block_6_expand"]  # six times as wide as the block before
    (plan,) = plans(network, "block_6_expand", limit=300)
    assert plan.cached and plan.boundary is not None and plan.boundary.layer == "block_5_add"
    (plan,) = plans(network, "block_6_expand", limit=10)
    assert not plan.cached and plan.boundary is not None and plan.boundary.layer == "block_6_expand"


def test_a_freeze_point_that_is_none(network):
    with pytest.raises(RecipeError, match="block_99"):
        plans(network, "block_99")


def test_only_what_is_not_frozen_is_trained(network):
    (plan,) = plans(network, "block_15")
    apply_freezing(network, plan, train_batch_norm=False)
    trained = {layer.name for layer in network.whole.layers if layer.trainable_weights}
    assert trained == {"block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1", "predictions"}
    apply_freezing(network, plan, train_batch_norm=True)
    more = {layer.name for layer in network.whole.layers if layer.trainable_weights} - trained
    assert more == {"block_16_expand_BN", "block_16_depthwise_BN", "block_16_project_BN", "Conv_1_bn"}


def test_the_catalogue_counts_what_is_trained(network):
    from core.plan import trainable_parameters

    _, variant = get("MobileNetV2", 0.35)
    for point in ("all", "block_15", "block_3", "none"):
        for weights, batch_norm in (("imagenet", "frozen"), ("imagenet", "train"), ("none", "frozen")):
            given = recipe(point, weights=weights, batch_norm=batch_norm)
            apply_freezing(network, plans(network, point)[0], given.model.trains_batch_norm)
            counted = sum(int(variable.value.numpy().size) for variable in network.whole.trainable_variables)
            assert trainable_parameters(variant, given, 3) == counted, (point, weights, batch_norm)


def test_the_rate_falls_block_by_block(network):
    _, variant = get("MobileNetV2", 0.35)
    given = Recipe.parse({"model": MODEL, "train": {"phases": [{"freeze": "block_12", "block_rate": 0.5}]}})
    (plan,) = plan_phases(network, variant, given, lambda boundary: True)
    last, *_, first = [block for block in reversed(variant.blocks) if block.layer not in plan.frozen]
    assert plan.rates[last.layer] == 0.5
    assert plan.rates["block_14_add"] == 0.5 * plan.rates["block_15_add"]
    assert plan.rates["block_14_add"] == plan.rates["block_14_expand"] > plan.rates[first.layer]
    apply_freezing(network, plan, train_batch_norm=False)
    rates = variable_rates(network, plan)
    assert rates["block_14_expand/kernel"] == plan.rates["block_14_expand"]
    assert not any(path.startswith(("predictions", "block_12")) for path in rates)


def test_one_rate_for_all_needs_no_factors(network):
    (plan,) = plans(network, "block_12")
    assert not plan.rates and not variable_rates(network, plan)
