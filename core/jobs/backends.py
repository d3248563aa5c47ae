"""Where jobs are carried out: three functions. A process on this machine is one such place."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import psutil

from core.errors import RunError
from core.jobs.job import Job
from core.store import processes

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("GRAFT_WEIGHTS_DIR", "KERAS_HOME")
"""What of the environment names a folder that a worker reads."""


class Backend(Protocol):
    """Carries jobs out. A handle is text that only the backend that gave it understands."""

    def start(self, job: Job) -> str:
        """Begin a job and give its handle. Raises OSError when it cannot be begun."""

    def alive(self, handle: str) -> bool:
        """True while the job may still be at work."""

    def cancel(self, handle: str) -> None:
        """End a job at once; what it has written stays. Nothing happens when it has ended."""


class LocalProcesses:
    """A process on this machine for each job, detached: it outlives the page server."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, job: Job) -> str:
        """Start `core.engine.worker` for a job."""
        with open(job.path / "worker.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "core.engine.worker", str(job.path)],
                cwd=PROJECT, env=worker_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )
        self._children[process.pid] = process
        return json.dumps({"host": processes.this_host(), "pid": process.pid,
                           "started": processes.process_started(process.pid), "folder": str(job.path)})

    def alive(self, handle: str) -> bool:
        """True while the process runs; also for one that another process of this machine has started."""
        self.collect()
        known = _read(handle)
        return known is not None and processes.alive(known["pid"], known["started"], known["folder"])

    def cancel(self, handle: str) -> None:
        """Kill the process, and those that it has started."""
        known = _read(handle)
        if known is None or not self.alive(handle):
            return
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(known["pid"])
            for each in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.Error):
                    each.kill()
        self.collect()

    def collect(self) -> None:
        """Take note of children that have ended, so that they do not stay as zombies."""
        for pid, process in list(self._children.items()):
            if process.poll() is not None:
                self._children.pop(pid, None)  # another thread may have been faster


LOCAL = LocalProcesses()
"""One for the whole process: it knows its children."""
BACKENDS: dict[str, Backend] = {"local": LOCAL}
"""Another place for workers is another row. Which one starts a machine's jobs, its limits say; which one has started a
job, the job's status."""


def backend(name: str) -> Backend:
    """A row of BACKENDS. Raises RunError when this version knows no such place."""
    try:
        return BACKENDS[name]
    except KeyError:
        raise RunError(f"This version of Graft cannot start jobs on {name!r}.",
                       f"Use one of {', '.join(BACKENDS)} in the machine's limits.") from None


def worker_environment() -> dict[str, str]:
    """The environment of the processes that may import keras."""
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    # The worker runs in another folder: what the user gave relative to this one would lead it astray.
    folders = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in FOLDERS if os.environ.get(name)}
    return {**quiet, **os.environ, **folders, "PYTHONPATH": path}


def _read(handle: str) -> dict[str, Any] | None:
    """What a handle of this host says; None for any other text."""
    try:
        known = json.loads(handle)
        return known if known["host"] == processes.this_host() else None
    except (ValueError, KeyError, TypeError):
        return None
