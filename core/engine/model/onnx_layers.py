"""What each kind of Keras layer becomes in ONNX: the table `EMITTERS`, and below it the functions of activations.

Tensors of rank 4 are channels-last in Keras and channels-first here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from core.engine.model.onnx_writer import Emitter, UnsupportedLayer, Writer


def _array(weight: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(weight)


def _per_channel(values: Any, rank: int) -> np.ndarray:
    """A scalar, or one value a channel, shaped to broadcast over NCHW."""
    array = np.asarray(values, np.float32)
    return array.reshape(1, -1, 1, 1) if array.size > 1 and rank == 4 else array


def _same_padding(size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...],
                  dilation: tuple[int, ...] = (1, 1)) -> list[int]:
    """TensorFlow's "same": the odd pixel goes to the bottom and the right. ONNX order: top, left, bottom, right."""
    before, after = [], []
    for length, taps, stride, spread in zip(size, kernel, strides, dilation, strict=True):
        needed = max((-(-length // stride) - 1) * stride + (taps - 1) * spread + 1 - length, 0)
        before.append(needed // 2)
        after.append(needed - needed // 2)
    return before + after


def _pads(layer: Any, node: Any, kernel: tuple[int, ...], dilation: tuple[int, ...] = (1, 1)) -> list[int]:
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    if layer.padding != "same":
        raise UnsupportedLayer(f"padding {layer.padding}")
    return _same_padding(node.input_tensors[0].shape[1:3], kernel, tuple(layer.strides), dilation)


def _activation(writer: Writer, name: str, function: Any) -> str:
    kind = getattr(function, "__name__", str(function))
    if kind not in ACTIVATIONS:
        raise UnsupportedLayer(f"activation {kind}")
    return ACTIVATIONS[kind](writer, name)


def _gelu(writer: Writer, name: str) -> str:
    """x * (1 + erf(x / sqrt 2)) / 2, Keras's default (exact) form."""
    error = writer.node("Erf", [writer.node("Div", [name, writer.constant(np.sqrt(2.0))])])
    half = writer.node("Mul", [name, writer.constant(0.5)])
    return writer.node("Mul", [half, writer.node("Add", [error, writer.constant(1.0)])])


ACTIVATIONS: dict[str, Callable[[Writer, str], str]] = {
    "linear": lambda writer, name: name,
    "relu": lambda writer, name: writer.node("Relu", [name]),
    "relu6": lambda writer, name: writer.node("Clip", [name, writer.constant(0.0), writer.constant(6.0)]),
    "silu": lambda writer, name: writer.node("Mul", [name, writer.node("Sigmoid", [name])]),
    "sigmoid": lambda writer, name: writer.node("Sigmoid", [name]),
    "tanh": lambda writer, name: writer.node("Tanh", [name]),
    "elu": lambda writer, name: writer.node("Elu", [name]),
    "gelu": _gelu,
    "softmax": lambda writer, name: writer.node("Softmax", [name], axis=-1),
    "hard_sigmoid": lambda writer, name: writer.node("HardSigmoid", [name], alpha=1 / 6, beta=0.5),
    "hard_silu": lambda writer, name: writer.node("HardSwish", [name]),
}


def _convolve(writer: Writer, layer: Any, node: Any) -> str:
    kernel = _array(layer.kernel).transpose(3, 2, 0, 1)
    inputs = [writer.inputs(node)[0], writer.constant(kernel)]
    if layer.use_bias:
        inputs.append(writer.constant(_array(layer.bias)))
    name = writer.node(
        "Conv", inputs, kernel_shape=list(layer.kernel_size), strides=list(layer.strides), group=layer.groups,
        dilations=list(layer.dilation_rate), pads=_pads(layer, node, layer.kernel_size, layer.dilation_rate),
    )
    return _activation(writer, name, layer.activation)


def _depthwise_node(writer: Writer, layer: Any, node: Any, kernel: np.ndarray, bias: list[str]) -> str:
    height, width, channels, multiplier = kernel.shape
    weights = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return writer.node(
        "Conv", [writer.inputs(node)[0], writer.constant(weights), *bias], kernel_shape=[height, width],
        strides=list(layer.strides), group=channels, dilations=list(layer.dilation_rate),
        pads=_pads(layer, node, layer.kernel_size, layer.dilation_rate),
    )


def _depthwise(writer: Writer, layer: Any, node: Any) -> str:
    bias = [writer.constant(_array(layer.bias))] if layer.use_bias else []
    return _activation(writer, _depthwise_node(writer, layer, node, _array(layer.kernel), bias), layer.activation)


def _separable(writer: Writer, layer: Any, node: Any) -> str:
    spatial = _depthwise_node(writer, layer, node, _array(layer.depthwise_kernel), [])
    inputs = [spatial, writer.constant(_array(layer.pointwise_kernel).transpose(3, 2, 0, 1))]
    if layer.use_bias:
        inputs.append(writer.constant(_array(layer.bias)))
    return _activation(writer, writer.node("Conv", inputs, kernel_shape=[1, 1]), layer.activation)


def _batch_normalization(writer: Writer, layer: Any, node: Any) -> str:
    if layer.axis not in (-1, len(node.input_tensors[0].shape) - 1):
        raise UnsupportedLayer("batch normalization over another axis")
    size = layer.moving_mean.shape[0]
    gamma = _array(layer.gamma) if layer.scale else np.ones(size)
    beta = _array(layer.beta) if layer.center else np.zeros(size)
    statistics = [gamma, beta, _array(layer.moving_mean), _array(layer.moving_variance)]
    return writer.node("BatchNormalization", [writer.inputs(node)[0], *map(writer.constant, statistics)],
                       epsilon=layer.epsilon)


def _relu(writer: Writer, layer: Any, node: Any) -> str:
    name = writer.inputs(node)[0]
    if layer.negative_slope or layer.threshold:
        raise UnsupportedLayer("leaky or shifted ReLU")
    if layer.max_value is None:
        return writer.node("Relu", [name])
    return writer.node("Clip", [name, writer.constant(0.0), writer.constant(float(layer.max_value))])


_NEXT_TO_ZERO = 1e-30
"""What zero padding before a maximum pooling is filled with: ONNX Runtime (1.31) merges exact zeros into the pooling,
which then ignores the border instead of seeing zeros. It shows where values are negative, as in ResNet50V2. Elsewhere
the zeros are exact: merged into a convolution they save a third of MobileNetV2's time."""


def _zero_padding(writer: Writer, layer: Any, node: Any) -> str:
    (top, bottom), (left, right) = layer.padding
    padded = [writer.inputs(node)[0], writer.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)]
    if any(isinstance(reader, keras.layers.MaxPooling2D) for reader in writer.readers(node.output_tensors[0])):
        padded.append(writer.constant(_NEXT_TO_ZERO))
    return writer.node("Pad", padded)


def _pool(kind: str, **attributes: Any) -> Emitter:
    def emit(writer: Writer, layer: Any, node: Any) -> str:
        return writer.node(kind, [writer.inputs(node)[0]], kernel_shape=list(layer.pool_size),
                           strides=list(layer.strides), pads=_pads(layer, node, tuple(layer.pool_size)), **attributes)
    return emit


def _global_pool(kind: str) -> Emitter:
    def emit(writer: Writer, layer: Any, node: Any) -> str:
        name = writer.node(kind, [writer.inputs(node)[0]])
        return name if layer.keepdims else writer.node("Flatten", [name])
    return emit


def _dense(writer: Writer, layer: Any, node: Any) -> str:
    if len(node.input_tensors[0].shape) != 2:
        raise UnsupportedLayer("dense over a feature map")
    name = writer.node("MatMul", [writer.inputs(node)[0], writer.constant(_array(layer.kernel))])
    if layer.use_bias:
        name = writer.node("Add", [name, writer.constant(_array(layer.bias))])
    return _activation(writer, name, layer.activation)


def _flatten(writer: Writer, layer: Any, node: Any) -> str:
    name = writer.inputs(node)[0]
    if len(node.input_tensors[0].shape) == 4:
        name = writer.node("Transpose", [name], perm=[0, 2, 3, 1])
    return writer.node("Flatten", [name])


def _reshape(writer: Writer, layer: Any, node: Any) -> str:
    shape = tuple(node.output_tensors[0].shape[1:])
    if len(node.input_tensors[0].shape) != 2 or len(shape) != 3 or shape[:2] != (1, 1):
        raise UnsupportedLayer("reshape")
    return writer.node("Reshape", [writer.inputs(node)[0], writer.constant([0, shape[2], 1, 1], np.int64)])


def _normalization(writer: Writer, layer: Any, node: Any) -> str:
    mean, deviation = _array(layer.mean).ravel(), np.sqrt(_array(layer.variance).ravel())
    shifted = writer.node("Sub", [writer.inputs(node)[0], writer.constant(_per_channel(mean, 4))])
    return writer.node("Div", [shifted, writer.constant(_per_channel(np.maximum(deviation, 1e-7), 4))])


def _rescaling(writer: Writer, layer: Any, node: Any) -> str:
    scaled = writer.node("Mul", [writer.inputs(node)[0], writer.constant(_per_channel(layer.scale, 4))])
    return writer.node("Add", [scaled, writer.constant(_per_channel(layer.offset, 4))])


def _arithmetic(kind: str) -> Emitter:
    """A merge layer of several tensors, or an operator between a tensor and a constant."""
    def emit(writer: Writer, layer: Any, node: Any) -> str:
        names = writer.inputs(node)
        if len(names) == 1:
            rank = len(node.input_tensors[0].shape)
            names = [names[0] if isinstance(value, keras.KerasTensor) else writer.constant(_per_channel(value, rank))
                     for value in node.arguments.args]
        result = names[0]
        for name in names[1:]:
            result = writer.node(kind, [result, name])
        return result
    return emit


def _concatenate(writer: Writer, layer: Any, node: Any) -> str:
    rank = len(node.input_tensors[0].shape)
    if layer.axis not in (-1, rank - 1):
        raise UnsupportedLayer("concatenation over another axis")
    return writer.node("Concat", writer.inputs(node), axis=1 if rank == 4 else -1)


def _flip_channels(writer: Writer, layer: Any, node: Any) -> str:
    if layer.axis not in (-1, 3):
        raise UnsupportedLayer("flip over another axis")
    last = node.input_tensors[0].shape[-1]
    return writer.node("Gather", [writer.inputs(node)[0], writer.constant(range(last - 1, -1, -1), np.int64)], axis=1)


def _pass_through(writer: Writer, layer: Any, node: Any) -> str:
    return writer.inputs(node)[0]


EMITTERS: dict[str, Emitter] = {
    "Activation": lambda writer, layer, node: _activation(writer, writer.inputs(node)[0], layer.activation),
    "Add": _arithmetic("Add"),
    "AveragePooling2D": _pool("AveragePool", count_include_pad=0),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _convolve,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": _pass_through,
    "Flatten": _flatten,
    "Flip": _flip_channels,
    "GlobalAveragePooling2D": _global_pool("GlobalAveragePool"),
    "GlobalMaxPooling2D": _global_pool("GlobalMaxPool"),
    "MaxPooling2D": _pool("MaxPool"),
    "Multiply": _arithmetic("Mul"),
    "Normalization": _normalization,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv2D": _separable,
    "Softmax": lambda writer, layer, node: writer.node("Softmax", [writer.inputs(node)[0]], axis=-1),
    "ZeroPadding2D": _zero_padding,
}
