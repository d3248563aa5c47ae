"""Where the graph is split into a frozen trunk and a trained tail: the tensors behind the layers that a plan names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import layers

from core.engine.model.network import Network
from core.plan import HEAD, TrunkEnd


@dataclass(frozen=True)
class Boundary:
    """The end of a trunk: what the trunk gives and the tail takes, as one array an image.

    Where several tensors pass (NASNet's cells read the two before them), they travel packed in one row, so that whoever
    keeps or feeds activations sees a single array.
    """

    layer: str
    """Name of the layer; of several, joined by `+`."""
    tensors: tuple[keras.KerasTensor, ...]

    @cached_property
    def tensor(self) -> keras.KerasTensor:
        """What the trunk gives: [n, ...] as it is, or several packed as [n, 1, 1, values]."""
        if len(self.tensors) == 1:
            return self.tensors[0]
        rows = layers.Concatenate()([layers.Flatten()(tensor) for tensor in self.tensors])
        return layers.Reshape((1, 1, self.values))(rows)  # not a plain row, which would pass for pooled features

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image's activations."""
        return tuple(self.tensors[0].shape[1:]) if len(self.tensors) == 1 else (1, 1, self.values)

    @property
    def values(self) -> int:
        """Numbers an image."""
        return sum(int(np.prod(tensor.shape[1:], dtype=np.int64)) for tensor in self.tensors)

    def tail(self, output: keras.KerasTensor) -> keras.Model:
        """The model from what the trunk gives to a later tensor of the graph. It shares the layers."""
        if len(self.tensors) == 1:
            return keras.Model(self.tensors[0], output)
        packed = keras.Input(self.shape)
        rest = keras.Model(list(self.tensors), output)
        return keras.Model(packed, rest(self._unpacked(packed)))

    def _unpacked(self, packed: keras.KerasTensor) -> list[keras.KerasTensor]:
        parts, start = [], 0
        for tensor in self.tensors:
            shape = tuple(tensor.shape[1:])
            stop = start + int(np.prod(shape, dtype=np.int64))
            parts.append(layers.Reshape(shape)(packed[:, :, :, start:stop]))
            start = stop
        return parts


def realised(network: Network, end: TrunkEnd) -> Boundary:
    """The boundary in a network that stands where a plan has its trunk end."""
    if end.layers == (HEAD,):
        return Boundary(HEAD, (network.features,))
    return Boundary("+".join(end.layers), tensors_behind(network.whole, end.layers))


def tensors_behind(model: keras.Model, names: Sequence[str]) -> tuple[keras.KerasTensor, ...]:
    """What layers (or bare operations) of a model's graph give. Raises KeyError: there is none of that name."""
    outputs = {node.operation.name: node.output_tensors[0] for node in calls(model)}
    return tuple(outputs[name] for name in names)


def calls(model: keras.Model) -> list[Any]:
    """The calls that make up the graph, each behind those that feed it. In other models a layer may have others."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth] if not node.is_input]
