"""The job that measures how quick backbones are on this machine, seen from outside: `core.engine.measure` does it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict

from core.backbones.catalogue import get
from core.backbones.speeds import Subject
from core.errors import RecipeError, RunError
from core.estimates import FORWARD, measured
from core.jobs import queue
from core.jobs.job import Job
from core.jobs.status import QUEUE, Status
from core.store.documents import Format
from core.store.files import disk_errors
from core.store.workspace import Workspace

KIND = "measure"
SECONDS_A_PASS = 2.0
"""About how long one pass over the images of a measurement is to take, by multiply-adds."""
MOST_IMAGES = 32
_SETTING_UP, _PASSES = 6.0, 5
"""On 2 cores: seconds to build a backbone, settle and convert it, and to repeat short passes; and how many passes long
ones come to, those of the check against Keras included."""
_REQUEST = "measure.json"
_FORMAT = Format("measurement")


def start(subjects: Sequence[Subject], workspace: Workspace, at_once: bool = False) -> Job:
    """Measure backbones, one after the other, in a process of its own. Each figure is kept as soon as there is one.

    Args:
        subjects: What to measure.
        at_once: Past the queue. Else it waits for its turn: beside a training nothing can be measured.

    Raises:
        RecipeError: there is no such backbone, or it cannot take such small images.
        RunError: nothing was named, or a measurement waits or works already.
        WorkspaceError: the job cannot be written.
    """
    _check(subjects)
    if (before := latest(workspace)) is not None and before.status().active:
        raise RunError("Speeds are being measured already.", "Wait for the end, or cancel it.")
    job = Job(workspace.jobs / workspace.new_id(KIND))
    with disk_errors():
        _clear(workspace)
        job.path.mkdir(parents=True)
        _FORMAT.write(job.path / _REQUEST, {"subjects": [asdict(one) for one in subjects]})
        Job.describe(job.path, KIND)
        job.write_status(Status(state="queued", stage=QUEUE, steps=len(subjects), queued=time.time()))
    (queue.run_now if at_once else queue.submit)(job, workspace.machine)
    return job


def asked(job: Job) -> list[Subject]:
    """What a job is to measure."""
    return [Subject(**row) for row in _FORMAT.read(job.path / _REQUEST)["subjects"]]


def latest(workspace: Workspace) -> Job | None:
    """The newest measurement of a workspace, in whatever state."""
    return max(_jobs(workspace), key=lambda job: job.id, default=None)


def about_seconds(subjects: Sequence[Subject], workspace: Workspace) -> float:
    """Roughly how long measuring takes."""
    speed = measured(workspace)[FORWARD]
    variants = [get(one.backbone, one.alpha)[1] for one in subjects]
    return sum(_SETTING_UP + _PASSES * max(min(SECONDS_A_PASS, MOST_IMAGES * variant.mult_adds / speed),
                                           2 * variant.mult_adds / speed) for variant in variants)


def _check(subjects: Sequence[Subject]) -> None:
    if not subjects:
        raise RunError("Nothing was named to be measured.", "Name a backbone.")
    for one in subjects:
        backbone, _ = get(one.backbone, one.alpha)
        if one.size < backbone.min_size:
            raise RecipeError(f"{backbone.title} cannot work on images of {one.size} pixels.",
                              f"Measure it at {backbone.min_size} or more.")


def _jobs(workspace: Workspace) -> list[Job]:
    folders = workspace.jobs.iterdir() if workspace.jobs.is_dir() else ()
    return [Job(path) for path in folders if path.name.startswith(f"{KIND}-")]


def _clear(workspace: Workspace) -> None:
    """Remove measurements that have ended: their figures are kept elsewhere."""
    for job in _jobs(workspace):
        if not job.status().active:
            shutil.rmtree(job.path, ignore_errors=True)
