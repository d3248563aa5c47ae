"""Backbone by backbone: agreement with Keras's own application, and how many images a second go through it.

    python -m benchmarks.backbones [NAME ...] [--images 64] [--json FILE]       default: the smallest of each family

Random weights with settled batch normalisation, random images of the backbone's default size. `difference`: between
Graft's network on raw pixels and `preprocess_input` followed by the application with the same weights, relative to the
largest value. `keras` and `onnx`: images a second of the frozen part up to the pooled features, through
`predict_on_batch` and through ONNX Runtime, after a batch that is not counted; where ONNX Runtime is not used, `why`
says why.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import machine
from core.backbones.catalogue import BACKBONES, get
from core.recipe.fields import ModelSettings
from core.store.files import write_json

RESULTS = Path(__file__).with_name("results") / "backbones.json"
BATCH = 32
SETTLED = 8
NOT_IN_KERAS = ("EfficientNetLite0", "SmallNet")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=smallest())
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--json", type=Path, default=RESULTS)
    args = parser.parse_args()
    found = json.loads(args.json.read_text("utf-8")) if args.json.is_file() else {"backbones": {}}
    for name in args.names:
        found["backbones"][name] = measured(name, args.images)
        print(f"{name:20} {json.dumps(found['backbones'][name])}", flush=True)
        write_json(args.json, {**found, "machine": machine()})


def smallest() -> list[str]:
    """One backbone of each family of Keras, and the one that comes along."""
    found: dict[str, str] = {}
    for backbone in sorted(BACKBONES.values(), key=lambda backbone: backbone.variants[0].parameters):
        if backbone.name not in NOT_IN_KERAS:
            found.setdefault(backbone.family, backbone.name)
    return [*found.values(), NOT_IN_KERAS[0]]


def measured(name: str, count: int) -> dict[str, Any]:
    """`{family, alpha, size, difference, keras, onnx, onnx_difference, why, load_when_it_began}`."""
    import keras

    from core.engine.model.forward import keras_forward, relative_difference
    from core.engine.model.network import build_network
    from core.engine.model.onnx_graph import UnsupportedLayer, to_onnx
    from core.engine.model.onnx_session import onnx_runner

    backbone, variant = get(name)
    size, load = backbone.default_size, os.getloadavg()[0]
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
    network = build_network(ModelSettings(backbone=name, alpha=variant.alpha, weights="none"), size, 2, None, 0)
    features = keras.Model(network.whole.input, network.features)
    settle(features, images[:SETTLED])
    row: dict[str, Any] = {
        "family": backbone.family, "alpha": variant.alpha, "size": size, "images": count, "difference": None,
        "onnx": None, "onnx_difference": None, "why": "", "load_when_it_began": round(load, 1)}
    if name not in NOT_IN_KERAS:
        own = keras.Model(network.whole.input, network.backbone_output)
        row["difference"] = relative_difference(np.asarray(own(images[:4], training=False)),
                                                by_keras(own, name, variant.alpha, images[:4]))
    run = keras_forward(features, "").run
    row["keras"] = speed(run, images)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "network.onnx")
            path.write_bytes(to_onnx(features).SerializeToString())
            through_onnx = onnx_runner(path)
        row["onnx_difference"] = relative_difference(through_onnx(images[:BATCH]), run(images[:BATCH]))
        row["onnx"] = speed(through_onnx, images)
    except UnsupportedLayer as error:
        row["why"] = f"the converter does not know {error}"
    return row


def settle(model: Any, images: np.ndarray) -> None:
    """Give batch normalisation the statistics of these images: else random weights let all signals die out."""
    import keras

    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def by_keras(own: Any, name: str, alpha: float | None, images: np.ndarray) -> np.ndarray:
    """What Keras's application makes of images after its own `preprocess_input`, with the weights of `own`."""
    import keras

    constructor = getattr(keras.applications, name)
    weights = {layer.name: layer.get_weights() for layer in own.layers}
    keras.utils.clear_session()  # layers without a name of their own are numbered through the session
    width = {} if alpha is None else {"alpha": alpha}
    model = constructor(include_top=False, weights=None, input_shape=images.shape[1:], **width)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])
    prepared = sys.modules[constructor.__module__].preprocess_input(images.astype(np.float32))
    return np.asarray(model(prepared, training=False))


def speed(run: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> float:
    """Images a second, in batches."""
    run(images[:BATCH])
    began = time.perf_counter()
    for start in range(0, len(images), BATCH):
        run(images[start:start + BATCH])
    return round(len(images) / (time.perf_counter() - began), 1)


if __name__ == "__main__":
    main()
