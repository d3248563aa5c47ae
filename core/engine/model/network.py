"""From a recipe to a Keras model: preprocessing, backbone, head, as one flat graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from core.backbones.catalogue import get
from core.backbones.weight_match import Match
from core.engine.model.constructors import constructor, finish_pretrained
from core.engine.model.head import RANDOM_START_MOMENTUM, answered, pooled
from core.engine.model.own_weights import load_own_weights
from core.engine.model.preprocessing import PREPROCESSING
from core.errors import RecipeError, WeightsError
from core.recipe.fields import ModelSettings


@dataclass(frozen=True)
class Network:
    """A model that takes raw RGB 0..255 [n, size, size, 3] and gives class probabilities [n, classes]."""

    whole: keras.Model
    backbone_output: keras.KerasTensor
    """The backbone's feature map [n, h, w, channels]."""
    features: keras.KerasTensor
    """The pooled features [n, k]."""
    match: Match | None = None
    """What a weights file of the user's gave the backbone; None: it starts from others."""

    @property
    def backbone_layers(self) -> list[keras.layers.Layer]:
        """Layers from the input to the feature map."""
        return keras.Model(self.whole.input, self.backbone_output).layers


def build_network(settings: ModelSettings, size: int, classes: int, weights: Path | None, seed: int) -> Network:
    """Build the model of a recipe.

    Args:
        size: Side of the square input in pixels.
        classes: Number of classes.
        weights: File with the backbone's starting weights; None starts from random ones.
        seed: Decides all random initial values and dropout.

    Raises:
        WeightsError: the file cannot be loaded into the backbone.
        RecipeError: the backbone has no such layer to be cut off at.
    """
    keras.utils.clear_session()  # some backbones name layers by a global counter: the names are to be the same always
    keras.utils.set_random_seed(seed)
    image = keras.Input((size, size, 3), name="image")
    backbone = bare_backbone(settings, image)
    match = _start(settings, backbone, weights)
    output = _cut(settings, backbone)
    features = pooled(settings.pooling, output)
    whole = keras.Model(image, answered(settings, features, classes, seed), name="graft")
    return Network(whole, output, features, match)


def bare_backbone(settings: ModelSettings, image: keras.KerasTensor) -> keras.Model:
    """The whole backbone, from raw pixels to its feature map, with random weights."""
    backbone, variant = get(settings.backbone, settings.alpha)
    options = {} if variant.alpha is None else {"alpha": variant.alpha}
    pixels = PREPROCESSING[backbone.preprocessing](_enlarged(settings, image))
    return constructor(backbone.name)(include_top=False, weights=None, input_tensor=pixels, **options)


def _start(settings: ModelSettings, model: keras.Model, weights: Path | None) -> Match | None:
    """Give a backbone its starting weights. What a file of the user's had for it, where it is one."""
    if weights is None:
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = RANDOM_START_MOMENTUM
    elif settings.weights == "imagenet":
        _load_keras_file(model, weights, settings.backbone)
    else:
        return load_own_weights(model, weights, settings.weights_match, needed_layers(settings, model))
    return None


def _load_keras_file(model: keras.Model, weights: Path, name: str) -> None:
    try:
        model.load_weights(str(weights))
        finish_pretrained(name, model)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            f"The file {weights.name} does not hold the weights of {name}: {str(error)[:300]}",
            "Put the original file in its place, or start from random weights.",
        ) from error


def _enlarged(settings: ModelSettings, image: keras.KerasTensor) -> keras.KerasTensor:
    if settings.upsample is None:
        return image
    return layers.UpSampling2D(settings.upsample, interpolation=settings.upsample_method, name="enlarge")(image)


def _cut(settings: ModelSettings, model: keras.Model) -> keras.KerasTensor:
    """The feature map that the head takes: the backbone's output, or that of the layer where it is cut off."""
    if settings.cut_layer is None:
        return model.output
    output = model.get_layer(settings.cut_layer).output
    if len(output.shape) != 4:
        raise RecipeError(f"The backbone cannot be cut off at '{settings.cut_layer}': no picture leaves that layer, "
                          f"but {output.shape[1:]}.", "Cut at a layer that gives height, width and channels.")
    return output


def needed_layers(settings: ModelSettings, model: keras.Model) -> set[str]:
    """Names of the layers that stay when the backbone is cut off."""
    return {layer.name for layer in keras.Model(model.input, _cut(settings, model)).layers}
