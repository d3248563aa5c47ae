"""The machine's queue: jobs of all its workspaces share its slots, the oldest first.

The queue is the job folders themselves (`state: queued`), so it survives restarts. So that nobody has to look at every
folder there is, the machine keeps an index of those that wait or work, a file each. It is made anew from the folders
when it is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from filelock import Timeout

from core import escape
from core.errors import GraftError, NewerFormatError, RunError
from core.jobs import reaper
from core.jobs.backends import LOCAL, backend
from core.jobs.job import KINDS, Job, named
from core.jobs.status import PREPARE, Status
from core.store.documents import Format
from core.store.files import disk_errors
from core.store.machine import Machine

_ENTRY = Format("entry of the queue")
_START_SECONDS = 30.0
log = logging.getLogger("graft.jobs")


def submit(job: Job, machine: Machine) -> None:
    """Put a job into the queue; it starts at once when there is room.

    Raises:
        RunError: it has ended.
        WorkspaceError: the queue cannot be written.
    """
    _require_active(job.status())
    _enter(job, machine)
    tick(machine)


def run_now(job: Job, machine: Machine) -> None:
    """Start a job at once, past the queue (the command line's foreground run). It takes a slot all the same.

    Raises:
        RunError: it has ended.
        WorkspaceError: the queue cannot be written.
    """
    _require_active(job.status())
    _enter(job, machine)
    with disk_errors(), machine.lock("queue", _START_SECONDS):
        status = job.status()
        _require_active(status)
        if status.state == "queued":  # else somebody's `tick` was faster
            _start(job, status, machine)


def tick(machine: Machine) -> None:
    """Find the jobs whose process is gone, and start what waits while there is room. Costs as much as there are active
    jobs, however many have ended: call it while polling."""
    LOCAL.collect()
    with disk_errors():
        _make_index(machine)
        states, ended = _look(machine)
        if not ended and all(status.state == "running" for _, status in states):
            return
        with _one_at_a_time(machine) as entered:
            if entered:
                _start_what_fits(machine)


def reap(machine: Machine) -> None:
    """Find the jobs whose process is gone, and start nothing: for who only wants to know how things stand."""
    for job in active(machine):
        reaper.judge(job)


def active(machine: Machine) -> list[Job]:
    """The jobs of all workspaces that wait or work, the oldest first. Writes nothing."""
    found = map(Job, _entries(machine).values()) if machine.queue.is_dir() else _scan(machine)
    states = [(job.status(), job) for job in found]
    return [job for status, job in sorted(states, key=lambda pair: (pair[0].queued, pair[1].id)) if status.active]


def rebuild(machine: Machine) -> None:
    """Enter the jobs that wait or work and are not in the index, as after a crash between making and entering one.
    Looks at every job folder of the machine's workspaces."""
    _make_index(machine)
    for job in _scan(machine):
        _enter(job, machine)


def wait(job: Job, on_change: Callable[[Status], None] | None = None, poll: float = 0.2) -> Status:
    """Block until the job has ended, or its process is gone; `on_change` sees every new status."""
    seen = None
    while True:
        LOCAL.collect()
        status = reaper.judge(job)
        if on_change is not None and status != seen:
            on_change(status)
        seen = status
        if not status.active:
            return status
        time.sleep(poll)


def _start(job: Job, status: Status, machine: Machine) -> None:
    name = machine.limits.backend
    place = backend(name)
    handle = place.start(job)
    try:
        job.write_status(replace(status, state="running", stage=PREPARE, backend=name, handle=handle, host="",
                                 pid=None, pid_started=None, started=time.time(), message="Starting"))
    except BaseException:
        place.cancel(handle)  # nobody would know of it, and the next look would start another one
        raise


def _start_what_fits(machine: Machine) -> None:
    states, ended = _look(machine)
    for entry, job in ended:
        if _taken_up_again(job):
            states.append((job, job.status()))
        else:
            entry.unlink(missing_ok=True)
    room = machine.limits.max_parallel_runs - sum(status.state == "running" for _, status in states)
    waiting = [(job, status) for job, status in states if status.state == "queued" and not job.newer]
    for job, status in sorted(waiting, key=lambda pair: pair[1].queued)[:max(room, 0)]:
        _start_or_fail(job, status, machine)


def _taken_up_again(job: Job) -> bool:
    """True when a job whose process is gone waits again, for what can still be done of it."""
    if job.status().state != "interrupted":
        return False
    with contextlib.suppress(GraftError, OSError):  # it cannot be read, or a full disk; it has ended then
        if function := KINDS[job.kind].when_lost:
            named(function)(job)
    return job.status().state == "queued"


def _start_or_fail(job: Job, status: Status, machine: Machine) -> None:
    try:
        _start(job, status, machine)
    except (GraftError, OSError) as error:  # those behind it are to start all the same
        log.error("Job %s could not be started.\n%s", job.id, escape.trace(error))
        with contextlib.suppress(OSError):
            job.write_status(replace(status, state="failed", message="It could not be started.", error={
                "kind": "RunError", "message": f"The run could not be started: {error}.",
                "hint": "The terminal in which Graft runs has the details."}))


def _require_active(status: Status) -> None:
    if not status.active:
        raise RunError(f"The run is {status.state}.", "Start a new run.")


def _look(machine: Machine) -> tuple[list[tuple[Job, Status]], list[tuple[Path, Job]]]:
    """The jobs in the index that wait or work, and those that do no more, with their files."""
    found, ended = [], []
    for entry, folder in _entries(machine).items():
        job = Job(folder)
        status = reaper.judge(job)
        if status.active:
            found.append((job, status))
        elif not job.newer:
            ended.append((entry, job))
    return found, ended


def _enter(job: Job, machine: Machine) -> None:
    """Put a job into the index. Under the lock: nobody is to take it out for what it was before."""
    with disk_errors():
        _make_index(machine)
        with machine.lock("queue", _START_SECONDS):
            _write_entry(machine.queue, job.path, machine)


def _write_entry(index: Path, folder: Path, machine: Machine) -> None:
    if folder.is_relative_to(machine.root):  # such a path survives when the whole folder is moved
        folder = folder.relative_to(machine.root)
    same_name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]  # of runs outside of workspaces
    _ENTRY.write(index / f"{folder.name[:100]}-{same_name}.json", {"path": str(folder)})


