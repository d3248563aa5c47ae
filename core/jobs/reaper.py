"""Finding the jobs whose process is gone: the one place that calls them `interrupted`.

On this host the process itself is looked at; the word of a worker elsewhere (another computer, a container) is its
heartbeat alone.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from core.jobs.backends import BACKENDS
from core.jobs.job import Job
from core.jobs.status import Status
from core.store.processes import alive, this_host

BEAT_SECONDS = 5.0
"""How often a worker writes its status, whatever it does."""
MISSED_BEATS = 6
"""A job elsewhere that has missed so many is given up. Clocks of computers that share a folder agree within seconds."""


def judge(job: Job) -> Status:
    """The state now; a running job whose process is gone is `interrupted`, and stays so on disk."""
    status = job.status()
    if not lost(job, status):
        return status
    status = job.status()  # its last word may have come in between
    if lost(job, status):
        status = replace(status, state="interrupted", eta_s=None, message="The process is gone.")
        with contextlib.suppress(OSError):  # who may only read sees it all the same
            job.write_status(status)
    return status


def lost(job: Job, status: Status) -> bool:
    """True when a job says that it runs and cannot. Writes nothing."""
    if status.state != "running":
        return False
    if status.host not in ("", this_host()):
        return time.time() - status.updated > MISSED_BEATS * BEAT_SECONDS
    if status.pid is None:  # the worker has not spoken yet
        place = BACKENDS.get(status.backend)  # another version may have started it elsewhere
        return place is not None and not place.alive(status.handle)
    return not alive(status.pid, status.pid_started, str(job.path))
