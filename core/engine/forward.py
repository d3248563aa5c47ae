"""The fastest way to run a model forward on this machine, checked against Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from core.cache import claim
from core.engine.onnx_graph import UnsupportedLayer, to_onnx
from core.engine.onnx_session import onnx_runner
from core.storage import read_json, replacing, write_json

CHECK_IMAGES = 32
RELATIVE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Forward:
    """A forward pass: `run` takes uint8 images [n, h, w, 3] and gives float32 [n, ...]."""

    engine: str
    why: str
    run: Callable[[np.ndarray], np.ndarray]


def keras_forward(model: keras.Model, why: str) -> Forward:
    """The model as Keras runs it. Batches are filled up to a whole piece, so that one graph serves all."""
    model.compile(jit_compile=False)
    full = 0

    def run(images: np.ndarray) -> np.ndarray:
        nonlocal full
        full = max(full, len(images))
        filled = np.concatenate([images, np.repeat(images[:1], full - len(images), 0)])
        return np.asarray(model.predict_on_batch(filled), np.float32)[:len(images)]

    return Forward("Keras", why, run)


def fastest_forward(model: keras.Model, folder: Path, sample: np.ndarray) -> Forward:
    """ONNX Runtime where the converted model agrees with Keras, else Keras.

    Args:
        folder: Where the converted model is kept, with what the check found; one folder a model and its weights.
        sample: Images [k, h, w, 3] uint8 for the check; the first CHECK_IMAGES of them are used.
    """
    claim(folder)
    path, record = folder / "model.onnx", folder / "check.json"
    if not record.is_file():
        write_json(record, _convert_and_check(model, path, sample[:CHECK_IMAGES]))
    check = read_json(record)
    if has_gpu():
        return keras_forward(model, "a GPU is there")
    if check["problem"]:
        return keras_forward(model, check["problem"])
    return Forward("ONNX Runtime", f"agrees with Keras on {check['images']} images within {check['difference']:.1e}",
                   onnx_runner(path))


def largest_output(folder: Path) -> float | None:
    """The largest magnitude that the checked model gave, or None before `fastest_forward` has looked at it."""
    record = folder / "check.json"
    return float(read_json(record)["largest"]) if record.is_file() else None


def note_largest(folder: Path, value: float) -> None:
    """Correct what the check found: other images gave a larger magnitude."""
    record = folder / "check.json"
    write_json(record, {**read_json(record), "largest": value})


def has_gpu() -> bool:
    """True when keras sees a GPU."""
    return bool(keras.distribution.list_devices("gpu"))


def relative_difference(left: np.ndarray, right: np.ndarray) -> float:
    """Largest difference over the largest value."""
    return float(np.abs(left - right).max() / max(float(np.abs(right).max()), 1e-12))


def _convert_and_check(model: keras.Model, path: Path, sample: np.ndarray) -> dict[str, Any]:
    """Convert, run both on the sample, and tell: problem ("" when it can be used), difference, images, largest."""
    expected = keras_forward(keras.Model(model.input, model.output), "check").run(sample)
    found = {"problem": "", "difference": None, "images": len(sample), "largest": float(np.abs(expected).max())}
    try:
        converted = to_onnx(model).SerializeToString()
    except UnsupportedLayer as error:
        return {**found, "problem": f"the converter does not know {error}"}
    except ValueError as error:  # protobuf refuses messages over 2 GB
        return {**found, "problem": f"the network cannot be written as ONNX ({error})"}
    with replacing(path) as temporary:
        temporary.write_bytes(converted)
    difference = relative_difference(onnx_runner(path)(sample), expected)
    if not difference <= RELATIVE_TOLERANCE:
        found["problem"] = f"the converted network differs by {difference:.1e}"
    return {**found, "difference": difference}
