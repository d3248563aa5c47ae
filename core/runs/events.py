"""What `events.jsonl` of a run tells, read on from where the last look ended.

Whoever follows a run looks many times a second at a file that only grows. The rows found so far are kept here for the
few files that were looked at last, and thinned so that a long run takes no more room than a short one.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

KEPT_FILES = 16
MOST_POINTS = 2000
"""Batch rows kept of one run: when there are more, every other one goes."""

_files: OrderedDict[Path, _Tail] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Told:
    """What a run has told so far."""

    batches: list[dict[str, Any]]
    """Rows of epoch (fractional), phase, phase_index, loss, accuracy; at most about `MOST_POINTS`, the latest always
    among them."""
    notes: list[str]


def read(path: Path) -> Told:
    """What stands in the file now; only what is new since the last call is read. A missing file has told nothing."""
    with _lock:
        tail = _files.setdefault(path, _Tail())
        _files.move_to_end(path)
        while len(_files) > KEPT_FILES:
            _files.popitem(last=False)
    with tail.lock:
        tail.catch_up(path)
        return Told(tail.thinned(), list(tail.notes))


@dataclass
class _Tail:
    """One file, as far as it was read."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    inode: int = -1
    offset: int = 0
    stride: int = 1
    seen: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def catch_up(self, path: Path) -> None:
        """Read the whole lines that were added; begin again when it is another file or a shorter one."""
        try:
            size, inode = path.stat().st_size, path.stat().st_ino
        except OSError:
            self._begin_again(-1)
            return
        if inode != self.inode or size < self.offset:
            self._begin_again(inode)
        if size > self.offset:
            with open(path, "rb") as handle:
                self._read(handle)

    def thinned(self) -> list[dict[str, Any]]:
        """The kept rows, and the latest."""
        if self.last is None or (self.rows and self.rows[-1] is self.last):
            return list(self.rows)
        return [*self.rows, self.last]

    def _begin_again(self, inode: int) -> None:
        self.inode, self.offset, self.stride, self.seen, self.last = inode, 0, 1, 0, None
        self.rows, self.notes = [], []

    def _read(self, handle: BinaryIO) -> None:
        handle.seek(self.offset)
        for line in handle:
            if not line.endswith(b"\n"):  # still being written
                break
            self.offset += len(line)
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):  # torn when a process was killed
                continue

    def _take(self, event: dict[str, Any]) -> None:
        kind = event.get("event")
        if kind == "note":
            self.notes.append(str(event["text"]))
        elif kind == "resume":  # what came after that epoch is told again
            self.rows = [row for row in self.rows if row["epoch"] <= event["epoch"]]
            self.last = self.rows[-1] if self.rows else None
        elif kind == "batch":
            self.last = {
                "epoch": event["epoch"] - 1 + event["step"] / max(event["steps"], 1), "phase": event.get("phase", ""),
                "phase_index": event.get("phase_index", 0),
                "loss": event["loss"], "accuracy": event["accuracy"],
            }
            if self.seen % self.stride == 0:
                self.rows.append(self.last)
            self.seen += 1
            if len(self.rows) > MOST_POINTS:
                self.rows, self.stride = self.rows[::2], 2 * self.stride
