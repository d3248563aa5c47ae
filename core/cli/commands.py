"""The command line: `python -m core`. Results on stdout, progress and errors on stderr.

Exit status: 0; 2 with one line for what the user can put right; 1 for a bug, with its traceback.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli import output
from core.errors import GraftError, NotFoundError, RecipeError, RunError
from core.exports import formats
from core.exports.formats import FORMATS
from core.jobs import reaper
from core.recipe.fields import Recipe
from core.recipe.specs import field_spec, without_effect
from core.runs.index import list_runs, unreadable_runs
from core.runs.run import Run
from core.store.workspace import Workspace

SHORTHANDS = {
    "backbone": "model.backbone",
    "alpha": "model.alpha",
    "weights": "model.weights",
    "freeze": "train.phases.0.freeze",
    "epochs": "train.phases.0.epochs",
    "seed": "train.seed",
}
"""Short options of `train`, and the fields of the recipe that they stand for."""

app = typer.Typer(
    help="Transfer learning for images, without writing code.",
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
)


def _shorthand(name: str) -> Any:
    """An option for a field of the recipe; its help and range come from the field."""
    spec = field_spec(SHORTHANDS[name].replace(".0.", "."))
    bounds = f" From {spec.minimum:.12g} to {spec.maximum:.12g}." if None not in (spec.minimum, spec.maximum) else ""
    default = "" if spec.default is None else f" Default: {spec.default}."
    return typer.Option(f"--{name}", metavar=name.upper(), help=f"{spec.help}{bounds}{default}")


DatasetArgument = Annotated[
    str, typer.Argument(metavar="DATASET", help="A zip, tar or folder of class folders, a sample, or a dataset id.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN_DIR", help="The folder of a run, or its id.")]
AcceptBadOption = Annotated[bool, typer.Option(
    "--accept-bad", help="Go on although many files cannot be read; they are left out.")]
AcceptEmptyOption = Annotated[bool, typer.Option(
    "--accept-empty", help="Leave out classes that have no image, instead of refusing all.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def inspect(dataset: DatasetArgument, accept_bad: AcceptBadOption = False, accept_empty: AcceptEmptyOption = False,
            as_json: JsonOption = False) -> None:
    """Show what is in a dataset, and what of it cannot be used."""
    from core.data.checks.summary import summarise
    from core.data.library import resolve_dataset

    summary = summarise(resolve_dataset(dataset, Workspace.default(), output.Bar(), accept_bad=accept_bad,
                                        accept_empty=accept_empty))
    output.print_json(summary) if as_json else output.print_summary(summary)


@app.command()
def train(
    dataset: DatasetArgument,
    recipe: Annotated[Path | None, typer.Option(help="A recipe.json. The other options change it.")] = None,
    backbone: Annotated[str | None, _shorthand("backbone")] = None,
    alpha: Annotated[str | None, _shorthand("alpha")] = None,
    weights: Annotated[str | None, _shorthand("weights")] = None,
    freeze: Annotated[str | None, _shorthand("freeze")] = None,
    epochs: Annotated[str | None, _shorthand("epochs")] = None,
    seed: Annotated[str | None, _shorthand("seed")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the recipe by its path, "
                                       "such as model.dropout=0.4. Can be given several times.")
    ] = None,
    run_dir: Annotated[Path | None, typer.Option(help="The run's folder. Default: a new one in the workspace.")] = None,
    accept_bad: AcceptBadOption = False,
    accept_empty: AcceptEmptyOption = False,
) -> None:
    """Train a model. Ctrl-C stops it and keeps the best model so far."""
    from core import api
    from core.data.library import resolve_dataset
    from core.jobs import queue as jobs

    short = {"backbone": backbone, "alpha": alpha, "weights": weights, "freeze": freeze, "epochs": epochs, "seed": seed}
    given = {name: value for name, value in short.items() if value is not None}
    final = _recipe(dataset, recipe, given, settings or [])
    api.prepare_weights(final, output.Bar())  # before the images are read: that may take longer
    workspace = Workspace.default()
    found = resolve_dataset(dataset, workspace, output.Bar(), accept_bad=accept_bad, accept_empty=accept_empty)
    run = api.start(found, final, workspace, run_dir=run_dir, at_once=True, progress=output.Bar())
    output.tell(f"Run folder: {run.path}")
    log = output.TrainingLog(run)
    try:
        status = jobs.wait(run, log)
    except KeyboardInterrupt:
        output.tell("Stopping; the best model so far is kept.")
        run.request_stop()
        status = jobs.wait(run, log)
    output.print_json(api.summary(run), indent=None)
    if status.state in ("failed", "interrupted"):
        raise api.run_error(run, status)


@app.command()
def stop(run_dir: RunArgument) -> None:
    """End a run early; the best model so far is kept."""
    run = _open_run(run_dir)
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
    as_json: JsonOption = False,
) -> None:
    """Print the scores of a run, or of its model on another dataset."""
    from core import api

    run = _open_run(run_dir)
    other = None
    if dataset is not None:
        from core.data.library import resolve_dataset

        other = resolve_dataset(dataset, Workspace.default(), output.Bar())
        unknown = [name for name in other.classes if name not in run.classes]
        if unknown:
            output.tell(f"Left out, as the model does not know the class: {', '.join(unknown)}")
    scores = api.evaluate(run, other, progress=output.Bar(), on_note=output.tell)
    if as_json:
        output.print_json(run.metrics() if other is None else scores)
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
    from core.data.sources import pictures
    from core.data.sources.members import Notes

    if csv is not None and as_json:
        raise GraftError("--csv and --json were both given.", "Choose one of them.")
    run, notes = _open_run(run_dir), Notes()
    with tempfile.TemporaryDirectory() as scratch:
        limits = Workspace.default().limits
        found = pictures.collect(images, Path(scratch), limits, notes)
        for line in notes.lines():
            output.tell(line)
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


@app.command()
def export(
    run_dir: RunArgument,
    kind: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="; ".join(
            f"{name}: {kind.description}" for name, kind in FORMATS.items()) + ".")
    ],
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: the run's name, here.")] = None,
) -> None:
    """Write a run's model to a file that works elsewhere."""
    suffix = formats.get(kind).suffix
    run = _open_run(run_dir)
    target = out or Path(f"{run.id}{suffix}")
    if target.is_dir():
        target = target / f"{run.id}{suffix}"
    formats.export(run, kind, target)
    output.say(str(target))


