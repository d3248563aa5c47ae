"""The head: what turns a backbone's feature map into an answer. Always new, always trained."""

from __future__ import annotations

import keras
from keras import layers

from core.recipe.fields import HiddenLayer, ModelSettings

RANDOM_START_MOMENTUM = 0.9
"""Batch-norm momentum when learning from random weights. Keras's 0.99 (0.999 in MobileNetV2) needs thousands of steps
before its running statistics mean anything, more than a small dataset has."""


def pooled(kind: str, features: keras.KerasTensor) -> keras.KerasTensor:
    """A feature map [n, h, w, c] as one row an image: [n, c]; both: [n, 2c]; flatten: [n, h * w * c]."""
    if kind == "both":
        halves = [layers.GlobalAveragePooling2D(name="head_average")(features),
                  layers.GlobalMaxPooling2D(name="head_max")(features)]
        return layers.Concatenate(name="head_pool")(halves)
    return {
        "average": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D, "flatten": layers.Flatten,
    }[kind](name="head_pool")(features)


def answered(settings: ModelSettings, features: keras.KerasTensor, classes: int, seed: int) -> keras.KerasTensor:
    """From pooled features [n, k] to probabilities: [n, classes], or [n, 1] of the second class with one sigmoid unit.

    Args:
        seed: Decides the initial values and what dropout switches off.
    """
    x = features
    if settings.norm_features:
        x = layers.BatchNormalization(name="head_norm", momentum=RANDOM_START_MOMENTUM)(x)
    for index, hidden in enumerate(settings.hidden):
        x = _hidden(hidden, x, f"hidden_{index}", seed + index + 1)
    if settings.dropout:
        x = layers.Dropout(settings.dropout, name="head_dropout", seed=seed)(x)
    if settings.output == "sigmoid":
        return layers.Dense(1, activation="sigmoid", name="predictions")(x)
    return layers.Dense(classes, activation="softmax", name="predictions")(x)


def _hidden(hidden: HiddenLayer, x: keras.KerasTensor, name: str, seed: int) -> keras.KerasTensor:
    """Without a bias where batch normalisation follows at once: its offset takes the bias's place."""
    x = layers.Dense(
        hidden.units, name=name, use_bias=hidden.batch_norm != "before", kernel_initializer=_initial(hidden, seed),
        kernel_regularizer=keras.regularizers.L2(hidden.l2) if hidden.l2 else None,
    )(x)
    norm = layers.BatchNormalization(name=f"{name}_norm", momentum=RANDOM_START_MOMENTUM)
    if hidden.batch_norm == "before":
        x = norm(x)
    x = layers.Activation(hidden.activation, name=f"{name}_activation")(x)
    if hidden.batch_norm == "after":
        x = norm(x)
    if hidden.dropout:
        x = layers.Dropout(hidden.dropout, name=f"{name}_dropout", seed=seed)(x)
    return x


def _initial(hidden: HiddenLayer, seed: int) -> str | keras.initializers.Initializer:
    """Keras's usual one draws from the session's random state, as it always did here."""
    if hidden.initializer == "glorot_uniform":
        return hidden.initializer
    return keras.initializers.get({"class_name": hidden.initializer, "config": {"seed": seed}})
