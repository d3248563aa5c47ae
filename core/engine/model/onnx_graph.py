"""A Keras functional graph of image layers, written out as ONNX.

General converters trace the model through TensorFlow and take 4 to 40 s; a backbone is a few kinds of layer, and
walking them takes well under a second, so that even a single forward pass over a few hundred images gains from it.
Tensors of rank 4 are channels-last in Keras and channels-first in ONNX (`NHWC` here, `NCHW` there). What the table
`EMITTERS` does not know raises `UnsupportedLayer`, and the caller stays with Keras.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import onnx

from core.engine.model.onnx_layers import EMITTERS
from core.engine.model.onnx_writer import UnsupportedLayer, Writer

__all__ = ["UnsupportedLayer", "to_onnx"]


def to_onnx(model: keras.Model, uint8_input: bool = True, also: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """Convert a model with one input [n, h, w, c] and one output.

    Args:
        model: A functional model without nested models.
        uint8_input: Take bytes and convert them to float32 inside; else float32 comes in.
        also: Layers whose output is given as well, behind the model's own, and the names to give it under. Layers that
            the model does not have are passed over.

    Raises:
        UnsupportedLayer: some layer has no counterpart here.
    """
    return Writer(model, EMITTERS, uint8_input).write(also or {})
