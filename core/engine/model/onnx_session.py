"""Running an ONNX file. Apart from the converter, so that prediction needs neither keras nor onnx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.engine.feed.threads import pool
from core.store.processes import cores

PIECE = 8
"""Images that one thread takes at a time. Small: what a large network computes on the way then stays small, too."""
FEATURES = "features"
"""Second output of the file made of a finished model: the pooled features, for those who want no classes."""
FEATURES_LAYER = "head_pool"
"""The layer of the model that gives them."""
Runner = Callable[[np.ndarray], np.ndarray]
"""uint8 images [n, h, w, 3] in, float32 out."""


def onnx_runner(path: Path) -> Runner:
    """A function that runs an ONNX file and gives its first output.

    Every core runs pieces of the batch through a single-threaded session. Measured on 2 cores against ONNX Runtime's
    own threads: half as many images again per second of CPU time, and no spinning while others (decoding) need a core.
    """
    return next(iter(onnx_runners(path).values()))


def onnx_runners(path: Path) -> dict[str, Runner]:
    """A function for each output of an ONNX file, by its name, in their order; the network is in memory once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return {output.name: _runner(session, output.name) for output in session.get_outputs()}


def _runner(session: Any, output: str) -> Runner:
    def piece(images: np.ndarray) -> np.ndarray:
        return session.run([output], {"images": images})[0]

    def run(images: np.ndarray) -> np.ndarray:
        if len(images) <= 1:
            return piece(images)
        size = min(PIECE, -(-len(images) // cores()))
        starts = range(0, len(images), size)
        return np.concatenate(list(pool().map(lambda start: piece(images[start:start + size]), starts)))

    return run
