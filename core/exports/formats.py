"""What a run can be exported to. A further format is a row of `FORMATS`, a function of the engine that writes the
model, and a file that runs it outside. They are made by the job `export`: see `core.exporting`."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import GraftError


@dataclass(frozen=True)
class ExportFormat:
    """One form of a trained model: a zip with the model and all that is needed to use it."""

    name: str
    title: str
    description: str
    """What it is for, in a phrase."""
    made_by: str
    """`module:function` of the engine: takes the run, its Keras model, a folder, and what gives training images."""
    runtime: str
    """The file below `core/engine/exporters/outside` that runs it."""
    suffix: str = ".zip"
    mime: str = "application/zip"


_BY = "core.engine.exporters.model_files"
FORMATS: dict[str, ExportFormat] = {kind.name: kind for kind in (
    ExportFormat("keras", "Keras", "to go on with in Python", f"{_BY}:as_keras", "with_keras.py"),
    ExportFormat("onnx", "ONNX", "runs nearly everywhere, without TensorFlow", f"{_BY}:as_onnx", "with_onnx.py"),
    ExportFormat("savedmodel", "SavedModel", "for TensorFlow and TensorFlow Serving", f"{_BY}:as_savedmodel",
                 "with_savedmodel.py"),
    ExportFormat("tflite", "LiteRT", "for phones and small computers (.tflite)", f"{_BY}:as_tflite", "with_litert.py"),
    ExportFormat("tflite-float16", "LiteRT, 16 bits", "the same at half the size", f"{_BY}:as_tflite_float16",
                 "with_litert.py"),
    ExportFormat("tflite-int8", "LiteRT, 8 bits", "a quarter of the size, calibrated on your pictures",
                 f"{_BY}:as_tflite_int8", "with_litert.py"),
)}


def get(name: str) -> ExportFormat:
    """A format by its name. Raises GraftError, which names what there is."""
    if name not in FORMATS:
        raise GraftError(f"--format {name} is not available in this version.", f"Use one of: {', '.join(FORMATS)}.")
    return FORMATS[name]
