"""The process that does one job, of whatever kind: `python -m core.engine.worker FOLDER`. With `--recover`, or when
that was asked for in the folder of a run, it makes the model of one whose training process is gone.

It takes everything from the folder and answers only through it. Keras is imported after a decoding process has
begun, so that the two overlap.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from core.backbones import weights as backbone_weights
from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.engine.feed.examples import load_examples
from core.engine.feed.pixels import Pixels
from core.engine.quick_import import quickly
from core.engine.reporter import Reporter, StopRequested
from core.errors import DiskFullError, GraftError, OutOfMemoryError
from core.jobs import reaper
from core.jobs.job import KINDS, Job, named
from core.jobs.status import PREPARE
from core.runs import recovery
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import read_json
from core.store.workspace import Workspace

if TYPE_CHECKING:
    from core.engine.training.session import TrainingSession

RECOVER = "--recover"


def main(arguments: list[str]) -> int:
    """Do the job whose folder is the last argument; 0 when it came to its end or was stopped."""
    job = Job.open(arguments[-1])
    if RECOVER in arguments:
        run = Run.open(job.path)
        reaper.judge(job)  # nobody may have found yet that its process is gone
        if not recovery.possible(run):
            print(f"The run {run.id} has nothing to recover: it is {run.status().state}.", file=sys.stderr)
            return 2
        recovery.request(run)
    with Reporter(job) as reporter:
        try:
            job.append_event("state", state="running")
            state, message = named(KINDS[job.kind].carried_out_by)(job, reporter)
        except StopRequested:
            state, message = "stopped", "Stopped before there was a model to keep: there is no model."
        except Exception as error:  # the worker's outermost frame: everything becomes the run's state
            traceback.print_exc()
            problem = explained(error)
            reporter.finish("failed", problem.message, problem.as_dict())
            return 1 if type(problem) is GraftError else 2
        reporter.finish(state, message)
    return 0


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
        traceback.print_exc()
        return before.state, f"{before.message} {explained(error)}".strip()


def _session(run: Run, reporter: Reporter, decode: bool = True) -> TrainingSession:
    """Everything that a run needs, built. `decode`: begin to decode its images meanwhile."""
    recipe = run.recipe
    dataset = Dataset.load(run.dataset_path)
    workspace = run.workspace
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


def explained(error: Exception) -> GraftError:
    """What went wrong in the user's words; foreign errors are mapped here and nowhere else."""
    if isinstance(error, GraftError):
        return error
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return OutOfMemoryError("There was not enough memory for this run.",
                                "Lower the batch size or the image size, or freeze more of the backbone.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError("The disk is full.", "Delete runs, datasets or the cache folder, then start again.")
    return GraftError(f"The training stopped with an unexpected error: {type(error).__name__}: {error}",
                      f"The details are in {Path('worker.log')} of the run folder.")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is written; taking Keras apart would only keep those waiting who wait for this process
