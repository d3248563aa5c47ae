"""The job in a few calls: start, train, evaluate, predict. What the pages, the command line and `import core` stand on.

Here alone a run is started, and a workspace taken that nobody has named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.answers import answered_table, answers
from core.backbones import catalogue, weights
from core.errors import RunError
from core.jobs import queue as jobs
from core.jobs import reaper, requests
from core.jobs.failures import error_of
from core.jobs.status import PAUSED
from core.recipe.fields import Recipe
from core.recipe.specs import require_available
from core.runs import index, looks, recovery, resuming
from core.runs.run import Run
from core.runs.status import Status
from core.store.limits import Limits
from core.store.workspace import Workspace

if TYPE_CHECKING:

    from core.data.checks.report import Report
    from core.data.dataset import Dataset
    from core.inference import Prediction

Progress = Callable[[str, float], None]


def start(
    dataset: Dataset | str | Path,
    recipe: Recipe | None = None,
    workspace: Workspace | None = None,
    *,
    run_dir: Path | str | None = None,
    at_once: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Make a run and start it in a process of its own, which goes on when the caller ends.

    Args:
        dataset: A dataset, or what `python -m core` takes for one: archive, folder, sample name, dataset id.
        recipe: Default: every setting at its default.
        workspace: Default: `$GRAFT_WORKSPACE`, else `workspace/`.
        run_dir: The run's folder. Default: a new one in the workspace.
        at_once: For who waits in front of it: past the machine's queue, and weights are fetched before anything is
            made. Else it starts when there is room, and fetches its weights itself.
        progress: Told what is being done before the start.

    Raises:
        GraftError: something that the caller can put right; no run is left behind then.
    """
    workspace = workspace or Workspace.default()
    recipe = recipe or Recipe()
    if at_once or recipe.model.own_weights:
        recipe = prepare_weights(recipe, progress, workspace)
    begin, machine = jobs.run_now if at_once else jobs.submit, workspace.machine
    return Run.create(_dataset(dataset, workspace, progress), recipe, workspace, run_dir,
                      enter=lambda run: begin(run, machine))


def train(
    dataset: Dataset | str | Path,
    recipe: Recipe | None = None,
    workspace: Workspace | None = None,
    *,
    run_dir: Path | str | None = None,
    on_change: Callable[[Status], None] | None = None,
) -> Run:
    """Train in a process of its own, and wait for the end.

    Args:
        dataset: A dataset, or what `python -m core` takes for one: archive, folder, sample name, dataset id.
        recipe: Default: every setting at its default.
        workspace: Default: `$GRAFT_WORKSPACE`, else `workspace/`.
        run_dir: The run's folder. Default: a new one in the workspace.
        on_change: Sees every new status.

    Raises:
        GraftError: something that the caller can put right; a failed run raises the error that it failed with.
    """
    run = start(dataset, recipe, workspace, run_dir=run_dir, at_once=True)
    status = jobs.wait(run, on_change)
    if status.state in ("failed", "interrupted"):
        raise error_of(run, status)
    return run


def resume(run: Run | Path | str, *, at_once: bool = False) -> Run:
    """Go on with a run that was paused or stopped, that failed, or whose process is gone, to the epochs of its recipe.

    Args:
        at_once: For who waits in front of it: past the machine's queue.

    Raises:
        RunError: it waits, trains or is complete.
        DataError: its dataset was deleted.
    """
    run = _run(run)
    resuming.request(run)
    (jobs.run_now if at_once else jobs.submit)(run, Workspace(run.workspace.root).machine)
    return run


def go_on_with(run: Run | Path | str, recipe: Recipe, workspace: Workspace | None = None) -> Run:
    """A new run that begins where another one stands, under a recipe with the same network: longer, slower, in smaller
    batches. The other one stays as it is.

    Raises:
        GraftError: as `start`; and DataError when the run's dataset was deleted.
    """
    from core.data.dataset import Dataset

    run, workspace = _run(run), workspace or Workspace.default()
    resuming.require_dataset(run)

    def begin(new: Run) -> None:
        resuming.prepare(run, new)
        jobs.submit(new, workspace.machine)

    return Run.create(Dataset.load(run.dataset_path), recipe, workspace, splits=run.splits(), enter=begin)


def check(
    dataset: Dataset | str | Path, workspace: Workspace | None = None, *, thorough: bool = True,
    progress: Progress | None = None,
) -> Report:
    """What is wrong with a dataset.

    Args:
        dataset: A dataset, or what `python -m core` takes for one.
        workspace: Default: `$GRAFT_WORKSPACE`, else `workspace/`.
        thorough: With the checks that look at the pictures themselves, in a process of its own. What they have seen
            before is not looked for again.

    Raises:
        GraftError: something that the caller can put right.
    """
    from core import checking
    from core.data.checks import table

    workspace = workspace or Workspace.default()
    found = _dataset(dataset, workspace, progress)
    if thorough and not checking.up_to_date(found):
        requests.carried_out(checking.start(found, workspace, at_once=True), progress)
    return table.report(found)


