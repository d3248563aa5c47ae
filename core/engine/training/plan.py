"""What is frozen in each phase, and behind which layer each phase's trunk ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras

from core.backbones.catalogue import Variant, freeze_layer
from core.engine.model.boundary import Boundary, frozen_layers, trunk_candidates
from core.engine.model.network import Network
from core.recipe.fields import Phase, Recipe


@dataclass(frozen=True)
class PhasePlan:
    """A phase, with the layers it leaves as they are and the trunk it need not compute again."""

    phase: Phase
    frozen: frozenset[str]
    boundary: Boundary | None
    """End of the trunk; None: nothing is frozen, images go through the whole network."""
    cached: bool
    """False: the trunk's output takes too much room to be kept, and the trunk runs anew in every step."""


def plan_phases(network: Network, variant: Variant, recipe: Recipe,
                fits: Callable[[Boundary], bool]) -> list[PhasePlan]:
    """The plan of every phase.

    A trunk may hold only layers that no phase so far has changed: after a phase that trained block 12, a later one
    that freezes all still has its trunk end before block 12. Where the activations at the deepest such point do not
    fit, the deepest one that fits is taken.
    """
    plans = []
    pristine: set[str] | None = None
    pooled = recipe.model.pooling != "flatten"
    for phase in recipe.train.phases:
        frozen = frozen_layers(network, freeze_layer(variant, phase.freeze))
        pristine = set(frozen) if pristine is None else pristine & set(frozen)
        untouched = [name for name in frozen if name in pristine]
        candidates = trunk_candidates(network, untouched, pooled)
        fitting = [point for point in candidates if fits(point)]
        usable = fitting or candidates
        plans.append(PhasePlan(phase, frozenset(frozen), usable[-1] if usable else None, cached=bool(fitting)))
    return plans


def apply_freezing(network: Network, plan: PhasePlan, train_batch_norm: bool) -> None:
    """Set every layer's `trainable` as the phase asks.

    Args:
        train_batch_norm: False keeps the backbone's batch normalisation at its pretrained statistics even where the
            layers around it are trained.
    """
    backbone = {layer.name for layer in network.backbone_layers}
    for layer in network.whole.layers:
        normalises = isinstance(layer, keras.layers.BatchNormalization) and layer.name in backbone
        layer.trainable = layer.name not in plan.frozen and (train_batch_norm or not normalises)
