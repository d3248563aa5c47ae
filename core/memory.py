"""How much memory a phase takes while it trains, before it is started."""

from __future__ import annotations

import math

from core.backbones.graph import Graph, members
from core.recipe.fields import Phase
from core.recipe.optimizers import EXACT

NUMBER = 4
"""Bytes of a float32."""
_SLOTS = {"adam": 2, "adamw": 2, "nadam": 2, "adagrad": 1, "rmsprop": 1, "lion": 1, "sgd": 0, EXACT: 40}
"""Numbers that an optimizer keeps for every trained weight, its momentum aside (`keras.optimizers`; L-BFGS ten pairs of
vectors in double precision)."""


def slots(phase: Phase) -> int:
    """Numbers that the optimizer of a phase keeps for every trained weight, such as Adam's two moments."""
    usual = 0.9 if phase.optimizer == "sgd" else 0.0
    takes_momentum = phase.optimizer in ("sgd", "rmsprop")
    momentum = takes_momentum and (usual if phase.momentum is None else phase.momentum) > 0
    return _SLOTS[phase.optimizer] + bool(momentum)


def training_bytes(phase: Phase, weights: int, trained: int, batch: int, activations: int) -> int:
    """Bytes that one training step of a phase needs at once.

    4 · (trained · (2 + slots) + (weights − trained) + batch · activations): a trained weight is kept with its gradient
    and what the optimizer keeps of it (Adam: 16 bytes a weight), a frozen one alone, and the activations of the batch
    until the backward pass has used them. What TensorFlow itself takes (about 0.5 GB), and the workspace of single
    convolutions, come on top; what is kept of the images lies in files.

    Args:
        weights: All weights of the model.
        trained: Those that change.
        batch: Images a step.
        activations: Numbers an image: `activation_values` of the backbone, and what the head gives.
    """
    return NUMBER * (trained * (2 + slots(phase)) + (weights - trained) + batch * activations)


def activation_values(graph: Graph, size: int, frozen: int, trunk: int = 0, entering: int | None = None) -> int:
    """Numbers an image that the backbone has in memory at once in a training step.

    The output of every layer that is not frozen is kept for the backward pass; of frozen ones, which run before, only
    what one layer reads and writes at a time; those in the trunk do not run.

    Args:
        size: Side of the images that enter the graph, in pixels.
        frozen: The set of frozen layers.
        trunk: The set of layers that do not run in the step, as their output was kept.
        entering: Numbers of that output. None: the image enters.
    """
    values = [math.prod(shape) for shape in graph.shapes(size)]
    image = 3 * size * size

    def moved(index: int) -> int:
        return values[index] + sum(values[read] if read >= 0 else image for read in graph.layers[index].inputs)

    passing = max((moved(index) for index in members(frozen & ~trunk)), default=0)
    kept = sum(values[index] for index in members(graph.everything & ~frozen))
    return (image if entering is None else entering) + max(passing, kept)
