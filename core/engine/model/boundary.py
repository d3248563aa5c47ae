"""Where the graph is split into a frozen trunk and a trained tail.

A split is possible behind every layer whose output alone carries the graph: no branch passes around it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from core.engine.model.network import Network
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
    nodes = _calls(model)
    waiting = _readers(model, nodes)
    open_tensors = {id(model.inputs[0])}
    found = []
    for node in nodes:
        result = node.output_tensors[0]
        for tensor in node.input_tensors:
            waiting[id(tensor)] -= 1
            if waiting[id(tensor)] == 0:
                open_tensors.discard(id(tensor))
        open_tensors.add(id(result))
        if open_tensors == {id(result)}:
            found.append(Boundary(node.operation.name, result))
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


def _calls(model: keras.Model) -> list[Any]:
    """The calls that make up the graph, each behind those that feed it. In other models a layer may have others."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth] if not node.is_input]


def _readers(model: keras.Model, nodes: list[Any]) -> Counter[int]:
    """How often each tensor of the graph is read; the output once more, by the outside."""
    counts = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    counts[id(model.outputs[0])] += 1
    return counts
