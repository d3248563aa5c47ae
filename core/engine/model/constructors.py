"""What builds each backbone, and what is left to do once its pretrained weights are in it."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from core.engine.model.efficientnet_lite import EfficientNetLite0
from core.engine.model.small_net import SmallNet

OWN: dict[str, Callable[..., keras.Model]] = {"EfficientNetLite0": EfficientNetLite0, "SmallNet": SmallNet}
"""Backbones that `keras.applications` does not have; built with the same arguments."""

_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""As in `keras.applications.efficientnet`."""


def constructor(name: str) -> Callable[..., keras.Model]:
    """The function that builds a backbone of the catalogue."""
    found: Callable[..., keras.Model] = OWN.get(name) or getattr(keras.applications, name)
    return found


def finish_pretrained(name: str, model: keras.Model) -> None:
    """Complete a backbone that was built without weights and has had its pretrained ones loaded.

    The first EfficientNets divide by the root of the deviation, for which `keras.applications.efficientnet` adds a
    layer, but only when it loads the weights itself. Here the layer before does it.
    """
    if not name.startswith("EfficientNetB"):
        return
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    layer.adapt_variance.assign(np.asarray(layer.adapt_variance) * np.array(_IMAGENET_DEVIATION, np.float32))
    layer.finalize_state()
