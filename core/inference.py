"""The long-lived prediction process, seen from outside."""

from __future__ import annotations

import base64
import itertools
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import errors
from core.errors import GraftError, InferenceError
from core.jobs.backends import PROJECT, worker_environment

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[int, int], None]
Message = dict[str, Any]
GRACE_SECONDS = 1.0
"""The process says itself that a model was busy for too long; that answer may take this much longer."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image. With `error` set, the file is no image and the rest is empty."""

    path: str
    label: str
    probability: float
    top: list[dict[str, Any]]
    error: str | None = None


@dataclass(frozen=True)
class Embeddings:
    """The pooled features of images: what a model's backbone makes of them."""

    rows: np.ndarray
    """float32 [n, k]; NaN where the file is no image."""
    errors: list[str | None]
    """For each image why it could not be read."""


@dataclass(frozen=True)
class Heatmap:
    """Where in an image a model finds what speaks for a class."""

    heat: np.ndarray | None
    """float32 [size, size] over the model's square of the image, 0 to 1."""
    overlay: bytes | None
    """A PNG of that square with the heat laid over it."""
    error: str | None
    """Why the image could not be read."""


class Predictor:
    """Owns the prediction process: starts it when needed, again when it died, and never waits for ever.

    Several threads may ask at the same time; each gets its own answers. What all requests share:

    - `timeout`: seconds without a sign of life, waiting for other requests on the same model included, after which the
      request is given up.
    - `progress`: told (images done, images in all).
    - `max_pixels`: larger images are refused; the limit of the workspace that asks. Default: of the run's workspace.

    All raise InferenceError: no model, no answer in time, or the process died.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def predict(self, run_dir: Path, images: Sequence[Path], top_k: int = 3, timeout: float = 60.0,
                progress: Progress | None = None, max_pixels: int | None = None) -> list[Prediction]:
        """Classify image files with a run's model. Raises InferenceError."""
        results = self._ask(_request("predict", run_dir, images, max_pixels, top_k=top_k), timeout, progress)
        return [Prediction(**result) for result in results]

    def embed(self, run_dir: Path, images: Sequence[Path], timeout: float = 60.0, progress: Progress | None = None,
              max_pixels: int | None = None) -> Embeddings:
        """The pooled features that a run's model computes for image files. Raises InferenceError."""
        import numpy as np

        results = self._ask(_request("embed", run_dir, images, max_pixels), timeout, progress)
        rows = np.frombuffer(base64.b64decode(results["rows"]), "<f4").reshape(len(images), results["width"])
        return Embeddings(rows.astype(np.float32), results["errors"])

    def heatmaps(self, run_dir: Path, images: Sequence[Path], label: str | None = None, opacity: float = 0.55,
                 timeout: float = 120.0, progress: Progress | None = None, max_pixels: int | None = None
                 ) -> list[Heatmap]:
        """Where in image files a run's model finds what speaks for a class; None: for the class that each is given.
        Raises InferenceError."""
        import numpy as np

        results = self._ask(_request("heatmaps", run_dir, images, max_pixels, label=label, opacity=opacity), timeout,
                            progress)
        found = []
        for one in results:
            if one["error"]:
                found.append(Heatmap(None, None, one["error"]))
                continue
            values = np.frombuffer(base64.b64decode(one["heat"]), "<f2").astype(np.float32)
            side = round(len(values) ** 0.5)
            found.append(Heatmap(values.reshape(side, side), base64.b64decode(one["overlay"]), None))
        return found

    def small_pictures(self, run_dir: Path, images: Sequence[Path], edge: int, timeout: float = 60.0,
                       max_pixels: int | None = None) -> list[bytes | None]:
        """Image files as JPEGs of at most `edge` pixels; None for a file that is no image. Raises InferenceError."""
        results = self._ask(_request("small_pictures", run_dir, images, max_pixels, edge=edge), timeout, None)
        return [picture and base64.b64decode(picture) for picture in results]

    def warm_up(self) -> None:
        """Start the process in the background, so that the first answer does not wait for it."""
        threading.Thread(target=self._ping, daemon=True, name="warm-up").start()

    def close(self) -> None:
        """End the process. Who still waits for an answer is told that it ended."""
        with self._lock:
            if self._connection is not None:
                self._connection.end()
                self._connection = None

    def _ping(self) -> None:
        try:
            self._ask({"op": "ping"}, 60.0, None)
        except InferenceError:
            pass  # whoever asks for a prediction next starts it again, and is told if that fails

    def _ask(self, request: Message, timeout: float, progress: Progress | None) -> Any:
        connection = self._connected()
        number, answers = connection.ask({**request, "seconds": timeout})
        try:
            while True:
                try:
                    message = answers.get(timeout=timeout + GRACE_SECONDS)
                except queue.Empty:
                    self._retire(connection)
                    raise InferenceError(f"The prediction took longer than {timeout:.0f} s and was given up.",
                                         "Try fewer or smaller images.") from None
                if message is None:
                    raise InferenceError("The prediction process ended unexpectedly.",
                                         "Try again: it is started anew.")
                if "error" in message:
                    raise _as_error(message["error"])
                if "results" in message:
                    return message["results"]
                if progress is not None:
                    progress(message["done"], message["total"])
        finally:
            connection.forget(number)

    def _connected(self) -> _Connection:
        with self._lock:
            if self._connection is None or self._connection.ended:
                self._connection = _Connection()
            return self._connection

    def _retire(self, connection: _Connection) -> None:
        """Begin anew with the next request. The process that was silent may still answer others."""
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.retired = True


