"""Raw pixels in, and out comes what Keras makes of them: its own `preprocess_input`, then its own application.

The networks have random weights that behave as pretrained ones do, from a file in Keras's layout that both load.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest

from core.backbones.catalogue import BACKBONES, Backbone
from core.engine.model.constructors import OWN
from core.engine.model.forward import relative_difference
from core.engine.model.network import build_network
from core.recipe.fields import ModelSettings
from tests.backbones.rows import one_a_family
from tests.engine.pretrained import blobs, write_weights

ROWS = one_a_family([pytest.param(backbone, id=backbone.name) for backbone in BACKBONES.values()
                     if backbone.name not in OWN])
LARGEST_DIFFERENCE = 1e-4
"""Of a feature map, relative to its largest value. Measured: up to 5.1e-6 (MobileNet)."""


@dataclass(frozen=True)
class Pair:
    """The same network twice, and pictures."""

    source: Any
    """The module of Keras that the application comes from."""
    keras: keras.Model
    graft: keras.Model
    images: np.ndarray

    def expected(self) -> np.ndarray:
        """What Keras gives."""
        pixels = self.source.preprocess_input(self.images.astype(np.float32))
        return np.asarray(self.keras(pixels, training=False))


@pytest.fixture(params=ROWS)
def pair(request: pytest.FixtureRequest, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    backbone: Backbone = request.param
    size, alpha = backbone.min_size, backbone.default_alpha
    path = write_weights(tmp_path, backbone.name, alpha)
    constructor = getattr(keras.applications, backbone.name)
    source = sys.modules[constructor.__module__]
    # as if it had been downloaded; some applications are built otherwise when they are asked for these weights
    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", lambda *given, **more: str(path))
    weights = str(path) if backbone.family == "NASNet" else "imagenet"  # which takes those for 224 or 331 pixels only
    options = {} if alpha is None else {"alpha": alpha}
    keras.utils.clear_session()
    theirs = constructor(include_top=False, weights=weights, input_shape=(size, size, 3), **options)
    settings = ModelSettings(backbone=backbone.name, alpha=alpha)
    network = build_network(settings, size, 2, path, seed=0)
    path.unlink()
    yield Pair(source, theirs, keras.Model(network.whole.input, network.backbone_output), blobs(4, size))
    keras.utils.clear_session()


def test_raw_pixels_give_what_preprocess_input_and_the_application_give(pair):
    expected = pair.expected()
    found = np.asarray(pair.graft(pair.images, training=False))
    assert np.isfinite(expected).all() and np.abs(expected).max() > 0.01
    difference = relative_difference(found, expected)
    print(f"{pair.keras.name}: {difference:.1e}")
    assert difference < LARGEST_DIFFERENCE
    twice = np.asarray(pair.graft(pair.images / np.float32(127.5) - 1, training=False))
    assert relative_difference(twice, expected) > 100 * LARGEST_DIFFERENCE  # pixels scaled twice would be noticed


def test_every_constructor_of_keras_is_compared():
    """All that Keras has, and nothing else."""
    known = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {param.id for param in ROWS} == known