def _entries(machine: Machine) -> dict[Path, Path]:
    """The files of the index, and the job folders that they stand for."""
    found = {}
    try:
        names = sorted(os.listdir(machine.queue))
    except FileNotFoundError:
        return {}
    for name in names:
        entry = machine.queue / name
        if name.endswith(".json") and not name.startswith("."):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, NewerFormatError):
                found[entry] = machine.root / _ENTRY.read(entry)["path"]
    return found


def _make_index(machine: Machine) -> None:
    """Make the index from the job folders when there is none; it appears as a whole or not at all."""
    if machine.queue.is_dir():
        return
    with machine.lock("queue", _START_SECONDS):
        if machine.queue.is_dir():
            return
        aside = machine.root / f".queue-{secrets.token_hex(4)}"
        aside.mkdir()
        try:
            for job in _scan(machine):
                _write_entry(aside, job.path, machine)
            os.rename(aside, machine.queue)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _scan(machine: Machine) -> list[Job]:
    """All jobs of the machine's workspaces that wait or work."""
    found = []
    for root in machine.workspaces:
        for place in (root / "runs", root / "jobs"):
            folders = place.iterdir() if place.is_dir() else ()
            found += [job for job in map(Job, folders) if not job.id.startswith(".") and job.status().active]
    return found


@contextlib.contextmanager
def _one_at_a_time(machine: Machine) -> Iterator[bool]:
    """Only one process starts jobs at a moment; the others need not wait for it."""
    try:
        with machine.lock("queue", 0):
            yield True
    except Timeout:
        yield False
