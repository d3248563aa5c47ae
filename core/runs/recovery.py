"""What a process leaves that is killed: a best state, from which a model can still be made, and half-written files.

A run whose recovery is asked for waits in the queue as it did before its training; its worker finds the request and
makes the model of the best epoch instead of training. Afterwards the run is what it was before, with a model.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.jobs.job import Job
from core.jobs.status import QUEUE
from core.runs import results
from core.runs.run import Run
from core.runs.status import Status
from core.store.documents import Format
from core.store.files import disk_errors

CHECKPOINT = "checkpoint"
BEST = Path(CHECKPOINT) / "best.npz"
"""The weights of the best epoch while there is no finished model; see `core.engine.training.checkpoint`."""
MOST_ATTEMPTS = 2
"""After so many nobody tries again by himself: the pretrained weights may be gone, or the dataset."""
REQUEST = Path(CHECKPOINT) / "recover.json"
"""Asks for the model of the best epoch."""
_FORMAT = Format("recovery")
_TEMPORARY = re.compile(r"\.(?P<stem>.+)-[0-9a-f]{8}(\.\w+)?")
"""The names of `core.store.files.replacing`."""
_SHARED = {"status"}
"""Files that not only the worker writes; a temporary one may be another process's that is at work."""


def possible(run: Run, status: Status | None = None) -> bool:
    """True when a run has ended without a model but left a best state.

    Args:
        status: Its status, where that is known already.
    """
    return (run.path / BEST).is_file() and not run.has_model and not (status or run.status()).active


def due(run: Run, status: Status) -> bool:
    """True when the queue is to ask for the recovery of a run: its process is gone. A run that failed has told why,
    and its model is made when somebody wants it."""
    return status.state == "interrupted" and possible(run, status) and _attempts(run) < MOST_ATTEMPTS


def when_lost(job: Job) -> None:
    """Ask for the recovery of a run whose process is gone, when it is due: what `core.jobs` does for training."""
    run = Run(job.path)
    if due(run, run.status()):
        request(run)


def request(run: Run) -> None:
    """Ask for the recovery of a run and put it into state `queued`. To be started like any other."""
    before = run.status()
    first = _read(run) or {"before": {"state": before.state, "message": before.message, "error": before.error}}
    with disk_errors():
        _FORMAT.write(run.path / REQUEST, {**first, "attempts": _attempts(run) + 1})
        run.forget_stop()  # it asked for the end of the training
        run.write_status(replace(before, state="queued", stage=QUEUE, queued=time.time(), eta_s=None,
                                 message="The model of its best epoch is made next."))


def forget_request(run: Run) -> None:
    """The training itself goes on instead."""
    (run.path / REQUEST).unlink(missing_ok=True)


def requested(run: Run) -> Status | None:
    """What the run was before its recovery was asked for: state, message and error. None: nobody did."""
    found = _read(run)
    return replace(run.status(), **found["before"]) if found else None


def clear_leftovers(run: Run) -> None:
    """Remove what a killed worker has left half-written. Only the run's worker may call it."""
    results.clear_leftovers(run.path)
    for folder in (run.path, run.path / CHECKPOINT):
        for path in folder.glob(".*"):
            name = _TEMPORARY.fullmatch(path.name)
            if name and (name["stem"] not in _SHARED or time.time() - path.stat().st_mtime > 60):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _read(run: Run) -> dict[str, Any] | None:
    try:
        return _FORMAT.read(run.path / REQUEST)
    except (OSError, ValueError):
        return None


def _attempts(run: Run) -> int:
    return int((_read(run) or {}).get("attempts", 0))
