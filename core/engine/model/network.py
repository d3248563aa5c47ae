"""From a recipe to a Keras model: preprocessing, backbone, head, as one flat graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from core.backbones.catalogue import get
from core.engine.model.constructors import constructor, finish_pretrained
from core.errors import WeightsError
from core.recipe.fields import ModelSettings

RANDOM_START_MOMENTUM = 0.9
"""Batch-norm momentum when learning from random weights. Keras's 0.99 (0.999 in MobileNetV2) needs thousands of steps
before its running statistics mean anything, more than a small dataset has."""

# Channel statistics of ImageNet as `keras.applications.imagenet_utils.preprocess_input` uses them.
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Network:
    """A model that takes raw RGB 0..255 [n, size, size, 3] and gives class probabilities [n, classes]."""

    whole: keras.Model
    backbone_output: keras.KerasTensor
    """The backbone's feature map [n, h, w, channels]."""
    features: keras.KerasTensor
    """The pooled features [n, k]."""

    @property
    def backbone_layers(self) -> list[keras.layers.Layer]:
        """Layers from the input to the feature map."""
        return keras.Model(self.whole.input, self.backbone_output).layers


def build_network(settings: ModelSettings, size: int, classes: int, weights: Path | None, seed: int) -> Network:
    """Build the model of a recipe.

    Args:
        size: Side of the square input in pixels.
        classes: Number of classes.
        weights: File with the backbone's pretrained weights; None starts from random ones.
        seed: Decides all random initial values and dropout.

    Raises:
        WeightsError: the file cannot be loaded into the backbone.
    """
    keras.utils.clear_session()  # some backbones name layers by a global counter: the names are to be the same always
    keras.utils.set_random_seed(seed)
    image = keras.Input((size, size, 3), name="image")
    output = _backbone(settings, image, size, weights)
    features = _pool(settings.pooling, output)
    x = features
    for index, hidden in enumerate(settings.hidden):
        x = layers.Dense(
            hidden.units, name=f"hidden_{index}", use_bias=hidden.batch_norm == "none",
            kernel_regularizer=keras.regularizers.L2(hidden.l2) if hidden.l2 else None,
        )(x)
        if hidden.batch_norm == "before":
            x = layers.BatchNormalization(name=f"hidden_{index}_norm", momentum=RANDOM_START_MOMENTUM)(x)
        x = layers.Activation(hidden.activation, name=f"hidden_{index}_activation")(x)
        if hidden.dropout:
            x = layers.Dropout(hidden.dropout, name=f"hidden_{index}_dropout", seed=seed + index + 1)(x)
    if settings.dropout:
        x = layers.Dropout(settings.dropout, name="head_dropout", seed=seed)(x)
    probabilities = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return Network(keras.Model(image, probabilities, name="graft"), output, features)


def _backbone(settings: ModelSettings, image: keras.KerasTensor, size: int, weights: Path | None) -> keras.KerasTensor:
    backbone, variant = get(settings.backbone, settings.alpha)
    options = {} if variant.alpha is None else {"alpha": variant.alpha}
    model = constructor(backbone.name)(
        include_top=False, weights=None, input_tensor=PREPROCESSING[backbone.preprocessing](image), **options
    )
    if weights is not None:
        try:
            model.load_weights(str(weights))
            finish_pretrained(backbone.name, model)
        except (ValueError, OSError, KeyError) as error:
            raise WeightsError(
                f"The file {weights.name} does not hold the weights of {backbone.name}: {str(error)[:300]}",
                "Put the original file in its place, or start from random weights.",
            ) from error
    else:
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = RANDOM_START_MOMENTUM
    return model.output


def _pool(kind: str, output: keras.KerasTensor) -> keras.KerasTensor:
    return {
        "average": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D, "flatten": layers.Flatten,
    }[kind](name="head_pool")(output)


def _caffe(image: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1.0, [-mean for mean in _CAFFE_MEAN_BGR], name="preprocess")(keras.ops.flip(image, -1))


def _torch(image: keras.KerasTensor) -> keras.KerasTensor:
    scale = [1 / (255 * deviation) for deviation in _TORCH_STD]
    offset = [-mean / deviation for mean, deviation in zip(_TORCH_MEAN, _TORCH_STD, strict=True)]
    return layers.Rescaling(scale, offset, name="preprocess")(image)


PREPROCESSING: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "tf": lambda image: layers.Rescaling(1 / 127.5, -1.0, name="preprocess")(image),
    "caffe": _caffe,
    "torch": _torch,
    "lite": lambda image: layers.Rescaling(1 / 128, -127 / 128, name="preprocess")(image),
    "inside": lambda image: image,
}
"""How raw RGB 0..255 becomes what the backbone was pretrained on, as layers inside the model: the modes of
`keras.applications.imagenet_utils.preprocess_input`, and (x - 127) / 128 of the EfficientNet-Lites."""