def delete_dataset(workspace: Workspace, dataset_id: str) -> None:
    """Delete a dataset with its images. Raises NotFoundError, and DataError while a run waits, trains or is paused on
    it."""
    from core.data import library

    held = [run for run in index.list_runs(workspace) if run.status().state == PAUSED]
    held += [run for run in index.newer_runs(workspace)]  # what they do nobody here can tell
    busy = [job.id for job in (*jobs.active(workspace.machine), *held) if dataset_id in job.datasets]
    library.delete_dataset(workspace, dataset_id, busy)


def prepare_weights(recipe: Recipe, progress: Progress | None = None, workspace: Workspace | None = None) -> Recipe:
    """See that a recipe can be carried out and its weights are on this machine, before anything is made.

    Args:
        workspace: Whose runs may be named as a source of weights.

    Returns:
        The recipe; a weights file or run of the user's stands in it with its whole path, wherever the worker runs.

    Raises:
        RecipeError: unknown backbone or width, or a value that this version cannot carry out.
        WeightsNotFoundError: no weights, and no download possible.
    """
    require_available(recipe)
    catalogue.check(recipe)
    backbone, variant = catalogue.get(recipe.model.backbone, recipe.model.alpha)
    file = weights.ensure(backbone, variant, recipe.model.weights, progress, workspace.runs if workspace else None)
    return recipe.override([f"model.weights={json.dumps(str(file))}"]) if recipe.model.own_weights else recipe


def outcome(run: Run) -> dict[str, Any]:
    """`{run_dir, state, val_accuracy, val_loss, epochs, seconds}`; the scores are those of the model that was kept."""
    status = run.status()
    scores = (run.metrics() or {}).get("validation", {})
    return {
        "run_dir": str(run.path),
        "state": status.state,
        "val_accuracy": scores.get("accuracy"),
        "val_loss": scores.get("loss"),
        "epochs": len(run.history()),
        "seconds": round(status.updated - status.started, 2) if status.started else 0.0,
    }


def describe(run: Run) -> dict[str, Any]:
    """One row of a list of runs: `{id, state, dataset, backbone, alpha, weights, val_accuracy, path}`."""
    model, scores = run.recipe.model, {}
    with suppress(RunError):  # scores that cannot be read keep no run out of the list
        scores = (run.metrics() or {}).get("validation", {})
    return {
        "id": run.id, "state": run.status().state, "dataset": run.dataset["name"], "backbone": model.backbone,
        "alpha": model.alpha, "weights": model.weights, "val_accuracy": scores.get("accuracy"), "path": str(run.path),
    }


def predict(
    run: Run | Path | str, images: Iterable[Path | str], *, top_k: int = 3, progress: Progress | None = None,
    limits: Limits | None = None,
) -> list[Prediction]:
    """Classify image files with a run's model, in the prediction process.

    A file that is not a readable image comes back with its `error` set.

    Args:
        limits: Of the workspace that asks: larger images are refused. Default: those of one person's own machine.

    Raises:
        RunError: the run has no model.
        InferenceError: the prediction process did not answer.
    """
    run = _run(run)
    require_model(run, progress)
    return list(answers(run, [Path(image) for image in images], top_k, progress, limits))


def evaluate(
    run: Run | Path | str, dataset: Dataset | None = None, *, test: bool = False, progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Scores of a run by split: those in its `metrics.json`, or fresh ones on the usable images of a dataset.

    Classes are matched by name; images of a class that the model does not know are left out, and so are images that
    it was trained on, unless there are no others. The scores on a dataset stand under `dataset`.

    Args:
        test: With the score on the run's test images. That is a look, and counted: see `core.runs.looks`.
        on_note: Told what was left out, in a sentence.

    Raises:
        RunError: the run has no scores, or no test score where that was asked for.
        DataError: the dataset and the model have no class in common, or no image could be read.
    """
    run = _run(run)
    if dataset is not None:
        from core.scoring.metrics import evaluate_predictions

        require_model(run, progress)
        return evaluate_predictions(answered_table(run, dataset, progress, on_note), run.classes)
    if recovery.possible(run):
        require_model(run, progress)
    if run.metrics() is None:
        raise RunError(f"The run {run.id} has no scores: it is {run.status().state}.", "Choose a completed run.")
    if test:
        looks.look(run, looks.COMMAND)
    scores = looks.scores(run, test) or {}
    return {split: scores[split] for split in ("validation", "test") if split in scores}


def require_model(run: Run, progress: Progress | None = None) -> None:
    """See that a run has a model. Of one whose process was ended from outside it is made from the best epoch, in a
    process of its own, which takes some seconds. Raises RunError when there is none."""
    if recovery.possible(run):
        if progress:
            progress("Making the model of the best epoch", 0.0)
        recovery.request(run)
        jobs.run_now(run, Workspace(run.workspace.root).machine)
        jobs.wait(run)
    if not run.has_model:
        status = run.status()
        raise RunError(f"The run {run.id} has no model: it is {status.state}. {status.message}".strip(),
                       "Choose a completed run.")


def _dataset(dataset: Dataset | str | Path, workspace: Workspace, progress: Progress | None) -> Dataset:
    if isinstance(dataset, (str, Path)):
        from core.data.library import resolve_dataset

        return resolve_dataset(str(dataset), workspace, progress)
    return dataset


def _run(run: Run | Path | str) -> Run:
    run = run if isinstance(run, Run) else Run.open(run)
    reaper.judge(run)  # of one that died there may be a model to be made
    return run
