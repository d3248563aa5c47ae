"""A small network for learning from random weights: Graft's own, where no pretrained one can be had.

Four times convolution 3×3, batch normalisation, ReLU and pooling, twice as wide each time: the shape of VGG
(arXiv:1409.1556) with one convolution a block. The pretrained networks of the catalogue halve an image five times and
want hundreds of thousands of images before their random weights mean anything; this one learns small, simple pictures
in a minute.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

WIDTHS = (32, 64, 128, 128)


def SmallNet(  # noqa: N802  a constructor, named like those of keras.applications
    include_top: bool = False, weights: str | None = None, input_tensor: Any = None,
    input_shape: tuple[int, int, int] | None = None,
) -> keras.Model:
    """Build the network without top. Takes [n, h, w, 3] scaled to -1..1, gives [n, h/8, w/8, 128].

    Raises:
        ValueError: a top or pretrained weights are asked for; there are none.
    """
    if include_top or weights is not None:
        raise ValueError("SmallNet has neither a top nor pretrained weights.")
    image = keras.Input(input_shape) if input_tensor is None else input_tensor
    x = image
    for index, width in enumerate(WIDTHS, 1):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"block_{index}_conv")(x)
        x = layers.BatchNormalization(name=f"block_{index}_bn")(x)
        x = layers.ReLU(name=f"block_{index}_relu")(x)
        if index < len(WIDTHS):
            x = layers.MaxPooling2D(2, name=f"block_{index}_pool")(x)
    return keras.Model(keras.utils.get_source_inputs(x) if input_tensor is not None else image, x, name="small_net")
