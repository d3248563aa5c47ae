"""What builds each backbone."""

from __future__ import annotations

from collections.abc import Callable

import keras

from core.engine.model.small_net import SmallNet

OWN: dict[str, Callable[..., keras.Model]] = {"SmallNet": SmallNet}
"""Backbones that `keras.applications` does not have; built with the same arguments."""


def constructor(name: str) -> Callable[..., keras.Model]:
    """The function that builds a backbone of the catalogue."""
    found: Callable[..., keras.Model] = OWN.get(name) or getattr(keras.applications, name)
    return found
