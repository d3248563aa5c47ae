"""EfficientNet-Lite0 in Keras; its plan and where its weights are from: `core.backbones.lite0`."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from core.backbones.lite0 import CLASSES, EPSILON, HEAD, MOMENTUM, STEM, Block, blocks


def EfficientNetLite0(  # noqa: N802  a constructor, named like those of keras.applications
    include_top: bool = False, weights: str | None = None, input_tensor: Any = None,
    input_shape: tuple[int, int, int] | None = None,
) -> keras.Model:
    """Build the network. Takes [n, h, w, 3] scaled by (x - 127) / 128, gives [n, h/32, w/32, 1280], with its top the
    probabilities [n, 1000] of ImageNet's classes.

    Raises:
        ValueError: pretrained weights are asked for by name: they are loaded from a file.
    """
    if weights is not None:
        raise ValueError("EfficientNetLite0 takes no weights by name; load them from a file.")
    image = keras.Input(input_shape) if input_tensor is None else input_tensor
    x = _normalised(layers.Conv2D(STEM, 3, 2, padding="same", use_bias=False, name="stem_conv")(image), "stem_bn")
    x = layers.ReLU(6.0, name="stem_activation")(x)
    for block in blocks():
        x = _block(x, block)
    x = _normalised(layers.Conv2D(HEAD, 1, padding="same", use_bias=False, name="top_conv")(x), "top_bn")
    x = layers.ReLU(6.0, name="top_activation")(x)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(CLASSES, activation="softmax", name="predictions")(x)
    source = image if input_tensor is None else keras.utils.get_source_inputs(x)
    return keras.Model(source, x, name="efficientnet_lite0")


def _block(x: keras.KerasTensor, block: Block) -> keras.KerasTensor:
    before, name = x, block.name
    if block.expansion != 1:
        expand = layers.Conv2D(x.shape[-1] * block.expansion, 1, padding="same", use_bias=False,
                               name=f"{name}_expand_conv")
        x = layers.ReLU(6.0, name=f"{name}_expand_activation")(_normalised(expand(x), f"{name}_expand_bn"))
    spatial = layers.DepthwiseConv2D(block.kernel, block.stride, padding="same", use_bias=False, name=f"{name}_dwconv")
    x = layers.ReLU(6.0, name=f"{name}_activation")(_normalised(spatial(x), f"{name}_bn"))
    project = layers.Conv2D(block.channels, 1, padding="same", use_bias=False, name=f"{name}_project_conv")
    x = _normalised(project(x), f"{name}_project_bn")
    return layers.Add(name=f"{name}_add")([x, before]) if block.residual else x


def _normalised(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=name)(x)
