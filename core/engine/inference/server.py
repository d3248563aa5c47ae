"""The prediction process: `python -m core.engine.inference.server`, one JSON document a line in, one a line out.

A request is `{id, op, run_dir, images, seconds, max_pixels, ...}` with an `op` of the table of operations, or
`{id, op: "ping"}`; the answers are any number of `{id, done, total}` and then `{id, results}` or
`{id, error: {kind, message, hint}}`. Requests are worked on side by side and answered as they are done. Where a run has
its checked ONNX twin, TensorFlow is never imported, and the first answer takes milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from core import escape
from core.engine.inference.models import Models
from core.engine.inference.operations import OPERATIONS
from core.engine.inference.request import Request
from core.errors import GraftError, InferenceError
from core.runs.run import Run

MOST_AT_ONCE = 32
"""Requests that are worked on side by side; nearly all of them wait for their turn on a model."""
_KNOWN = ("id", "op", "run_dir", "images", "seconds", "max_pixels")

Send = Callable[[dict[str, Any]], None]


def serve(requests: Iterator[str], send: Send) -> None:
    """Answer requests until there are no more, and those that are left to the end."""
    models, sending = Models(), threading.Lock()

    def send_whole(document: dict[str, Any]) -> None:
        with sending:
            send(document)

    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="request") as pool:
        for line in requests:
            pool.submit(_answer, json.loads(line), models, send_whole)


def _answer(request: dict[str, Any], models: Models, send: Send) -> None:
    name = request["id"]
    try:
        if request["op"] == "ping":
            import onnxruntime  # noqa: F401  the warm-up: most models need nothing else

            return send({"id": name, "results": []})
        operation = OPERATIONS[request["op"]]
        model = models.get(Path(request["run_dir"]), request["seconds"])
        results = operation(model, _request(request, partial(_progress, send, name)))
        send({"id": name, "results": results, "engine": model.engine})
    except GraftError as error:
        send({"id": name, "error": error.as_dict()})
    except Exception as error:  # the request's outermost frame: the caller gets it, others are answered
        escape.print_trace(error)
        send({"id": name, "error": InferenceError(
            f"The prediction failed with an unexpected error: {type(error).__name__}: {error}",
            "Train the model again if this happens with every image.").as_dict()})


def _request(document: dict[str, Any], tell: Callable[[int, int], None]) -> Request:
    options = {key: value for key, value in document.items() if key not in _KNOWN}
    max_pixels = document["max_pixels"] or Run.open(document["run_dir"]).limits.image_pixels
    return Request([Path(path) for path in document["images"]], document["seconds"], max_pixels, tell, options)


def _progress(send: Send, name: int, done: int, total: int) -> None:
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
