"""Random changes to training images, as Keras layers."""

from __future__ import annotations

import keras
from keras import layers

from core.recipe.fields import AugmentSettings

_FLIPS = {"horizontal": "horizontal", "vertical": "vertical", "both": "horizontal_and_vertical"}


def augmentation_layers(settings: AugmentSettings, seed: int) -> list[keras.layers.Layer]:
    """The layers that carry out the settings; they take and give RGB 0..255 [n, h, w, 3]."""
    border = {"fill_mode": "reflect", "interpolation": "bilinear"}
    found: list[keras.layers.Layer] = []
    if settings.flip != "none":
        found.append(layers.RandomFlip(_FLIPS[settings.flip], seed=seed))
    if settings.rotation:
        found.append(layers.RandomRotation(settings.rotation / 360, seed=seed + 1, **border))
    if settings.zoom:
        found.append(layers.RandomZoom((-settings.zoom, settings.zoom), seed=seed + 2, **border))
    if settings.shift:
        found.append(layers.RandomTranslation(settings.shift, settings.shift, seed=seed + 3, **border))
    return found


def augmenter(settings: AugmentSettings, size: int, seed: int) -> keras.Model:
    """A model that changes images at random when it is called with `training=True`."""
    return keras.Sequential([keras.Input((size, size, 3)), *augmentation_layers(settings, seed)])
