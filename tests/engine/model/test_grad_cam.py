"""Heat lies where the evidence is: pictures of noise with a patch that alone tells the class."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from core.engine.model.grad_cam import feature_map, grad_cam
from core.engine.model.network import build_network
from core.recipe.fields import ModelSettings

SIZE, PATCH = 48, 16


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with a checked patch (class 0: fine, class 1: coarse) at a random place: images, classes, corners."""
    random = np.random.default_rng(seed)
    images = random.normal(128, 25, (count, SIZE, SIZE, 3))
    classes, corners = np.arange(count) % 2, random.integers(0, SIZE - PATCH + 1, (count, 2))
    for image, label, (top, left) in zip(images, classes, corners, strict=True):
        step = 2 if label == 0 else 8
        grid = (np.add.outer(np.arange(PATCH) // step, np.arange(PATCH) // step) % 2) * 200 + 28
        image[top:top + PATCH, left:left + PATCH] = grid[..., None]
    return images.clip(0, 255).astype(np.float32), classes, corners


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    settings = ModelSettings(backbone="SmallNet", weights="none", batch_norm="train", dropout=0.0)
    model = build_network(settings, SIZE, 2, None, 0).whole
    images, classes, _ = pictures(240, 0)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"],
                  jit_compile=False)
    model.fit(images, classes, epochs=8, batch_size=32, verbose=0)
    return model


def test_most_of_the_heat_lies_on_the_evidence(trained):
    images, classes, corners = pictures(60, 1)
    said = np.asarray(trained(images, training=False)).argmax(1)
    assert (said == classes).mean() > 0.9
    heat = grad_cam(trained)(images, None)
    assert heat.shape == (60, SIZE, SIZE) and heat.dtype == np.float32 and heat.min() >= 0 and heat.max() <= 1
    cell = SIZE // feature_map(trained).shape[1]
    shares = []
    for one, (top, left) in zip(heat[said == classes], corners[said == classes], strict=True):
        inside = one[max(0, top - cell):top + PATCH + cell, max(0, left - cell):left + PATCH + cell].sum()
        shares.append(inside / max(one.sum(), 1e-9))
    assert np.mean(np.array(shares) >= 0.8) >= 0.8 and np.mean(shares) >= 0.8


def test_it_answers_for_the_class_that_is_asked_for(trained):
    images, _, _ = pictures(8, 2)
    heat = grad_cam(trained)
    first, second = heat(images, np.zeros(8, int)), heat(images, np.ones(8, int))
    assert np.abs(first - second).max() > 0.3
    top = np.asarray(trained(images, training=False)).argmax(1)
    assert np.allclose(heat(images, None), heat(images, top))


@pytest.mark.parametrize("settings", [
    {"backbone": "SmallNet", "output": "sigmoid"}, {"backbone": "SmallNet", "pooling": "both"},
    {"backbone": "MobileNetV2", "alpha": 0.35, "cut_layer": "block_6_project_BN"},
], ids=["one unit", "two poolings", "cut"])
def test_any_head_and_cut(settings):
    chosen = ModelSettings(weights="none", **settings)
    model = build_network(chosen, SIZE, 2, None, 0).whole
    images, _, _ = pictures(3, 3)
    heat = grad_cam(model)(images, np.array([0, 1, 0]))
    assert heat.shape == (3, SIZE, SIZE) and np.isfinite(heat).all()
    assert heat[1].max() > 0 or heat[0].max() > 0


def test_a_model_that_looks_at_nothing_has_no_heat():
    image = keras.Input((SIZE, SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, kernel_initializer="zeros")(image))
    model = keras.Model(image, keras.layers.Dense(2, "softmax")(pooled))
    assert (grad_cam(model)(pictures(2, 4)[0], None) == 0).all()
