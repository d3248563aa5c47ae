"""Running an ONNX file. Apart from the converter, so that prediction needs neither keras nor onnx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np


def onnx_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A function that runs an ONNX file: uint8 images [n, h, w, 3] in, float32 out."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(images: np.ndarray) -> np.ndarray:
        return session.run(None, {"images": images})[0]

    return run
