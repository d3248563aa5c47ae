"""The job `train`: a run is trained, evaluated and saved, or its model is made from what a lost process left.

Keras is imported after a decoding process has begun, so that the two overlap.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from core import escape
from core.backbones import weights as backbone_weights
from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.engine.failures import explained
from core.engine.feed.examples import load_examples
from core.engine.feed.pixels import Pixels
from core.engine.quick_import import quickly
from core.engine.reporter import Reporter, StopRequested
from core.jobs.job import Job
from core.jobs.status import PREPARE
from core.runs import recovery
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import read_json
from core.store.workspace import Workspace

if TYPE_CHECKING:
    from core.engine.training.session import TrainingSession


def train(job: Job, reporter: Reporter) -> tuple[str, str]:
    """Train, evaluate and save; gives the final state and its message."""
    run = Run.open(job.path)
    recovery.clear_leftovers(run)
    before = recovery.requested(run)
    if before is not None:
        return recover(run, before, reporter)
    reporter.raise_if_stopped()
    return _session(run, reporter).run_to_end()


def recover(run: Run, before: Status, reporter: Reporter) -> tuple[str, str]:
    """Make the model of a run that ended without one, from the best state that it left. The run's state, and the error
    that it may have failed with, stay."""
    reporter.update(force=True, message="Making the model of the best epoch", error=before.error)
    try:
        return before.state, f"{before.message} {_session(run, reporter, decode=False).recover()}".strip()
    except StopRequested:
        return before.state, before.message
    except Exception as error:  # it is no new end of the run, and there was one before
        escape.print_trace(error)
        return before.state, f"{before.message} {explained(error)}".strip()


def _session(run: Run, reporter: Reporter, decode: bool = True) -> TrainingSession:
    """Everything that a run needs, built. `decode`: begin to decode its images meanwhile."""
    recipe = run.recipe
    dataset = Dataset.load(run.dataset_path)
    workspace = Workspace(run.workspace.root)  # what is kept for later runs has a place, wherever this one lies
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    file = backbone_weights.ensure(
        backbone, variant, recipe.model.weights,
        lambda what, done: reporter.progress(what, round(100 * done), 100), workspace.runs)
    began = time.monotonic()  # a download is no part of what a run takes
    examples = load_examples(run, dataset)
    pixels = Pixels(dataset, workspace, recipe.data.image_size or backbone.default_size, recipe.data.resize)
    fresh = recipe.augment.active and recipe.augment.views == "fresh"  # reads in another order
    if decode and not fresh and not seen_before(workspace, pixels, backbone.name):
        pixels.start(examples.rows)
    reporter.update(force=True, message="Loading the backbone", stage=PREPARE)

    with quickly():
        from core.engine.training.session import TrainingSession

    return TrainingSession(run, recipe, variant, file, examples, pixels, workspace, reporter, began)


def seen_before(workspace: Workspace, pixels: Pixels, backbone: str) -> bool:
    """True when there are cached activations of these images by this backbone: decoding may not be needed at all."""
    for path in workspace.cache.glob("activations/*/meta.json"):
        with contextlib.suppress(OSError, ValueError):
            about = read_json(path)
            if about.get("pixels") == pixels.key and about.get("backbone") == backbone:
                return True
    return False
