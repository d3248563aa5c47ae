"""Weights of the user's, put into a backbone that Graft has built. What the file says of its model is not read."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

import keras
from keras.src.utils.naming import to_snake_case

from core.backbones.weight_files import WeightsFile, opened
from core.backbones.weight_match import Match, WantedLayer, by_name, by_order, shown
from core.errors import WeightsError


def wanted_layers(model: keras.Model, needed: Container[str] | None = None) -> list[WantedLayer]:
    """The layers of a backbone that have weights, in its order. Counters of random numbers are none.

    Args:
        needed: Names of the layers that count. None: all.
    """
    return [WantedLayer(layer.name, tuple(tuple(weight.shape) for weight in weights),
                        to_snake_case(type(layer).__name__))
            for layer in model.layers
            if (weights := _weights(layer)) and (needed is None or layer.name in needed)]


def match(file: WeightsFile, model: keras.Model, how: str, needed: Container[str] | None = None) -> Match:
    """Which layers of a file would be loaded into which of a backbone. `how`: `name`, `partial` or `order`."""
    wanted = wanted_layers(model, needed)
    return by_order(file.layers, wanted) if how == "order" else by_name(file.layers, wanted)


def load_own_weights(model: keras.Model, path: Path, how: str = "name", needed: Container[str] | None = None) -> Match:
    """Put the weights of a file into a backbone.

    Args:
        how: `name`: every layer is found by its name. `partial`: what is not found stays as it is. `order`: what is
            not found by its name is taken by order and shape.
        needed: Names of the layers that are to get weights. None: all.

    Raises:
        WeightsError: the file cannot be read, or does not fit; the first layer that does not is named.
    """
    with opened(path) as file:
        found = match(file, model, how, needed)
        _check(found, path.name, model.name, how)
        layers = {layer.name: layer for layer in model.layers}
        values = [(layers[wanted.name], file.values(stored)) for wanted, stored in found.loaded]
    for layer, arrays in values:
        for variable, array in zip(_weights(layer), arrays, strict=True):
            variable.assign(array)
        if hasattr(layer, "finalize_state"):  # normalisation works with figures that it derives from its weights
            layer.finalize_state()
    return found


def _weights(layer: keras.layers.Layer) -> list[Any]:
    return [weight for weight in layer.weights if "seed_generator" not in weight.path]


def _check(found: Match, file: str, backbone: str, how: str) -> None:
    if found.mismatched:
        wanted, stored = found.mismatched[0]
        raise WeightsError(
            f"{file} does not fit {backbone}: the layer '{wanted.name}' has the shapes {shown(stored.shapes)} there, "
            f"and {shown(wanted.shapes)} here.", "Choose the backbone and the width that the file was made with.")
    if not found.loaded:
        raise WeightsError(
            f"{file} has no layer of {backbone}: it has '{found.unused[0].name}' and {len(found.unused) - 1} others, "
            f"the backbone begins with '{found.missing[0].name}'.",
            "Choose the backbone that the file was made with, or match layers by order and shape "
            "(model.weights_match=order).")
    if found.missing and how == "name":
        raise WeightsError(
            f"{file} lacks {len(found.missing)} of the {len(found.missing) + len(found.loaded)} layers of {backbone}, "
            f"'{found.missing[0].name}' first.",
            "Let these start from random weights (model.weights_match=partial), or match layers by order and shape "
            "(model.weights_match=order).")
