"""The model of a recipe as a table of layers, without data, without weights files and without keras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.backbones.catalogue import Backbone, get
from core.backbones.graph import Graph
from core.backbones.layers import OPERATION
from core.head import features
from core.plan import backbone_of, check_output, decide
from core.recipe.fields import ModelSettings, Recipe

POOLING = {"average": "GlobalAveragePooling2D", "max": "GlobalMaxPooling2D", "flatten": "Flatten"}


@dataclass(frozen=True)
class SummaryLayer:
    """One layer of the model."""

    name: str
    type: str
    """Keras's class."""
    output_shape: tuple[int, ...]
    """Of one image."""
    parameters: int
    """All weights, statistics included."""
    trainable: tuple[int, ...]
    """Weights that change, in each phase."""


def summary(recipe: Recipe, classes: int) -> dict[str, Any]:
    """What `summary --json` prints.

    Returns:
        `{parameters, trainable: [per phase], input: [h, w, c], output: [n], layers: [{name, type, output_shape,
        parameters, trainable: [per phase]}]}`. Numbers are counts of weights; shapes are those of one image.

    Raises:
        RecipeError: unknown backbone, layer or freeze point; an image too small; a head that does not fit the classes.
    """
    layers = summary_layers(recipe, classes)
    size = layers[0].output_shape[0]
    return {
        "parameters": sum(layer.parameters for layer in layers),
        "trainable": [sum(counts) for counts in zip(*(layer.trainable for layer in layers), strict=True)],
        "input": [size, size, 3], "output": list(layers[-1].output_shape),
        "layers": [{"name": layer.name, "type": layer.type, "output_shape": list(layer.output_shape),
                    "parameters": layer.parameters, "trainable": list(layer.trainable)} for layer in layers],
    }


def summary_layers(recipe: Recipe, classes: int) -> list[SummaryLayer]:
    """Every layer from the image to the answer, in order. Raises RecipeError as `summary`."""
    check_output(recipe.model, classes)
    backbone, _ = get(recipe.model.backbone, recipe.model.alpha)
    graph, size = backbone_of(recipe)
    phases = len(recipe.train.phases)
    side = graph.sides(size)[-1] or 1
    return [*_entrance(recipe, backbone, size, phases), *_body(recipe, graph, size),
            *_head(recipe.model, graph.layers[-1].channels, side, classes, phases)]


def _entrance(recipe: Recipe, backbone: Backbone, size: int, phases: int) -> Iterator[SummaryLayer]:
    side = size // (recipe.model.upsample or 1)
    yield SummaryLayer("image", "InputLayer", (side, side, 3), 0, (0,) * phases)
    if recipe.model.upsample is not None:
        yield SummaryLayer("enlarge", "UpSampling2D", (size, size, 3), 0, (0,) * phases)
    if backbone.preprocessing != "inside":
        yield SummaryLayer("preprocess", "Rescaling", (size, size, 3), 0, (0,) * phases)


def _body(recipe: Recipe, graph: Graph, size: int) -> Iterator[SummaryLayer]:
    frozen = [freezing.frozen for freezing in decide(graph, recipe, size)]
    for index, (layer, shape) in enumerate(zip(graph.layers, graph.shapes(size), strict=True)):
        if layer.kind != OPERATION:
            trained = graph.trainable(1 << index, recipe.model.trains_batch_norm)
            yield SummaryLayer(layer.name, layer.kind, shape, layer.parameters,
                               tuple(0 if mask >> index & 1 else trained for mask in frozen))


def _head(model: ModelSettings, channels: int, side: int, classes: int, phases: int) -> Iterator[SummaryLayer]:
    def layer(name: str, kind: str, width: int, parameters: int = 0, trained: int | None = None) -> SummaryLayer:
        return SummaryLayer(name, kind, (width,), parameters, (parameters if trained is None else trained,) * phases)

    def normalised(name: str, width: int) -> SummaryLayer:
        return layer(name, "BatchNormalization", width, 4 * width, 2 * width)

    width = features(model, channels, side)
    if model.pooling == "both":
        yield layer("head_average", POOLING["average"], channels)
        yield layer("head_max", POOLING["max"], channels)
    yield layer("head_pool", POOLING.get(model.pooling, "Concatenate"), width)
    if model.norm_features:
        yield normalised("head_norm", width)
    for index, hidden in enumerate(model.hidden):
        name = f"hidden_{index}"
        yield layer(name, "Dense", hidden.units, (width + (hidden.batch_norm != "before")) * hidden.units)
        width = hidden.units
        parts = [layer(f"{name}_activation", "Activation", width)]
        if hidden.batch_norm != "none":
            parts.insert(0 if hidden.batch_norm == "before" else 1, normalised(f"{name}_norm", width))
        yield from parts
        if hidden.dropout:
            yield layer(f"{name}_dropout", "Dropout", width)
    if model.dropout:
        yield layer("head_dropout", "Dropout", width)
    units = 1 if model.output == "sigmoid" else classes
    yield layer("predictions", "Dense", units, (width + 1) * units)


def frozen_in(layer: SummaryLayer, names: Sequence[str]) -> str:
    """Names of the phases in which a layer stays as it is; "" when it has nothing to learn or always learns."""
    if not layer.parameters:
        return ""
    return ", ".join(name for name, count in zip(names, layer.trainable, strict=True) if not count)
