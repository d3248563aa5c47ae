"""The fastest way to run a model forward on this machine, checked against Keras."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from core.engine.model.onnx_graph import UnsupportedLayer, to_onnx
from core.engine.model.onnx_session import onnx_runner
from core.errors import NewerFormatError
from core.store.cache import claim
from core.store.documents import Format
from core.store.files import replacing

CHECK_IMAGES = 32
_CHECK = Format("check of a converted network")
RELATIVE_TOLERANCE = 1e-3
CLEARLY_SLOWER = 0.8
"""Below this share of Keras's speed ONNX Runtime is not used. Less than 1: one short measurement on a busy machine is
rough, its verdict is kept, and ONNX Runtime is the faster one for every backbone of the catalogue that was measured."""


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
    try:
        check = _CHECK.read(record) if record.is_file() else None
    except ValueError:  # damaged: it is made again
        check = None
    except NewerFormatError as error:  # another version's: it keeps what it has found
        return keras_forward(model, str(error))
    if check is None or check["gpu"] != has_gpu() or not (check["problem"] or path.is_file()):
        check = _convert_and_check(model, path, sample[:CHECK_IMAGES])
        _CHECK.write(record, check)
    if not check["problem"]:
        try:
            return Forward("ONNX Runtime", f"{check['gain']:.1f} times as fast as Keras here, and agrees with it on "
                           f"{check['images']} images within {check['difference']:.1e}", onnx_runner(path))
        except Exception as error:  # onnxruntime's errors share no base class
            check["problem"] = f"ONNX Runtime cannot load the converted network: {error}"
    return keras_forward(model, check["problem"])


def largest_output(folder: Path) -> float | None:
    """The largest magnitude that the checked model gave, or None before `fastest_forward` has looked at it."""
    try:
        return float(_CHECK.read(folder / "check.json")["largest"])
    except (OSError, ValueError, KeyError, NewerFormatError):
        return None


def note_largest(folder: Path, value: float) -> None:
    """Correct what the check found: other images gave a larger magnitude."""
    record = folder / "check.json"
    with contextlib.suppress(NewerFormatError):
        _CHECK.write(record, {**_CHECK.read(record), "largest": value})


def has_gpu() -> bool:
    """True when keras sees a GPU."""
    return bool(keras.distribution.list_devices("gpu"))


def relative_difference(left: np.ndarray, right: np.ndarray) -> float:
    """Largest difference over the largest value."""
    return float(np.abs(left - right).max() / max(float(np.abs(right).max()), 1e-12))


def _convert_and_check(model: keras.Model, path: Path, sample: np.ndarray) -> dict[str, Any]:
    """Convert, run both on the sample and tell: problem ("" when ONNX Runtime is to be used), difference, images,
    largest (magnitude of the output), gain (Keras's seconds over ONNX Runtime's), gpu."""
    keras_run = keras_forward(keras.Model(model.input, model.output), "check").run
    expected = keras_run(sample)
    largest = float(np.abs(expected).max())
    found: dict[str, Any] = {"problem": "", "difference": None, "images": len(sample), "largest": largest, "gain": None,
                             "gpu": has_gpu()}
    if found["gpu"]:
        return {**found, "problem": "a GPU is there"}
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(to_onnx(model).SerializeToString())
        onnx_run = onnx_runner(path)
        found["difference"] = relative_difference(onnx_run(sample), expected)
    except UnsupportedLayer as error:
        return {**found, "problem": f"the converter does not know {error}"}
    except Exception as error:  # onnxruntime's errors share no base class; Keras can always do it
        return {**found, "problem": f"the converted network does not run: {type(error).__name__}: {error}"}
    if not found["difference"] <= RELATIVE_TOLERANCE:
        return {**found, "problem": f"the converted network differs by {found['difference']:.1e}"}
    found["gain"] = _seconds(keras_run, sample) / max(_seconds(onnx_run, sample), 1e-9)
    if found["gain"] < CLEARLY_SLOWER:
        found["problem"] = f"it is faster here, {1 / found['gain']:.1f} times"
    return found


def _seconds(run: Callable[[np.ndarray], np.ndarray], sample: np.ndarray) -> float:
    began = time.perf_counter()
    run(sample)
    return time.perf_counter() - began
