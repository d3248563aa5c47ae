"""The ONNX writer, layer by layer. Whole backbones: test_every_backbone."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from core.engine.model.onnx_graph import UnsupportedLayer, to_onnx

MAPS: dict[str, Callable[[], keras.layers.Layer]] = {
    "convolution, same, odd": lambda: layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
    "convolution, same, even kernel": lambda: layers.Conv2D(4, 4, strides=3, padding="same"),
    "convolution, valid": lambda: layers.Conv2D(4, (3, 2), strides=2, use_bias=False),
    "convolution, dilated": lambda: layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
    "convolution in groups": lambda: layers.Conv2D(6, 3, groups=3),
    "depthwise": lambda: layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, activation="relu6"),
    "separable": lambda: layers.SeparableConv2D(5, 3, padding="same", activation="gelu"),
    "average pooling, same": lambda: layers.AveragePooling2D(3, strides=2, padding="same"),
    "maximum pooling, same": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
    "global maximum": lambda: layers.GlobalMaxPooling2D(),
    "global average, dimensions kept": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "flatten": lambda: layers.Flatten(),
    "padding": lambda: layers.ZeroPadding2D(((0, 1), (2, 3))),
    "rescaling by channel": lambda: layers.Rescaling([0.1, 0.2, 0.3], [1.0, -2.0, 3.0]),
    "bounded relu": lambda: layers.ReLU(max_value=100.0),
    "batch normalisation without scale": lambda: layers.BatchNormalization(scale=False),
}


def agree(model: keras.Model) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, *model.input_shape[1:]), np.uint8)
    expected = np.asarray(model(images.astype(np.float32), training=False))
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images})
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("layer", MAPS.values(), ids=MAPS)
def test_a_layer_on_feature_maps(layer):
    keras.utils.set_random_seed(0)
    image = keras.Input((9, 11, 3))
    agree(keras.Model(image, layer()(image)))


def test_padding_with_zeros_counts_in_a_maximum_of_negative_values():
    image = keras.Input((8, 8, 3))
    x = layers.Rescaling(-1 / 255, -1.0)(image)  # below zero everywhere
    agree(keras.Model(image, layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))))


@pytest.mark.parametrize("activation", ["relu", "gelu", "swish", "tanh", "elu", "softmax", "sigmoid", "hard_silu"])
def test_a_head_with_each_activation(activation):
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 4, 3))
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 127.5, -1)(image))
    x = layers.BatchNormalization()(layers.Dense(6, use_bias=False)(x))
    x = layers.Dropout(0.5)(layers.Activation(activation)(x))
    agree(keras.Model(image, layers.Dense(2, activation="softmax")(x)))


@pytest.mark.parametrize(("layer", "named"), [
    (lambda: layers.LayerNormalization(), "LayerNormalization"),
    (lambda: layers.Conv2DTranspose(3, 2), "Conv2DTranspose"),
    (lambda: layers.Conv2D(3, 1, activation="mish"), "mish"),
    (lambda: layers.ReLU(negative_slope=0.1), "ReLU"),
])
def test_what_is_not_known_is_refused_by_name(layer, named):
    image = keras.Input((8, 8, 3))
    with pytest.raises(UnsupportedLayer, match=named):
        to_onnx(keras.Model(image, layer()(image)))
