"""Jobs that are no runs: their request, and which is the newest. A kind of job has a module of its own with the words
for what it is asked; here is what they share."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence

from core.errors import RunError
from core.jobs import queue
from core.jobs.failures import error_of
from core.jobs.job import Job
from core.jobs.status import QUEUE, Status
from core.store.documents import Document, Format
from core.store.files import disk_errors
from core.store.workspace import Workspace

_REQUEST = "request.json"
_FORMAT = Format("request")


def ask(workspace: Workspace, kind: str, request: Document, *, datasets: Sequence[str] = (), steps: int = 0,
        at_once: bool = False) -> Job:
    """Have a job carried out. Those of its kind that have ended are removed: what they found is kept elsewhere.

    Args:
        kind: A key of `core.jobs.job.KINDS`.
        request: What the job reads with `asked`.
        datasets: Ids of those that it reads.
        steps: How many steps it will tell of, where that is known.
        at_once: Past the queue. Else it waits for its turn.

    Raises:
        WorkspaceError: the job cannot be written.
    """
    job = made(workspace, kind, request, datasets, steps)
    (queue.run_now if at_once else queue.submit)(job, workspace.machine)
    return job


def made(workspace: Workspace, kind: str, request: Document, datasets: Sequence[str] = (), steps: int = 0) -> Job:
    """A job as `ask` makes it, that nobody has entered anywhere."""
    job = Job(workspace.jobs / workspace.new_id(kind))
    with disk_errors():
        for before in _jobs(workspace, kind):
            if not before.newer and not before.status().active:
                shutil.rmtree(before.path, ignore_errors=True)
        job.path.mkdir(parents=True)
        try:
            _FORMAT.write(job.path / _REQUEST, request)
            Job.describe(job.path, kind, datasets)
            job.write_status(Status(state="queued", stage=QUEUE, steps=steps, queued=time.time()))
        except BaseException:
            shutil.rmtree(job.path, ignore_errors=True)
            raise
    return job


def carried_out(job: Job, progress: Callable[[str, float], None] | None = None) -> None:
    """Wait until a job is complete. Ctrl-C cancels it.

    Args:
        progress: Told what it does, and its share that is done.

    Raises:
        RunError: it was cancelled.
        Exception: what it failed with, as `error_of`.
    """
    def tell(status: Status) -> None:
        if progress is not None:
            progress(status.message, status.step / max(status.steps, 1))

    try:
        status = queue.wait(job, tell)
    except KeyboardInterrupt:
        job.request_stop()
        status = queue.wait(job, tell)
    if status.state == "stopped":
        raise RunError(status.message or "It was cancelled.", "Start it again.")
    if status.state != "completed":
        raise error_of(job, status)


def asked(job: Job) -> Document:
    """What a job is asked to do. Raises OSError, ValueError, NewerFormatError."""
    return _FORMAT.read(job.path / _REQUEST)


def newest(workspace: Workspace, kind: str) -> Job | None:
    """The newest job of a kind in a workspace, in whatever state."""
    return max(_jobs(workspace, kind), key=lambda job: job.id, default=None)


def _jobs(workspace: Workspace, kind: str) -> list[Job]:
    folders = workspace.jobs.iterdir() if workspace.jobs.is_dir() else ()
    return [Job(path) for path in folders if path.name.startswith(f"{kind}-")]
