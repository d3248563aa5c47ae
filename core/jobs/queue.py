"""Starting worker processes: a queue that is the run folders themselves.

How a worker is started is one small interface, `Launcher`; today it is a process on this machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from core.errors import RunError
from core.runs import recovery
from core.runs.index import list_runs
from core.runs.run import Run
from core.runs.status import Status
from core.store.processes import process_started
from core.store.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("GRAFT_WEIGHTS_DIR", "KERAS_HOME")
"""What of the environment names a folder that a worker reads."""
log = logging.getLogger("graft.jobs")


class Launcher(Protocol):
    """Starts a worker for a run folder and gives its process id."""

    def __call__(self, run: Run) -> int: ...


_children: dict[int, subprocess.Popen[bytes]] = {}


def launch_local(run: Run) -> int:
    """Start `core.engine.worker` on this machine, detached: it outlives the page server."""
    with open(run.path / "worker.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.engine.worker", str(run.path)],
            cwd=PROJECT, env=worker_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )
    _children[process.pid] = process
    return process.pid


def worker_environment() -> dict[str, str]:
    """The environment of the processes that may import keras."""
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    # The worker runs in another folder: what the user gave relative to this one would lead it astray.
    folders = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in FOLDERS if os.environ.get(name)}
    return {**quiet, **os.environ, **folders, "PYTHONPATH": path}


def submit(run: Run, workspace: Workspace, launcher: Launcher = launch_local) -> None:
    """Put a run into the queue; it starts at once when there is room. Raises RunError when it has ended."""
    _require_active(run.status())
    tick(workspace, launcher, [*reversed(list_runs(workspace)), run])


def tick(workspace: Workspace, launcher: Launcher = launch_local, runs: list[Run] | None = None) -> None:
    """Start what waits while there is room, oldest first. Cheap: call it while polling."""
    _reap()
    candidates = runs if runs is not None else list(reversed(list_runs(workspace)))
    unique = list({run.path: run for run in candidates}.values())
    for run in unique:
        if recovery.due(run, run.status()):
            recovery.request(run)
    if not any(run.status().state == "queued" for run in unique):
        return
    with _one_at_a_time(workspace) as entered:
        if not entered:
            return
        states = [(run, run.status()) for run in unique]
        room = workspace.limits.max_parallel_runs - sum(status.state == "running" for _, status in states)
        waiting = sorted((pair for pair in states if pair[1].state == "queued"), key=lambda pair: pair[1].queued)
        for run, status in waiting[:max(room, 0)]:
            try:
                _start(run, status, launcher)
            except OSError as error:  # those behind it are to start all the same
                log.exception("Run %s could not be started.", run.id)
                with contextlib.suppress(OSError):
                    run.write_status(replace(status, state="failed", message="It could not be started.", error={
                        "kind": "RunError", "message": f"The run could not be started: {error}.",
                        "hint": "The terminal in which Graft runs has the details."}))


def run_now(run: Run, launcher: Launcher = launch_local) -> None:
    """Start a run at once, past the queue (the command line's foreground run). Raises RunError when it has ended."""
    workspace = Workspace(run.dataset_path.parent.parent)
    with _starting(workspace, timeout=30):
        status = run.status()
        _require_active(status)
        if status.state == "queued":  # else somebody's `tick` was faster
            _start(run, status, launcher)


def _start(run: Run, status: Status, launcher: Launcher) -> None:
    pid = launcher(run)
    run.write_status(replace(status, state="running", pid=pid, pid_started=process_started(pid),
                             started=time.time(), message="Starting"))


def _require_active(status: Status) -> None:
    if not status.active:
        raise RunError(f"The run is {status.state}.", "Start a new run.")


def wait(run: Run, on_change: Callable[[Status], None] | None = None, poll: float = 0.2) -> Status:
    """Block until the run has ended; `on_change` sees every new status."""
    seen = None
    while True:
        _reap()
        status = run.status()
        if on_change is not None and status != seen:
            on_change(status)
        seen = status
        if not status.active:
            return status
        time.sleep(poll)


def _reap() -> None:
    """Collect ended children, so that they do not stay as zombies."""
    for pid, process in list(_children.items()):
        if process.poll() is not None:
            _children.pop(pid, None)  # another thread may have been faster


@contextlib.contextmanager
def _one_at_a_time(workspace: Workspace) -> Iterator[bool]:
    """Only one process starts runs at a moment; the others need not wait for it."""
    try:
        with _starting(workspace, timeout=0):
            yield True
    except Timeout:
        yield False


def _starting(workspace: Workspace, timeout: float) -> FileLock:
    return FileLock(workspace.runs / ".start.lock", timeout=timeout)
