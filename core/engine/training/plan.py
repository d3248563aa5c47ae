"""The plan of `core.plan` in a Keras network: names of layers become tensors, and layers learn or stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import keras

from core.backbones.catalogue import Variant
from core.backbones.freezing import cut
from core.backbones.graph import Graph, members
from core.engine.model.boundary import Boundary, realised
from core.engine.model.network import Network
from core.plan import decide, layer_names
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
    rates: Mapping[str, float] = field(default_factory=dict)
    """Factors on the learning rate by layer, where they differ; the head has 1."""


def plan_phases(network: Network, variant: Variant, recipe: Recipe,
                fits: Callable[[Boundary], bool]) -> list[PhasePlan]:
    """The plan of every phase in this network. Raises RecipeError.

    Args:
        fits: True for a boundary whose activations may be kept.
    """
    graph = cut(variant.graph, recipe.model.cut_layer)
    size = network.whole.input_shape[1] * (recipe.model.upsample or 1)
    found = decide(graph, recipe, size, variant.graph, lambda end: fits(realised(network, end)))
    return [PhasePlan(item.phase, layer_names(graph, item.frozen), realised(network, item.end) if item.end else None,
                      item.cached, block_rates(graph, item.phase.block_rate)) for item in found]


def block_rates(graph: Graph, factor: float) -> dict[str, float]:
    """The factor on the learning rate of every layer of a backbone: `factor` in the last block, its square in the one
    before, and so on; nothing for 1. In ULMFiT (arXiv:1801.06146) it is 1/2.6."""
    if factor == 1:
        return {}
    found, before = {}, 0
    for number, mask in enumerate(graph.block_masks):
        for name in graph.named(members(mask & ~before)):
            found[name] = factor ** (len(graph.block_masks) - number)
        before |= mask
    return found


def variable_rates(network: Network, plan: PhasePlan) -> dict[str, float]:
    """The same by the paths of variables."""
    return {variable.path: plan.rates[layer.name] for layer in network.whole.layers if layer.name in plan.rates
            for variable in layer.trainable_variables}


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