def _recipe(dataset: str, file: Path | None, given: dict[str, str], settings: list[str]) -> Recipe:
    """The recipe that the options of `train` come to."""
    base = Recipe.load(file) if file is not None else Recipe()
    chosen = {assignment.partition("=")[0].strip() for assignment in settings} | {SHORTHANDS[name] for name in given}
    if file is None and not chosen & {"model.backbone", "model.alpha", "model.weights"}:
        base = _recipe_within_reach(dataset, base)
    phases = len(base.train.phases)
    if phases > 1 and given.keys() & {"freeze", "epochs"}:
        raise RecipeError(f"--freeze and --epochs are for a recipe of one phase; this one has {phases}.",
                          "Use --set train.phases.0.epochs=5 and so on.")
    final = base.override([*(f"{SHORTHANDS[name]}={value}" for name, value in given.items()), *settings])
    for path in sorted(chosen):
        if note := without_effect(final, path):
            output.tell(f"Note: {note}")
    if final.model.weights == "none" and all(phase.freeze == "all" for phase in final.train.phases):
        output.tell("Note: the backbone has random weights and stays frozen, so it cannot learn; try --freeze none.")
    return final


def _recipe_within_reach(dataset: str, base: Recipe) -> Recipe:
    """What to do when the weights that `base` needs cannot be had: the recipe that a sample proposes, else the backbone
    whose weights come along. Says so."""
    from core.backbones import catalogue, lite0, weights
    from core.data.samples import SAMPLES

    backbone, variant = catalogue.get(base.model.backbone, base.model.alpha)
    if weights.find(backbone, variant) is not None or weights.reachable():
        return base
    missing = f"Note: no pretrained weights for {backbone.title} here and no way to download them; using"
    sample = SAMPLES.get(dataset)
    if sample is not None and sample.recipe is not None:
        output.tell(f"{missing} the recipe that comes with '{dataset}': {sample.recipe.model.backbone} with random "
                    "weights, everything trained.")
        return sample.recipe
    if lite0.source() is None:
        return base
    output.tell(f"{missing} {lite0.BACKBONE}, whose pretrained weights come with Graft.")
    return base.override([f"model.backbone={lite0.BACKBONE}"])


def _open_run(text: str) -> Run:
    """A run by its folder, else by its id in the workspace. Raises NotFoundError."""
    if Path(text).is_dir():
        return Run.open(text)
    try:
        return Run.find(Workspace.default(), text)
    except NotFoundError:
        raise NotFoundError(f"There is no run '{text}'.", "`python -m core runs` lists the runs.") from None


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
    except Exception:
        output.tell_bug()
        return 1
