"""What a process leaves that is killed: a best state, from which a model can still be made, and half-written files."""

from __future__ import annotations

import re
import time
from pathlib import Path

from core.runs import results
from core.runs.run import Run
from core.runs.status import Status

CHECKPOINT = "checkpoint"
BEST = Path(CHECKPOINT) / "best.npz"
"""The weights of the best epoch while there is no finished model; see `core.engine.training.checkpoint`."""
MOST_ATTEMPTS = 3
_ATTEMPTS = Path(CHECKPOINT) / "attempts"
_TEMPORARY = re.compile(r"\.(?P<stem>.+)-[0-9a-f]{8}(\.\w+)?")
"""The names of `core.store.files.replacing`."""
_SHARED = {"status"}
"""Files that not only the worker writes; a temporary one may be another process's that is at work."""


def recoverable(run: Run, status: Status | None = None) -> bool:
    """True when a run ended without a model but has a best state: `python -m core.engine.worker --recover RUN_DIR`.

    A run whose recovery did not succeed in three attempts, because its pretrained weights are gone for example, is
    left alone.

    Args:
        status: Its status, where that is known already.
    """
    if not (run.path / BEST).is_file() or run.has_model:
        return False
    status = status or run.status()
    return status.state in ("interrupted", "failed", "stopped") and attempts(run) < MOST_ATTEMPTS


def attempts(run: Run) -> int:
    """How often a recovery has begun."""
    path = run.path / _ATTEMPTS
    return path.stat().st_size if path.is_file() else 0


def count_attempt(run: Run) -> None:
    """Note that a recovery begins."""
    with open(run.path / _ATTEMPTS, "ab") as file:
        file.write(b".")


def forget_attempts(run: Run) -> None:
    """A recovery has succeeded."""
    (run.path / _ATTEMPTS).unlink(missing_ok=True)


def clear_leftovers(run: Run) -> None:
    """Remove what a killed worker has left half-written. Only the run's worker may call it."""
    results.clear_leftovers(run.path)
    for folder in (run.path, run.path / CHECKPOINT):
        for path in folder.glob(".*"):
            name = _TEMPORARY.fullmatch(path.name)
            if name and (name["stem"] not in _SHARED or time.time() - path.stat().st_mtime > 60):
                path.unlink(missing_ok=True)
