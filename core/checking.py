"""The job that checks a dataset thoroughly, seen from outside: `core.engine.check` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.backbones.catalogue import Backbone, Variant
from core.data.checks import evidence
from core.errors import RunError, WeightsNotFoundError
from core.estimates import FORWARD, measured
from core.jobs import requests
from core.jobs.job import Job
from core.recipe.fields import Recipe
from core.recipe.proposals import weights_here, with_backbone
from core.store.workspace import Workspace

if TYPE_CHECKING:
    from core.data.dataset import Dataset

KIND = "check"
_SETTING_UP, _AN_IMAGE = 8.0, 4e-3
"""Seconds on 2 cores: to build a backbone, and to compare one picture with others."""


def start(dataset: Dataset, workspace: Workspace, at_once: bool = False) -> Job:
    """Check a dataset in a process of its own. What is seen is kept beside the dataset: see `evidence`.

    Args:
        at_once: Past the queue. Else it waits for its turn: beside a training it would slow both.

    Raises:
        RunError: a check waits or works already.
        WeightsNotFoundError: no pretrained weights are on this machine.
        WorkspaceError: the job cannot be written.
    """
    if (before := latest(workspace)) is not None and before.status().active:
        raise RunError("A dataset is being checked already.", "Wait for the end, or cancel it.")
    backbone, variant = chosen()
    request = {"dataset": dataset.id, "backbone": backbone.name, "alpha": variant.alpha}
    return requests.ask(workspace, KIND, request, datasets=[dataset.id], at_once=at_once)


def chosen() -> tuple[Backbone, Variant]:
    """The backbone whose features are compared: the one that a dataset of photos is given first, so that one pass over
    the pictures serves both. Raises WeightsNotFoundError."""
    found = weights_here()
    if found is None:
        raise WeightsNotFoundError("There are no pretrained weights on this machine.",
                                   "Train once while there is a network, or put weights into GRAFT_WEIGHTS_DIR.")
    return found


def recipe_of(backbone: Backbone, variant: Variant) -> Recipe:
    """The recipe whose frozen features are compared."""
    return with_backbone(Recipe(), backbone, variant)


def latest(workspace: Workspace) -> Job | None:
    """The newest check in a workspace, in whatever state."""
    return requests.newest(workspace, KIND)


def checks(job: Job, dataset: Dataset) -> bool:
    """Whether a job is a check of this dataset."""
    return dataset.id in job.datasets


def up_to_date(dataset: Dataset) -> bool:
    """Whether all pictures that can be used were looked at; labels and splits may have changed since."""
    found = evidence.read(dataset)
    return found is not None and found.contents == evidence.contents_of(dataset)


def about_seconds(dataset: Dataset, workspace: Workspace) -> float:
    """Roughly how long a check takes; less where the features are known already."""
    _, variant = chosen()
    return _SETTING_UP + dataset.images * (variant.mult_adds / measured(workspace)[FORWARD] + _AN_IMAGE)
