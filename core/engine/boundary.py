"""Where the graph is split into a frozen trunk and a trained tail.

A split is possible behind every layer whose output alone carries the graph: no branch passes around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from core.backbones.catalogue import Variant, resolve_freeze
from core.engine.network import Network
from core.errors import RecipeError


@dataclass(frozen=True)
class Boundary:
    """The end of a trunk: `tensor` is what the trunk gives and the tail takes."""

    layer: str
    tensor: keras.KerasTensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image's activations."""
        return tuple(self.tensor.shape[1:])

    @property
    def values(self) -> int:
        """Numbers an image."""
        return int(np.prod(self.shape, dtype=np.int64))


def split_points(model: keras.Model) -> list[Boundary]:
    """All layers behind which a single tensor carries the graph, in order, the model's own output included."""
    order = [operation for operation in model.operations if not isinstance(operation, keras.layers.InputLayer)]
    waiting = _consumers(model)
    open_tensors = {id(model.inputs[0])}
    found = []
    for operation in order:
        for node in operation._inbound_nodes:
            result = node.output_tensors[0]
            if id(result) not in waiting:
                continue
            for tensor in node.input_tensors:
                waiting[id(tensor)] -= 1
                if waiting[id(tensor)] == 0:
                    open_tensors.discard(id(tensor))
            open_tensors.add(id(result))
            if open_tensors == {id(result)}:
                found.append(Boundary(operation.name, result))
    return found


def frozen_layers(network: Network, freeze_layer: str | None) -> list[str]:
    """Names of the layers up to and including `freeze_layer` (None: none of them).

    Raises:
        RecipeError: the backbone has no such layer.
    """
    if freeze_layer is None:
        return []
    names = {layer.name for layer in network.backbone_layers}
    if freeze_layer not in names:
        raise RecipeError(f"The backbone has no layer '{freeze_layer}'.", "Freeze up to a block, 'all' or 'none'.")
    target = network.whole.get_layer(freeze_layer).output
    return [layer.name for layer in keras.Model(network.whole.input, target).layers]


def freeze_layer(variant: Variant, freeze: str) -> str | None:
    """The last frozen layer for a freeze point of the recipe; None when nothing is frozen."""
    try:
        count = resolve_freeze(variant, freeze)
    except RecipeError:
        return freeze
    return variant.blocks[count - 1].layer if count else None


def trunk_candidates(network: Network, frozen: list[str], pooled: bool) -> list[Boundary]:
    """Split points inside the frozen part, the deepest last.

    Args:
        frozen: Names of the frozen layers.
        pooled: True when the pooling has no choice left to make (average, max): with everything frozen the trunk then
            ends behind it, where an image is one row of numbers.
    """
    names = set(frozen)
    points = [point for point in split_points(network.whole) if point.layer in names]
    complete = bool(points) and points[-1].tensor is network.backbone_output
    if complete and pooled:
        points.append(Boundary("head_pool", network.features))
    return points


def _consumers(model: keras.Model) -> dict[int, int]:
    """How often each tensor of the graph is still read; the output once by the outside."""
    inside = {id(tensor) for operation in model.operations for node in operation._inbound_nodes
              for tensor in node.output_tensors}
    counts = dict.fromkeys(inside, 0)
    for operation in model.operations:
        for node in operation._inbound_nodes:
            if any(id(tensor) in counts for tensor in node.output_tensors):
                for tensor in node.input_tensors:
                    counts[id(tensor)] = counts.get(id(tensor), 0) + 1
    counts[id(model.outputs[0])] += 1
    return counts
