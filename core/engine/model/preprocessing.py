"""How raw RGB 0..255 becomes what a backbone was pretrained on, as layers inside the model."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

# Channel statistics of ImageNet as `keras.applications.imagenet_utils.preprocess_input` uses them.
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)


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
"""The modes of `keras.applications.imagenet_utils.preprocess_input`, and (x - 127) / 128 of the EfficientNet-Lites;
`inside`: the backbone does it itself."""
