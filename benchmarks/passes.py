"""What no system can avoid, each alone: decoding every image once, and one forward pass over the decoded images.

    python -m benchmarks.passes decode|onnx|keras DATASET_DIR REPORT [--weights FILE]

REPORT gets the seconds. Imports, building the network and the first batch are not counted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.jobs import ALPHA, BACKBONE, BATCH, SIZE
from core.data.dataset import Dataset
from core.data.images.decode import decode_batch

CHECKED = 8


def main() -> None:
    """Time one of the passes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("decode", "onnx", "keras"))
    parser.add_argument("dataset", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--weights", type=Path)
    args = parser.parse_args()
    dataset = Dataset.load(args.dataset)
    paths = [dataset.image_path(file) for file in dataset.usable()["file"]]
    decode_batch(paths[:CHECKED], SIZE)
    began = time.monotonic()
    images = decode_batch(paths, SIZE)
    seconds = time.monotonic() - began
    if args.kind != "decode":
        forward = forward_pass(args.kind, args.weights)
        forward(images[:BATCH])
        began = time.monotonic()
        forward(images)
        seconds = time.monotonic() - began
    args.report.write_text(json.dumps({"seconds": seconds, "images": len(images)}), "utf-8")


def forward_pass(kind: str, weights: Path | None) -> Callable[[np.ndarray], np.ndarray]:
    """Decoded images to pooled features, float32 [n, channels]."""
    import keras

    from core.engine.model.network import build_network
    from core.engine.model.onnx_graph import to_onnx
    from core.engine.model.onnx_session import onnx_runner
    from core.recipe.fields import ModelSettings

    network = build_network(ModelSettings(backbone=BACKBONE, alpha=ALPHA), SIZE, 2, weights, 0)
    model = keras.Model(network.whole.input, network.features)
    if kind == "keras":
        return lambda images: model.predict(images, batch_size=BATCH, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trunk.onnx")
        path.write_bytes(to_onnx(model).SerializeToString())
        run = onnx_runner(path)
    return lambda images: np.concatenate([run(images[at:at + BATCH]) for at in range(0, len(images), BATCH)])


if __name__ == "__main__":
    main()
