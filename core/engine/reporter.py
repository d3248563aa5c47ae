"""What a worker tells the world: status, events, history and a heartbeat, all through the run folder."""

from __future__ import annotations

import contextlib
import csv
import math
import threading
import time
from dataclasses import replace
from typing import Any

from core import escape
from core.jobs.job import Job
from core.jobs.reaper import BEAT_SECONDS
from core.jobs.status import PREPARE, TRAIN
from core.runs.run import HISTORY_COLUMNS
from core.runs.status import Status
from core.store.files import replacing
from core.store.processes import this_host, this_process

BATCH_EVENT_SECONDS = 0.25


class StopRequested(Exception):
    """Somebody asked the run to end."""


class Reporter:
    """Writes a run's status, events and history. A context manager: inside it the heartbeat beats."""

    def __init__(self, run: Job) -> None:
        self.run = run
        pid, pid_started = this_process()
        queued = run.status()
        self._status = replace(queued, state="running", stage=PREPARE, host=this_host(), pid=pid,
                               pid_started=pid_started, error=None, started=queued.started or time.time(),
                               message="Starting")
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._last_write = 0.0
        self._last_batch = 0.0
        self._last_stop_check = self._last_pause_check = 0.0

    def __enter__(self) -> Reporter:
        self.update(force=True)
        threading.Thread(target=self._beat, daemon=True, name="heartbeat").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    @property
    def status(self) -> Status:
        """What was last told."""
        return self._status

    def update(self, force: bool = False, **values: Any) -> None:
        """Change fields of the status; written at most four times a second unless forced."""
        with self._lock:
            self._status = replace(self._status, **values)
            if force or time.monotonic() - self._last_write >= BATCH_EVENT_SECONDS:
                self.run.write_status(self._status)
                self._last_write = time.monotonic()

    def note(self, text: str) -> None:
        """Record something worth knowing about the run."""
        print(text, flush=True)
        self.run.append_event("note", text=text)

    def progress(self, message: str, done: int, total: int, rate: float | None = None) -> None:
        """Progress of what comes before the training. Raises StopRequested."""
        eta = (total - done) / rate if rate else None
        self.update(stage=PREPARE, message=message, step=done, steps=total, images_per_second=rate, eta_s=eta,
                    force=done >= total)
        self.raise_if_stopped()

    def batch(self, phase: str, phase_index: int, epoch: int, step: int, steps: int, loss: float, accuracy: float,
              images_per_second: float, eta_s: float | None) -> None:
        """Progress inside an epoch (`epoch` counts from 1, `phase_index` from 0)."""
        self.update(stage=TRAIN, phase=phase, phase_index=phase_index, epoch=epoch, step=step, steps=steps,
                    images_per_second=images_per_second, eta_s=eta_s, message="Training")
        if time.monotonic() - self._last_batch >= BATCH_EVENT_SECONDS or step == steps:
            self._last_batch = time.monotonic()
            self.run.append_event("batch", phase=phase, phase_index=phase_index, epoch=epoch, step=step, steps=steps,
                                  loss=round(loss, 6) if math.isfinite(loss) else None, accuracy=round(accuracy, 6))

    def epoch(self, row: dict[str, Any]) -> None:
        """Add a finished epoch to `history.csv` and the events."""
        path = self.run.path / "history.csv"
        new = not path.exists()
        with open(path, "a", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, HISTORY_COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow({**row, "phase": escape.csv_field(str(row["phase"]))})
        self.run.append_event("epoch", **row)
        self.update(force=True, epoch=row["epoch"])

    def finish(self, state: str, message: str, error: dict[str, str] | None = None) -> None:
        """The last word: stops the heartbeat and writes the final state. `error`: None leaves what was told of one."""
        self._ended.set()
        with contextlib.suppress(OSError):  # on a full disk the state is worth more than the event
            self.run.append_event("state", state=state, message=message)
        self.update(force=True, state=state, message=message, error=error or self._status.error, eta_s=None)

    def stop_requested(self) -> bool:
        """True once the run is to end; looks at the folder at most five times a second."""
        now = time.monotonic()
        if now - self._last_stop_check < 0.2:
            return False
        self._last_stop_check = now
        return self.run.stop_requested

    def pause_requested(self) -> bool:
        """True once the run is to pause; looks at the folder at most five times a second."""
        now = time.monotonic()
        if now - self._last_pause_check < 0.2:
            return False
        self._last_pause_check = now
        return self.run.pause_requested

    def go_on(self, epoch: int, seconds: float) -> None:
        """A training is taken up: what an earlier process told of later epochs is told again.

        Args:
            epoch: Finished epochs.
            seconds: What they took.
        """
        path = self.run.path / "history.csv"
        if path.is_file():
            with open(path, newline="", encoding="utf-8") as handle:
                rows = [row for row in csv.DictReader(handle) if int(row["epoch"]) <= epoch]
            with replacing(path) as aside, open(aside, "w", newline="", encoding="utf-8") as handle:
                writer = csv.DictWriter(handle, HISTORY_COLUMNS, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
        self.run.append_event("resume", epoch=epoch)
        self.update(force=True, epoch=epoch, started=time.time() - seconds)

    def raise_if_stopped(self) -> None:
        """Raise StopRequested once the run is to end."""
        if self.stop_requested():
            raise StopRequested

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            if not self._ended.is_set():
                with contextlib.suppress(OSError):  # it beats on after a bad moment of the disk
                    self.update(force=True)
