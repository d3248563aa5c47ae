"""The finished model on disk, and its fast twin for prediction.

`model.keras` is the model. Beside it `serving.onnx` is the same network for ONNX Runtime, kept only when it gave the
same probabilities, and tied by hash to the `model.keras` it was made from, so that prediction needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from core.engine.model.onnx_graph import to_onnx
from core.engine.model.onnx_session import FEATURES, FEATURES_LAYER, onnx_runner
from core.runs.results import METRICS, SERVING
from core.store.files import digest, write_text

if TYPE_CHECKING:
    import pandas as pd

CHECK_IMAGES = 8
PROBABILITY_TOLERANCE = 5e-3
"""Activations kept as float16 move a probability by up to about a thousandth."""


def room_for(model: keras.Model, images: int, classes: int) -> int:
    """Bytes that a finished model takes at most: itself, its twin, and predictions for a number of images."""
    return int(2.2 * 4 * model.count_params()) + images * (8 * classes + 512) + 64 * 1024 * len(model.layers) // 4


def save_model(model: keras.Model, folder: Path, classes: list[str]) -> None:
    """Write model.keras and labels.txt."""
    model.save(folder / "model.keras")
    write_text(folder / "labels.txt", "\n".join(classes) + "\n")


def save_scores(folder: Path, table: pd.DataFrame, metrics: dict[str, Any]) -> None:
    """Write predictions.parquet and metrics.json."""
    table.to_parquet(folder / "predictions.parquet", index=False)
    METRICS.write(folder / "metrics.json", metrics)


def save_twin(model: keras.Model, folder: Path, images: np.ndarray, expected: np.ndarray,
              note: Callable[[str], None]) -> None:
    """Write serving.onnx for the model.keras in the folder, when it agrees with `expected` on `images`.

    Args:
        images: uint8 [n, h, w, 3].
        expected: Probabilities [n, classes] that training and evaluation used for them.
    """
    twin = folder / "serving.onnx"
    try:
        twin.write_bytes(to_onnx(model, also={FEATURES_LAYER: FEATURES}).SerializeToString())
        difference = float(np.abs(onnx_runner(twin)(images) - expected).max())
    except Exception as error:  # onnxruntime's errors share no base class; without the twin Keras predicts
        twin.unlink(missing_ok=True)
        return note(f"Prediction will use Keras: {type(error).__name__}: {error}")
    if not difference <= PROBABILITY_TOLERANCE:
        twin.unlink()
        return note(f"Prediction will use Keras: the converted network's probabilities differ by {difference:.1e}.")
    SERVING.write(folder / "serving.json", {
        "model": digest(folder / "model.keras"), "difference": difference, "images": len(images),
        "image_size": model.input_shape[1]})
