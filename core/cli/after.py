"""Commands on what a run has come to: compared, explained, served, exported, taken to another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli import output
from core.cli.options import JsonOption, RunArgument, collected, open_run
from core.errors import GraftError
from core.exports import formats
from core.exports.formats import FORMATS
from core.store.workspace import Workspace


def compare(
    run_dirs: Annotated[list[str], typer.Argument(metavar="RUN_DIR RUN_DIR...", help="Two to ten runs.")],
    as_json: JsonOption = False,
) -> None:
    """Show runs side by side: settings that differ, scores, and whether a difference is more than chance."""
    from core.runs import comparing

    found = comparing.compare([open_run(text) for text in run_dirs])
    if as_json:
        return output.print_json(found)
    columns = ["id", "backbone", "accuracy", "balanced_accuracy", "log_loss", "images", "epochs", "seconds"]
    output.print_table(columns, [[row[column] for column in columns] for row in found["runs"]])
    for path, values in found["differing"].items():
        output.say(f"{path}: {' | '.join(str(value) for value in values)}")
    for pair in found["pairs"]:
        output.say(f"{' and '.join(pair['runs'])}: {comparing.verdict(pair)}")


def explain(
    run_dir: RunArgument,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE|FOLDER|ZIP...", help="What to look at.")],
    out: Annotated[Path, typer.Option(help="The folder for NAME.png and NAME.npy.")],
    label: Annotated[str | None, typer.Option(
        "--class", metavar="NAME", help="What speaks for this class. Default: for the one that each image is given.")
    ] = None,
) -> None:
    """Show where in images a run's model finds what speaks for a class."""
    from core import api, explaining

    run = open_run(run_dir)
    with collected(images) as (found, limits):
        api.require_model(run, output.Bar())
        rows = explaining.explain(run, [picture.path for picture in found], out, label=label, progress=output.Bar(),
                                  limits=limits)
    for row in rows:
        if row["error"]:
            output.tell(f"{row['image']}: {row['error']}")
        else:
            output.say(row["overlay"])
    if all(row["error"] for row in rows):
        raise GraftError("None of the files is an image that can be read.")


def serve(
    run_dir: RunArgument,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8600,
    host: Annotated[str, typer.Option(help="0.0.0.0 serves the whole network.")] = "127.0.0.1",
) -> None:
    """Serve a run's model over HTTP: POST /predict, GET /healthz, GET /openapi.json."""
    import uvicorn

    from core import api
    from core.serving import application

    run = open_run(run_dir)
    api.require_model(run, output.Bar())
    output.tell(f"Serving {run.id} at http://{host}:{port} · Ctrl-C ends it")
    uvicorn.run(application(run, Workspace.default()), host=host, port=port, log_level="warning")


def export(
    run_dir: RunArgument,
    kind: Annotated[
        str, typer.Option("--format", metavar="|".join([*FORMATS, "run"]), help="; ".join(
            f"{name}: {kind.description}" for name, kind in FORMATS.items()) + "; run: the whole run, for `import`.")
    ],
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: the run's name, here.")] = None,
    with_dataset: Annotated[bool, typer.Option("--with-dataset", help="Of the format run: with its pictures.")] = False,
) -> None:
    """Write a run's model to a file that works elsewhere."""
    from core import api, exporting, moving

    suffix = ".zip" if kind == "run" else formats.get(kind).suffix
    run = open_run(run_dir)
    target = out or Path(f"{run.id}{suffix}")
    if target.is_dir():
        target = target / f"{run.id}{suffix}"
    if kind == "run":
        moving.pack(run, target, with_dataset)
        return output.say(str(target))
    api.require_model(run, output.Bar())
    found = exporting.export(run, kind, target, run.workspace, output.Bar())
    output.tell(found["sentence"])
    output.say(str(target))


def import_run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export --format run` wrote.")],
) -> None:
    """Take in a run from another machine."""
    from core import moving

    run = moving.unpack(file, Workspace.default())
    output.tell(f"{run.id}: {run.dataset['name']}")
    output.say(str(run.path))
