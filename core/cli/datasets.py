"""Commands about datasets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.cli import output
from core.cli.options import (
    AcceptBadOption,
    AcceptEmptyOption,
    ArchivesInsideOption,
    DatasetArgument,
    JsonOption,
    LayoutOption,
)
from core.store.workspace import Workspace


class Checks(StrEnum):
    """How deep to look."""

    quick = "quick"
    all = "all"


def inspect(dataset: DatasetArgument, layout: LayoutOption = None, accept_bad: AcceptBadOption = False,
            accept_empty: AcceptEmptyOption = False, archives_inside: ArchivesInsideOption = False,
            checks: Annotated[Checks, typer.Option(help="quick: what the list of files tells. all: look at the "
                                                   "pictures, too, which takes longer the first time.")] = Checks.quick,
            as_json: JsonOption = False) -> None:
    """Show what is in a dataset, and what is wrong with it."""
    from core import api
    from core.data.checks.inspection import inspection
    from core.data.checks.overview import overview
    from core.data.checks.table import quick
    from core.data.library import resolve_dataset

    workspace = Workspace.default()
    found = resolve_dataset(dataset, workspace, output.Bar(), layout=layout, accept_bad=accept_bad,
                            accept_empty=accept_empty, archives_inside=archives_inside)
    output.tell_layout(found)
    report = api.check(found, workspace, progress=output.Bar()) if checks == Checks.all else quick(found)
    if as_json:
        return output.print_json(inspection(found, report))
    output.print_summary(overview(found))
    output.print_findings(report)


def add(
    dataset: DatasetArgument,
    sources: Annotated[list[Path], typer.Argument(
        metavar="SOURCE...", help="Archives, folders or image files. Folders inside them name the classes.")],
    label: Annotated[str | None, typer.Option(
        "--class", metavar="NAME", help="The class of all of them, whatever folders they lie in; may be a new one."),
    ] = None,
    layout: LayoutOption = None,
    accept_bad: AcceptBadOption = False,
) -> None:
    """Add images to a dataset. Those that it has already are left out."""
    from core.data import additions
    from core.data.library import resolve_dataset

    workspace = Workspace.default()
    found = resolve_dataset(dataset, workspace, output.Bar())
    added = additions.add(sources, workspace, found.id, label=label, layout=layout, accept_bad=accept_bad,
                          progress=output.Bar())
    for line in added.notes:
        output.tell(line)
    output.say(f"{found.id}: {added.text}")


def dataset_zip(
    dataset: DatasetArgument,
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: the dataset's name, here.")] = None,
    split_folders: Annotated[bool, typer.Option(
        "--split-folders", help="With folders for training, validation and test around the class folders.")] = False,
    layout: LayoutOption = None,
) -> None:
    """Write a dataset as it is now, mended, to a zip of class folders, with its split and its changes."""
    from core.data import cleaned
    from core.data.library import resolve_dataset

    found = resolve_dataset(dataset, Workspace.default(), output.Bar(), layout=layout)
    output.say(str(cleaned.write(found, out or Path(f"{found.id}.zip"), split_folders=split_folders,
                                 progress=output.Bar())))
