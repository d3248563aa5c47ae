"""The prediction process: `python -m core.engine.inference.server`, one JSON document a line in, one a line out.

A request is `{id, op: "predict" | "ping", run_dir, images, top_k}`; the answers are any number of
`{id, done, total}` and then `{id, results}` or `{id, error: {kind, message, hint}}`. Models are kept in a small LRU.
Where a run has its checked ONNX twin, TensorFlow is never imported, and the first answer takes milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.data.images.decode import decode
from core.engine.feed.threads import in_threads
from core.engine.model.onnx_session import onnx_runner
from core.engine.quick_import import quickly
from core.errors import GraftError, ImageDecodeError, InferenceError
from core.runs.run import Run
from core.store.files import digest, read_json

KEPT_MODELS = 3
BATCH = 32


@dataclass(frozen=True)
class Model:
    """A loaded model: uint8 [n, size, size, 3] in, probabilities [n, classes] out."""

    size: int
    resize: str
    classes: list[str]
    engine: str
    run: Callable[[np.ndarray], np.ndarray]


class Models:
    """Loaded models, the least recently used one dropped first. A model that changed on disk is loaded again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Model] = OrderedDict()

    def get(self, folder: Path) -> Model:
        """The model of a run folder. Raises InferenceError."""
        path = folder / "model.keras"
        if not path.is_file():
            raise InferenceError(f"The run {folder.name} has no model.", "Choose a completed run.")
        key = (str(folder), path.stat().st_mtime_ns)
        if key not in self._kept:
            self._kept[key] = load_model(folder)
            if len(self._kept) > KEPT_MODELS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def load_model(folder: Path) -> Model:
    """Load a run's model: its ONNX twin when that belongs to the model.keras beside it, else Keras."""
    run = Run.open(folder)
    record = folder / "serving.json"
    if record.is_file() and (folder / "serving.onnx").is_file():
        kept = read_json(record)
        if kept["model"] == digest(folder / "model.keras"):
            return Model(kept["image_size"], run.recipe.data.resize, run.classes, "ONNX Runtime",
                         onnx_runner(folder / "serving.onnx"))
    with quickly():
        from core.engine.model.forward import keras_forward
        from core.engine.model.loading import read_model

    model = read_model(folder / "model.keras")
    return Model(model.input_shape[1], run.recipe.data.resize, run.classes, "Keras",
                 keras_forward(model, "no converted twin").run)


def predict(model: Model, images: Sequence[str], top_k: int,
            progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """Classify files in order; one that is no image has an `error` in place of an answer."""
    results: list[dict[str, Any]] = []
    for batch in _batches(model, images):
        good = [image for _, image in batch if isinstance(image, np.ndarray)]
        rows = iter(model.run(np.stack(good))) if good else iter(())
        for path, image in batch:
            if isinstance(image, np.ndarray):
                results.append({"path": path, **_answer(next(rows), model.classes, top_k)})
            else:
                results.append({"path": path, "label": "", "probability": 0.0, "top": [], "error": image.message})
        progress(len(results), len(images))
    return results


def _answer(probabilities: np.ndarray, classes: list[str], top_k: int) -> dict[str, Any]:
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    top = [{"label": classes[index], "probability": round(float(probabilities[index]), 6)} for index in order]
    return {**top[0], "top": top, "error": None}


def _batches(model: Model, images: Sequence[str]) -> Iterator[list[tuple[str, np.ndarray | ImageDecodeError]]]:
    def read(path: str) -> tuple[str, np.ndarray | ImageDecodeError]:
        try:
            return path, decode(Path(path), model.size, model.resize)
        except ImageDecodeError as error:
            return path, error

    batch = []
    for item in in_threads(read, images, ahead=2 * BATCH):
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def serve(requests: Iterator[str], send: Callable[[dict[str, Any]], None]) -> None:
    """Answer requests until there are no more."""
    models = Models()
    for line in requests:
        request = json.loads(line)
        name = request["id"]
        try:
            if request["op"] == "ping":
                import onnxruntime  # noqa: F401  the warm-up: most models need nothing else

                send({"id": name, "results": []})
                continue
            model = models.get(Path(request["run_dir"]))
            results = predict(model, request["images"], request["top_k"], partial(_progress, send, name))
            send({"id": name, "results": results, "engine": model.engine})
        except GraftError as error:
            send({"id": name, "error": error.as_dict()})
        except Exception as error:  # the process's outermost frame: the caller gets it, the next request is answered
            traceback.print_exc()
            send({"id": name, "error": InferenceError(
                f"The prediction failed with an unexpected error: {type(error).__name__}: {error}",
                "Train the model again if this happens with every image.").as_dict()})


def _progress(send: Callable[[dict[str, Any]], None], name: int, done: int, total: int) -> None:
    send({"id": name, "done": done, "total": total})


def main() -> None:
    """Talk over standard input and output; whatever libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)

        def send(document: dict[str, Any]) -> None:
            out.write(json.dumps(document) + "\n")
            out.flush()

        serve(iter(sys.stdin.readline, ""), send)


if __name__ == "__main__":
    main()
