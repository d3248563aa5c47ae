"""Graft with a part left out, as a process to be measured: see `benchmarks.look_ahead`.

    python -m benchmarks.without PART[+PART] train RUN_DIR
    python -m benchmarks.without PART[+PART] predict RUN_DIR FOLDER
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def nothing() -> None:
    """Graft as it is."""


def decoding_process() -> None:
    """Decoding begins once Keras is loaded, in threads."""
    from core.engine.feed.pixels import Pixels

    Pixels.start = lambda self, rows: None  # type: ignore[method-assign]


def decoding_thread() -> None:
    """Where no process decodes, the reader decodes each piece when it wants it, on all cores."""
    from core.engine.feed import pixels

    def when_asked(decode: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, piece: int,
                   image_bytes: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(rows), piece):
            yield rows[start:start + piece], decode(rows[start:start + piece])

    pixels.thread_ahead = when_asked


def prediction_ahead() -> None:
    """A batch is decoded on all cores when it is wanted, and predicted before the next one is begun."""
    from core.engine.feed.threads import pool
    from core.engine.inference import decoding

    def when_asked(work: Callable[[Any], Any], items: Sequence[Any], ahead: int) -> Iterator[Any]:
        for start in range(0, len(items), decoding.BATCH):
            yield from list(pool().map(work, items[start:start + decoding.BATCH]))

    decoding.in_threads = when_asked  # type: ignore[assignment]


def pieces() -> None:
    """ONNX Runtime gets whole batches and spreads them over the cores itself."""
    from core.engine.model import onnx_session
    from core.store.processes import cores

    def runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, cores()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return lambda images: session.run(None, {"images": images})[0]

    onnx_session.onnx_runner = runner


PARTS: dict[str, Callable[[], None]] = {
    "nothing": nothing, "decoding-process": decoding_process, "decoding-thread": decoding_thread,
    "prediction-ahead": prediction_ahead, "pieces": pieces,
}


def train(run_dir: str) -> int:
    """What `python -m core.engine.worker RUN_DIR` does."""
    from core.engine import worker

    return worker.main([run_dir])


def predict(run_dir: str, folder: str) -> int:
    """What the prediction process does for every file of a folder."""
    from core.engine.inference.models import Models
    from core.engine.inference.operations import OPERATIONS
    from core.engine.inference.request import Request
    from core.store.limits import Limits

    pictures = sorted(Path(folder).iterdir())
    request = Request(pictures, 60.0, Limits().image_pixels, lambda done, total: None, {"top_k": 3})
    OPERATIONS["predict"](Models().get(Path(run_dir)), request)
    return 0


def main(parts: str, job: str, *given: str) -> int:
    """Leave the parts out, then do the job."""
    for name in parts.split("+"):
        PARTS[name]()
    jobs: dict[str, Callable[..., int]] = {"train": train, "predict": predict}
    return jobs[job](*given)


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
