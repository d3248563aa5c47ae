"""Going on with a run that has ended before its last epoch, or with a copy of one under another recipe.

Its worker finds the state in the folder and takes the training up from there; see `core.runs.states`.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

from core.errors import DataError, RunError
from core.jobs import reaper
from core.jobs.status import PAUSED, QUEUE
from core.recipe.fields import Recipe
from core.recipe.optimizers import EXACT
from core.runs import recovery, states
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import disk_errors

RESUMABLE = (PAUSED, "stopped", "interrupted", "failed")


def possible(run: Run, status: Status) -> bool:
    """True for a run that did not come to its end and whose pictures are there."""
    return status.state in RESUMABLE and run.dataset_path.is_dir()


def request(run: Run) -> None:
    """Put a run into state `queued`, to go on from its last whole state; without one it begins anew.

    Raises:
        RunError: it waits, trains or is complete.
        DataError: its dataset was deleted.
        DiskFullError, WorkspaceError: the folder cannot be written.
    """
    status = reaper.judge(run)
    if status.active:
        raise RunError(f"The run {run.id} is {status.state} already.", "Wait for its end, or stop it first.")
    if status.state == "completed":
        raise RunError(f"The run {run.id} is complete.", "To train it longer, use *Train 10 more epochs* on the Train "
                       "page, or start a new run.")
    require_dataset(run)
    with disk_errors():
        recovery.forget_request(run)
        run.forget_stop()
        run.forget_pause()
        run.write_status(replace(status, state="queued", stage=QUEUE, queued=time.time(), eta_s=None, error=None,
                                 epochs=run.recipe.train.epochs, message="Goes on where it was."))


def require_dataset(run: Run) -> None:
    """Raises DataError when the dataset of a run was deleted."""
    if not run.dataset_path.is_dir():
        raise DataError(f"The dataset '{run.dataset['name']}' of the run {run.id} was deleted.",
                        "Upload it again, and start a new run.")


def longer(run: Run, epochs: int) -> Recipe:
    """The run's recipe with some more epochs for its last phase than it has behind it, which may be fewer than planned.
    Raises RecipeError beyond what a phase may have."""
    last = len(run.recipe.train.phases) - 1
    behind = int((run.history()["phase_index"] == last).sum())
    return run.recipe.override([f"train.phases.{last}.epochs={behind + epochs}"])


def can_be_longer(run: Run, status: Status) -> bool:
    """True for a complete run whose last phase takes steps, and whose pictures are there."""
    return (status.state == "completed" and run.dataset_path.is_dir() and not run.history().empty
            and run.recipe.train.phases[-1].optimizer != EXACT)


def prepare(source: Run, target: Run) -> None:
    """Give a new run what an earlier one has learned: its state and its history.

    Args:
        source: It stays as it is.
        target: A run of the same network on the same split, not yet started.
    """
    with disk_errors():
        if states.hand_over(source.path, target.path, continued=True):
            shutil.copyfile(source.path / "history.csv", target.path / "history.csv")
