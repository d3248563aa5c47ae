"""The command line: `python -m core`. Results on stdout, progress and errors on stderr.

Exit status: 0; 2 with one line for what the user can put right; 1 for a bug, with its traceback.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core import escape
from core.cli import after, datasets, models, output
from core.cli.options import (
    AcceptBadOption,
    AcceptEmptyOption,
    ArchivesInsideOption,
    DatasetArgument,
    JsonOption,
    LayoutOption,
    PresetOption,
    RecipeOption,
    RunArgument,
    SetOption,
    collected,
    open_run,
    recipe_of,
    shorthand,
)
from core.errors import GraftError, RunError
from core.jobs import reaper
from core.runs import looks
from core.runs.index import list_runs, unreadable_runs
from core.runs.run import Run
from core.store.workspace import Workspace

if TYPE_CHECKING:
    from core.data.dataset import Dataset

app = typer.Typer(
    help="Transfer learning for images, without writing code.",
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
)


for command in (datasets.inspect, datasets.add, datasets.dataset_zip,
                models.presets, models.backbones, models.weights, models.summary,
                after.compare, after.explain, after.serve, after.export):
    app.command()(command)
app.command("import")(after.import_run)


@app.command()
def train(
    dataset: DatasetArgument,
    recipe: RecipeOption = None,
    preset: PresetOption = None,
    backbone: Annotated[str | None, shorthand("backbone")] = None,
    alpha: Annotated[str | None, shorthand("alpha")] = None,
    weights: Annotated[str | None, shorthand("weights")] = None,
    freeze: Annotated[str | None, shorthand("freeze")] = None,
    epochs: Annotated[str | None, shorthand("epochs")] = None,
    seed: Annotated[str | None, shorthand("seed")] = None,
    settings: SetOption = None,
    run_dir: Annotated[Path | None, typer.Option(help="The run's folder. Default: a new one in the workspace.")] = None,
    layout: LayoutOption = None,
    accept_bad: AcceptBadOption = False,
    accept_empty: AcceptEmptyOption = False,
    archives_inside: ArchivesInsideOption = False,
) -> None:
    """Train a model. Ctrl-C stops it and keeps the best model so far."""
    from core import api
    from core.data.library import resolve_dataset

    short = {"backbone": backbone, "alpha": alpha, "weights": weights, "freeze": freeze, "epochs": epochs, "seed": seed}
    given = {name: value for name, value in short.items() if value is not None}
    workspace = Workspace.default()

    @cache
    def found() -> Dataset:
        read = resolve_dataset(dataset, workspace, output.Bar(), layout=layout, accept_bad=accept_bad,
                               accept_empty=accept_empty, archives_inside=archives_inside)
        output.tell_layout(read)
        return read

    final = recipe_of(recipe, preset, given, settings or [], found)
    if final.model.weights == "none" and all(phase.freeze == "all" for phase in final.train.phases):
        output.tell("Note: the backbone has random weights and stays frozen, so it cannot learn; try --freeze none.")
    final = api.prepare_weights(final, output.Bar(), workspace)  # before the images are read: that may take longer
    run = api.start(found(), final, workspace, run_dir=run_dir, at_once=True, progress=output.Bar())
    output.tell(f"Run folder: {run.path}")
    _follow(run)


@app.command()
def resume(run_dir: RunArgument) -> None:
    """Go on with a paused, stopped, interrupted or failed run, to the epochs of its recipe."""
    from core import api

    run = open_run(run_dir)
    api.prepare_weights(run.recipe, output.Bar(), run.workspace)
    _follow(api.resume(run, at_once=True))


@app.command()
def pause(run_dir: RunArgument) -> None:
    """End the process of a run where it stands; `resume` goes on from there."""
    run = open_run(run_dir)
    state = reaper.judge(run).state
    if state not in ("queued", "running"):
        raise RunError(f"The run {run.id} is not training: it is {state}.")
    run.request_pause()
    output.tell(f"Asked {run.id} to pause.")


def _follow(run: Run) -> None:
    """Tell of a run until its end, and what came of it."""
    from core import api
    from core.jobs import queue as jobs
    from core.jobs.failures import error_of

    log = output.TrainingLog(run)
    try:
        status = jobs.wait(run, log)
    except KeyboardInterrupt:
        output.tell("Stopping; the best model so far is kept.")
        run.request_stop()
        status = jobs.wait(run, log)
    output.print_json(api.outcome(run), indent=None)
    if status.state in ("failed", "interrupted"):
        raise error_of(run, status)


@app.command()
def stop(run_dir: RunArgument) -> None:
    """End a run early; the best model so far is kept."""
    run = open_run(run_dir)
    state = reaper.judge(run).state
    if state not in ("queued", "running"):
        raise RunError(f"The run {run.id} is not training: it is {state}.")
    run.request_stop()
    output.tell(f"Asked {run.id} to stop.")


@app.command()
def evaluate(
    run_dir: RunArgument,
    dataset: Annotated[str | None, typer.Option(
        help="Score the model on this dataset instead, without the images that it was trained on.")] = None,
    test: Annotated[bool, typer.Option(
        "--test", help="With the score on the run's test images. Each look is counted: see docs/results.md.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the scores of a run, or of its model on another dataset."""
    from core import api

    run = open_run(run_dir)
    if test and dataset is not None:
        raise GraftError("--test and --dataset were both given.", "Choose one of them.")
    other = None
    if dataset is not None:
        from core.data.library import resolve_dataset

        other = resolve_dataset(dataset, Workspace.default(), output.Bar())
        output.tell_layout(other)
        unknown = [name for name in other.classes if name not in run.classes]
        if unknown:
            output.tell(f"Left out, as the model does not know the class: {', '.join(unknown)}")
    scores = api.evaluate(run, other, test=test, progress=output.Bar(), on_note=output.tell)
    if other is None:
        output.tell_looks(run, test)
    if as_json:
        output.print_json(looks.scores(run, test) if other is None else scores)
    else:
        output.print_scores(scores)


