"""The long-lived prediction process, seen from outside."""

from __future__ import annotations

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
from typing import Any

from core import errors
from core.errors import GraftError, InferenceError
from core.jobs.queue import PROJECT, worker_environment

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image. With `error` set, the file is no image and the rest is empty."""

    path: str
    label: str
    probability: float
    top: list[dict[str, Any]]
    error: str | None = None


class Predictor:
    """Owns the prediction process: starts it when needed, again when it died, and never waits for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._numbers = itertools.count(1)

    def predict(self, run_dir: Path, images: Sequence[Path], top_k: int = 3, timeout: float = 60.0,
                progress: Progress | None = None) -> list[Prediction]:
        """Classify image files with a run's model.

        Args:
            timeout: Seconds without a sign of life after which the process is given up.
            progress: Told (images done, images in all).

        Raises:
            InferenceError: no model, no answer, or the process died.
        """
        answer = self._ask({"op": "predict", "run_dir": str(run_dir), "images": [str(path) for path in images],
                            "top_k": top_k}, timeout, progress)
        return [Prediction(**result) for result in answer["results"]]

    def warm_up(self) -> None:
        """Start the process in the background, so that the first answer does not wait for it."""
        threading.Thread(target=self._ping, daemon=True, name="warm-up").start()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _ping(self) -> None:
        try:
            self._ask({"op": "ping"}, 60.0, None)
        except InferenceError:
            pass  # whoever asks for a prediction next starts it again, and is told if that fails

    def _ask(self, request: dict[str, Any], timeout: float, progress: Progress | None) -> dict[str, Any]:
        with self._lock:
            process = self._running()
            number = next(self._numbers)
            try:
                assert process.stdin is not None
                process.stdin.write(json.dumps({"id": number, **request}) + "\n")
                process.stdin.flush()
            except OSError as error:
                self._stop()
                raise _gone() from error
            return self._answer(number, timeout, progress)

    def _answer(self, number: int, timeout: float, progress: Progress | None) -> dict[str, Any]:
        while True:
            try:
                message = self._answers.get(timeout=timeout)
            except queue.Empty:
                self._stop()
                raise InferenceError(f"The prediction took longer than {timeout:.0f} s and was given up.",
                                     "Try fewer or smaller images.") from None
            if message is None:
                self._stop()
                raise _gone()
            if message["id"] != number:
                continue
            if "error" in message:
                raise _as_error(message["error"])
            if "results" in message:
                return message
            if progress is not None:
                progress(message["done"], message["total"])

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.engine.inference.server"], cwd=PROJECT, env=_environment(), text=True,
            encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self._answers = queue.Queue()
        threading.Thread(target=_read, args=(self._process, self._answers), daemon=True, name="answers").start()
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@cache
def shared_predictor() -> Predictor:
    """The one prediction process of this page server."""
    return Predictor()


def _read(process: subprocess.Popen[str], answers: queue.Queue[dict[str, Any] | None]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(json.loads(line))
    except ValueError:
        pass  # the process died in the middle of a line
    answers.put(None)


def _environment() -> dict[str, str]:
    """The prediction process stays off the GPU, which belongs to training."""
    return {**worker_environment(), "CUDA_VISIBLE_DEVICES": "-1"}


def _gone() -> InferenceError:
    return InferenceError("The prediction process ended unexpectedly.", "Try again: it is started anew.")


def _as_error(document: dict[str, str]) -> GraftError:
    kind = getattr(errors, document["kind"], InferenceError)
    return kind(document["message"], document["hint"])
