"""Checking images in another process, seen from outside: ask for files, take answers in whatever order they come.

That process may die of an image, by a fault in a decoder or for want of memory. Then it is started again, and what it
had not answered is asked for one by one, until the image is found that it dies of: that one is bad, the rest go on.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

from core.data.images.formats import CRASHED
from core.data.images.inspection import Inspection
from core.errors import DataError

_PROJECT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.1
_AT_ONCE = 8
"""Files a line: each line costs both processes system calls."""
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""The process computes nothing, and threads with pools of their own would keep memory that others could use."""

Answer = tuple[str, Inspection]


class Checker:
    """Checks images of a dataset's folder; a context, at whose end the process is gone.

    Args:
        folder: The dataset's.
        max_pixels: Larger images are bad.
    """

    def __init__(self, folder: Path, max_pixels: int) -> None:
        self._folder, self._max_pixels = folder.resolve(), max_pixels
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[list[dict[str, Any]] | None] = queue.Queue()
        self._asked: list[str] = []
        """Not yet sent."""
        self._answered: deque[dict[str, Any]] = deque()
        """Come, and not yet given out."""
        self._open: dict[str, None] = {}
        """Asked for and not answered, in order."""
        self._suspects: deque[str] = deque()
        """Not yet asked for again since the process died."""
        self._alone = ""
        """The one suspect that the process works on."""
        self._started = False
        """The process has said that it is there."""

    def __enter__(self) -> Checker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end()

    @property
    def waiting(self) -> int:
        """How many files have no answer yet."""
        return len(self._open)

    def ask(self, file: str) -> None:
        """Have a file checked; `file` as in the manifest."""
        self._open[file] = None
        if self._alone:
            self._suspects.append(file)
        else:
            self._asked.append(file)
            if len(self._asked) == _AT_ONCE:
                self._send()

    def answer(self, wait: bool) -> Answer | None:
        """One more answer; None when there is none now, or none came within a tenth of a second of waiting.

        Raises:
            DataError: the process cannot be started.
            OSError: what it has to write cannot be written.
        """
        if not self._answered:
            if wait:
                self._send()
            try:
                answers = self._lines.get(wait and bool(self._open), _POLL_SECONDS)
            except queue.Empty:
                return None
            if answers is None:
                return self._after_death()
            self._started = True
            self._answered.extend(answers)
        return self._given(self._answered.popleft()) if self._answered else None

    def _given(self, answer: dict[str, Any]) -> Answer:
        file = answer["file"]
        if "failed" in answer:
            raise OSError(answer["errno"], answer["failed"]) if answer["errno"] else RuntimeError(answer["failed"])
        del self._open[file]
        if file == self._alone:
            self._next_suspect()
        return file, Inspection(answer["width"], answer["height"], answer["reason"])

    def _after_death(self) -> Answer | None:
        self._end()
        if not self._started:
            raise DataError("The process that checks the images could not be started.",
                            "The terminal in which Graft runs has the details.")
        if self._alone:
            culprit, self._alone = self._alone, ""
            del self._open[culprit]
            self._asked, self._suspects = list(self._suspects), deque()
            self._send()
            return culprit, Inspection(reason=CRASHED)
        self._suspects, self._asked = deque(self._open), []
        self._next_suspect()
        return None

    def _next_suspect(self) -> None:
        self._alone = self._suspects.popleft() if self._suspects else ""
        if self._alone:
            self._asked = [self._alone]
            self._send()

    def _send(self) -> None:
        """Send what was asked for and not yet sent, a few files a line."""
        process = self._running()
        assert process.stdin is not None
        try:
            while self._asked:
                line, self._asked = self._asked[:_AT_ONCE], self._asked[_AT_ONCE:]
                process.stdin.write(" ".join(line) + "\n")
            process.stdin.flush()
        except OSError:
            pass  # it has died: `answer` meets the end of its output

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.data.images.inspector", str(self._folder), str(self._max_pixels)],
                cwd=_PROJECT, env={**os.environ, **_ENVIRONMENT}, text=True, encoding="utf-8", stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, start_new_session=True,  # Ctrl-C is for the reader, who ends it
            )
            self._lines, self._started = queue.Queue(), False
            threading.Thread(target=_read, args=(self._process, self._lines), daemon=True, name="checked").start()
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                try:
                    pipe.close()
                except OSError:  # a file name that it no longer took
                    pass
            self._process = None


def _read(process: subprocess.Popen[str], lines: queue.Queue[list[dict[str, Any]] | None]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(json.loads(line))
    except ValueError:
        pass  # it died in the middle of a line, or its output was closed
    lines.put(None)
