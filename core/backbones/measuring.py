"""The job that measures how quick backbones are on this machine, seen from outside: `core.engine.measure` does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from core.backbones.catalogue import get
from core.backbones.speeds import Subject
from core.errors import RecipeError, RunError
from core.estimates import FORWARD, measured
from core.jobs import requests
from core.jobs.job import Job
from core.store.workspace import Workspace

KIND = "measure"
SECONDS_A_PASS = 2.0
"""About how long one pass over the images of a measurement is to take, by multiply-adds."""
MOST_IMAGES = 32
_SETTING_UP, _PASSES = 6.0, 5
"""On 2 cores: seconds to build a backbone, settle and convert it, and to repeat short passes; and how many passes long
ones come to, those of the check against Keras included."""


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
    return requests.ask(workspace, KIND, {"subjects": [asdict(one) for one in subjects]}, steps=len(subjects),
                        at_once=at_once)


def asked(job: Job) -> list[Subject]:
    """What a job is to measure."""
    return [Subject(**row) for row in requests.asked(job)["subjects"]]


def latest(workspace: Workspace) -> Job | None:
    """The newest measurement of a workspace, in whatever state."""
    return requests.newest(workspace, KIND)


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
