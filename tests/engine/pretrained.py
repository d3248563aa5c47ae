"""Networks that behave as pretrained ones do: random, but with statistics that keep the activations in bounds."""

from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format

from core.backbones.catalogue import get
from core.engine.model.describe import build_backbone
from core.engine.model.facts import FACTS


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Give every batch normalisation random scales, and the statistics of these images [n, h, w, 3]."""
    random = np.random.default_rng(0)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        if layer.scale:
            layer.gamma.assign(random.uniform(0.7, 1.3, layer.gamma.shape))
        layer.beta.assign(random.normal(0, 0.3, layer.beta.shape))
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        spread = np.array(layer.moving_variance.numpy())
        layer.moving_variance.assign(np.maximum(spread, spread.mean()))  # a channel that hardly varies is not blown up


def blobs(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Pictures of a few coloured patches, unlike each other: uint8 [count, size, size, 3]."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 4, 4, 3)) * random.uniform(0.3, 1, (count, 1, 1, 3))
    index = np.arange(size) * 4 // size
    return coarse[:, index][:, :, index].astype(np.uint8)


def write_weights(folder: Path, name: str, alpha: float | None, seed: int = 0) -> Path:
    """A weights file without top, under the name and in the layout that `keras.applications` uses."""
    facts = next(facts for facts in FACTS if facts.name == name)
    model = build_backbone(facts, alpha, facts.min_size)
    keras.utils.set_random_seed(seed)
    for variable in model.trainable_variables:
        if variable.name.endswith("kernel"):
            variable.assign(keras.initializers.HeNormal(seed)(variable.shape))
    if facts.preprocessing == "caffe":  # takes values up to 128, where the others take up to 1
        model.trainable_variables[0].assign(model.trainable_variables[0] / 64)
    settle(model, blobs(16, facts.min_size) / np.float32(127.5) - 1)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (get(name, alpha)[1].weights_file or f"{name}_no_top.h5")
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path