@app.command()
def predict(
    run_dir: RunArgument,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE|FOLDER|ZIP...", help="What to classify.")],
    top_k: Annotated[int, typer.Option(min=1, help="How many classes to name for each image.")] = 3,
    csv: Annotated[Path | None, typer.Option(help="Write the answers to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Classify images with a run's model."""
    from core import api
    if csv is not None and as_json:
        raise GraftError("--csv and --json were both given.", "Choose one of them.")
    run = open_run(run_dir)
    with collected(images) as (found, limits):
        files = [picture.path for picture in found]
        answers = api.predict(run, files, top_k=top_k, progress=output.Bar(), limits=limits)
    rows = output.prediction_rows(found, answers)
    bad = [row for row in rows if "error" in row]
    for row in bad:
        output.tell(f"{row['path']}: {row['error']}")
    if as_json:
        output.print_json(rows)
    elif csv is not None:
        output.write_predictions_csv(rows, csv)
        output.tell(f"Wrote {csv}")
    else:
        output.print_table(["image", "label", "probability"], [
            [row["path"], row["label"], row["probability"]] for row in rows if "error" not in row
        ])
    if len(bad) == len(rows):
        raise GraftError("None of the files is an image that can be read.")


@app.command()
def runs(as_json: JsonOption = False) -> None:
    """List the runs of the workspace, newest first."""
    from core import api
    from core.jobs import queue

    workspace = Workspace.default()
    queue.reap(workspace.machine)
    for name, trouble in unreadable_runs(workspace):
        output.tell(f"Not listed: {name}. {trouble}")
    rows = [api.describe(run) for run in list_runs(workspace)]
    if as_json:
        output.print_json(rows)
    elif rows:
        columns = ["id", "state", "dataset", "backbone", "val_accuracy"]
        output.print_table(columns, [[row[column] for column in columns] for row in rows])
    else:
        output.tell("There are no runs yet. Start one: python -m core train digits")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    try:
        return int(app(args=given or ["--help"], prog_name="python -m core", standalone_mode=False) or 0)
    except GraftError as error:
        output.tell(" ".join(f"Error: {error}".split()))
        return 2
    except usage_error as error:
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        output.tell(" ".join(f"Error: {text}".split()) + " See python -m core --help.")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        escape.print_trace(error)
        return 1
