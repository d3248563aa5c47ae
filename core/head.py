"""The head in figures: what the pooling gives, its weights, and what it keeps of an image while it learns."""

from __future__ import annotations

from core.backbones.catalogue import Variant
from core.recipe.fields import ModelSettings


def features(model: ModelSettings, channels: int, side: int = 1) -> int:
    """Numbers an image behind the pooling."""
    return channels * {"both": 2, "flatten": side * side}.get(model.pooling, 1)


def head_weights(model: ModelSettings, channels: int, side: int, classes: int) -> tuple[int, int]:
    """All weights of the head and those that are trained: hidden layers, their batch normalisation, the classifier.

    A hidden layer with batch normalisation before its activation has no bias of its own: the normalisation's offset
    follows it.

    Args:
        channels, side: Of the map that the head takes.
    """
    width = features(model, channels, side)
    normalised = width if model.norm_features else 0
    dense = 0
    for layer in model.hidden:
        dense += (width + (layer.batch_norm != "before")) * layer.units
        normalised += layer.units if layer.batch_norm != "none" else 0
        width = layer.units
    dense += (width + 1) * (1 if model.output == "sigmoid" else classes)
    return dense + 4 * normalised, dense + 2 * normalised


def head_parameters(variant: Variant, model: ModelSettings, classes: int, size: int) -> int:
    """Trained weights of the head on a whole backbone; `size` is the side of the input image in pixels."""
    return head_weights(model, variant.features, variant.output_side(size), classes)[1]


def head_values(model: ModelSettings, features: int, classes: int) -> int:
    """Numbers an image that the layers of the head give, the pooling's among them.

    Args:
        features: Numbers behind the pooling.
    """
    hidden = sum(layer.units * (2 + (layer.batch_norm != "none") + bool(layer.dropout)) for layer in model.hidden)
    last = model.hidden[-1].units if model.hidden else features
    return features * (1 + model.norm_features) + hidden + (last if model.dropout else 0) + classes
