"""The job in a few calls: start, train, evaluate, predict. What the pages, the command line and `import core` stand on.

Here alone a run is started, and a workspace taken that nobody has named."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import errors
from core.backbones import catalogue, weights
from core.errors import DataError, RunError
from core.jobs import queue as jobs
from core.jobs import reaper
from core.jobs.job import Job
from core.recipe.fields import Recipe
from core.recipe.specs import require_available
from core.runs import looks, recovery
from core.runs.run import Run
from core.runs.status import Status
from core.store.limits import Limits
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Dataset
    from core.inference import Prediction

Progress = Callable[[str, float], None]
PREDICT_AT_ONCE = 256
"""Images that are handed to the prediction process in one call, so that progress moves and a time limit fits."""
PREDICT_SECONDS = 300.0


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
        raise run_error(run, status)
    return run


def delete_dataset(workspace: Workspace, dataset_id: str) -> None:
    """Delete a dataset with its images. Raises NotFoundError, and DataError while a run waits or trains on it."""
    from core.data import library

    busy = [job.id for job in jobs.active(workspace.machine) if dataset_id in job.datasets]
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


def run_error(run: Job, status: Status) -> Exception:
    """The error that a failed job stopped with: a GraftError when the user can act on it, else a RuntimeError."""
    if status.state == "interrupted":
        return RunError(f"{status.message} It was ended from outside.", f"Its log: {run.path / 'worker.log'}")
    noted = status.error or {}
    message, hint = noted.get("message", "The run failed."), noted.get("hint", "")
    kind = getattr(errors, noted.get("kind", ""), None)
    if isinstance(kind, type) and issubclass(kind, errors.GraftError) and kind is not errors.GraftError:
        return kind(message, hint)
    return RuntimeError(f"{message} The log: {run.path / 'worker.log'}")


def summary(run: Run) -> dict[str, Any]:
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
    return list(_predictions(_run(run), [Path(image) for image in images], top_k, progress, limits))


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

        return evaluate_predictions(_predicted_table(run, dataset, progress, on_note), run.classes)
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
        jobs.run_now(run, run.workspace.machine)
        jobs.wait(run)
    if not run.has_model:
        status = run.status()
        raise RunError(f"The run {run.id} has no model: it is {status.state}. {status.message}".strip(),
                       "Choose a completed run.")


def _predicted_table(
    run: Run, dataset: Dataset, progress: Progress | None, on_note: Callable[[str], None] | None
) -> pd.DataFrame:
    """A table like `predictions.parquet` for the images of a dataset whose class the model knows."""
    import pandas as pd

    known = dataset.usable()
    known = known[known["class"].isin(run.classes)]
    if known.empty:
        raise DataError(
            f"No class of '{dataset.name}' ({', '.join(dataset.classes)}) is one that the model knows "
            f"({', '.join(run.classes)}).", "Rename the classes of the dataset to match."
        )
    known = _unseen(run, known, on_note)
    files = [dataset.image_path(file) for file in known["file"]]
    rows, reason = [], ""
    answers = _predictions(run, files, len(run.classes), progress)
    for prediction, path, file, true in zip(answers, known["path"], known["file"], known["class"], strict=True):
        if prediction.error:
            reason = prediction.error
            continue
        given = {item["label"]: item["probability"] for item in prediction.top}
        rows.append({
            "path": path, "file": file, "split": "dataset", "true": true, "predicted": prediction.label,
            "probability": prediction.probability,
            **{f"p{index}": given[name] for index, name in enumerate(run.classes)},
        })
    if not rows:
        raise DataError(f"None of the {len(files)} images of '{dataset.name}' could be read: {reason}",
                        "Delete the dataset and upload it again.")
    return pd.DataFrame(rows)


def _unseen(run: Run, known: pd.DataFrame, on_note: Callable[[str], None] | None) -> pd.DataFrame:
    """The rows of a manifest without those whose picture the run was trained on; all rows when no other is there."""
    from core.data.dataset import Dataset

    splits = run.splits()
    try:
        own = Dataset.load(run.dataset_path).usable()
    except DataError:  # deleted: nothing is known of what it held
        return known
    trained = own.loc[own["file"].isin(splits.loc[splits["split"] == "train", "file"]), "hash"]
    seen = known["hash"].isin(trained)
    note = f"Left out, as the model was trained on them: {seen.sum():,} of {len(known):,} images."
    if seen.all():
        note = "The model was trained on all of these images; the scores on new ones will be lower."
    if seen.any() and on_note is not None:
        on_note(note)
    return known if seen.all() else known[~seen]


def _predictions(
    run: Run, images: Sequence[Path], top_k: int, progress: Progress | None, limits: Limits | None = None
) -> Iterator[Prediction]:
    require_model(run, progress)
    from core.inference import shared_predictor

    done = 0
    remaining = iter(images)
    while chunk := list(itertools.islice(remaining, PREDICT_AT_ONCE)):
        yield from shared_predictor().predict(run.path, chunk, top_k=top_k, timeout=PREDICT_SECONDS,
                                               max_pixels=(limits or run.limits).image_pixels)
        done += len(chunk)
        if progress:
            progress("Predicting", done / len(images))


def _dataset(dataset: Dataset | str | Path, workspace: Workspace, progress: Progress | None) -> Dataset:
    if isinstance(dataset, (str, Path)):
        from core.data.library import resolve_dataset

        return resolve_dataset(str(dataset), workspace, progress)
    return dataset


def _run(run: Run | Path | str) -> Run:
    run = run if isinstance(run, Run) else Run.open(run)
    reaper.judge(run)  # of one that died there may be a model to be made
    return run