class _Connection:
    """A prediction process, and who waits for its answers. Nobody waits while he writes to it, or reads from it."""

    def __init__(self) -> None:
        self.retired = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.engine.inference.server"], cwd=PROJECT, env=_environment(), text=True,
            encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._outgoing: queue.Queue[str | None] = queue.Queue()
        self._waiting: dict[int, queue.Queue[Message | None]] = {}
        self._silent = False
        threading.Thread(target=self._write, daemon=True, name="questions").start()
        threading.Thread(target=_read, args=(self._process, self._deliver), daemon=True, name="answers").start()

    @property
    def ended(self) -> bool:
        """True when there will be no more answers."""
        return self._silent or self._process.poll() is not None

    def ask(self, request: Message) -> tuple[int, queue.Queue[Message | None]]:
        """Send a request: its number, and where its answers arrive; None there: the process ended."""
        answers: queue.Queue[Message | None] = queue.Queue()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = answers
            if self._silent:
                answers.put(None)
        self._outgoing.put(json.dumps({"id": number, **request}) + "\n")
        return number, answers

    def forget(self, number: int) -> None:
        """Nobody waits for these answers any more. A retired process ends with the last of them."""
        with self._lock:
            self._waiting.pop(number, None)
            last = not self._waiting
        if last and self.retired:
            self.end()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._outgoing.put(None)

    def _write(self) -> None:
        assert self._process.stdin is not None
        try:
            while (line := self._outgoing.get()) is not None:
                self._process.stdin.write(line)
                self._process.stdin.flush()
        except OSError:
            pass  # it died: the reader sees it, too, and tells those who wait

    def _deliver(self, message: Message | None) -> None:
        with self._lock:
            if message is None:
                self._silent = True
                for answers in self._waiting.values():
                    answers.put(None)
            elif message["id"] in self._waiting:
                self._waiting[message["id"]].put(message)
        if message is None:
            self.end()


@cache
def shared_predictor() -> Predictor:
    """The one prediction process of this page server."""
    return Predictor()


def _request(operation: str, run_dir: Path, images: Sequence[Path], max_pixels: int | None, **options: Any) -> Message:
    return {"op": operation, "run_dir": str(run_dir), "images": [str(path) for path in images],
            "max_pixels": max_pixels, **options}


def _read(process: subprocess.Popen[str], deliver: Callable[[Message | None], None]) -> None:
    """Hand over every message, and None at the end."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            deliver(json.loads(line))
    except ValueError:
        pass  # the process died in the middle of a line
    deliver(None)


def _environment() -> dict[str, str]:
    """The prediction process stays off the GPU, which belongs to training."""
    return {**worker_environment(), "CUDA_VISIBLE_DEVICES": "-1"}


def _as_error(document: dict[str, str]) -> GraftError:
    kind = getattr(errors, document["kind"], InferenceError)
    return kind(document["message"], document["hint"])
