"""The model itself in each format, by Keras's and LiteRT's own exporters where there is one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from core.runs.run import Run

Images = Callable[[], np.ndarray]
"""Some of the run's training images, as the model takes them: float32 [n, size, size, 3]. [0, ...] where there are
none."""


def as_keras(run: Run, model: keras.Model, folder: Path, images: Images) -> None:
    """`model.keras`, as it was trained."""
    shutil.copy(run.path / "model.keras", folder / "model.keras")


def as_savedmodel(run: Run, model: keras.Model, folder: Path, images: Images) -> None:
    """`saved_model`: a folder for TensorFlow and TensorFlow Serving."""
    model.export(str(folder / "saved_model"), format="tf_saved_model", verbose=False)


def as_onnx(run: Run, model: keras.Model, folder: Path, images: Images) -> None:
    """`model.onnx`, by Keras's exporter, which stands on tf2onnx."""
    size = model.input_shape[1]
    model(np.zeros((1, size, size, 3), np.float32))  # one that was never called cannot be exported
    model.export(str(folder / "model.onnx"), format="onnx", verbose=False)


def as_tflite(run: Run, model: keras.Model, folder: Path, images: Images) -> None:
    """`model.tflite`: float32."""
    _litert(model, folder)


def as_tflite_float16(run: Run, model: keras.Model, folder: Path, images: Images) -> None:
    """`model.tflite`: weights of 16 bits, half the size."""
    import tensorflow as tf

    _litert(model, folder, optimizations=[tf.lite.Optimize.DEFAULT], supported_types=[tf.float16])


def as_tflite_int8(run: Run, model: keras.Model, folder: Path, images: Images) -> None:
    """`model.tflite`: weights and activations of 8 bits, a quarter of the size, calibrated on the run's own images;
    input and output stay float32."""
    import tensorflow as tf

    some = images()

    def calibration() -> Iterator[list[np.ndarray]]:
        for row in some:
            yield [row[None]]

    _litert(model, folder, optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=calibration)


def _litert(model: keras.Model, folder: Path, supported_types: list[Any] | None = None, **options: Any) -> None:
    """TensorFlow's converter."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        model.export(scratch, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
        for name, value in options.items():
            setattr(converter, name, value)
        if supported_types:
            converter.target_spec.supported_types = supported_types
        (folder / "model.tflite").write_bytes(converter.convert())
