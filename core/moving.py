"""A run as one file, to be taken to another machine: its folder, and its dataset where that is wanted."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from core.data.dataset import Dataset
from core.data.images.decode import IMAGES
from core.errors import ArchiveError, GraftError, RunError
from core.jobs import requests
from core.jobs.job import Job
from core.runs.creation import DATASET, DATASET_FILE, RECIPE_FILE, SPLITS_FILE
from core.runs.run import Run
from core.store.documents import Format
from core.store.files import disk_errors, replacing
from core.store.workspace import Workspace

FORMAT = Format("run file")
KIND = "adopt"
ABOUT = "graft-run.json"
FILES = (RECIPE_FILE, DATASET_FILE, SPLITS_FILE, "status.json", "job.json", "events.jsonl", "history.csv", "looks.json",
         "metrics.json", "predictions.parquet", "labels.txt", "model.keras", "serving.onnx", "serving.json",
         "worker.log")
"""What of a run's folder goes along. Nothing else is taken in, either."""
_DATASET_FILE = re.compile(r"[\w-]+\.(json|jsonl|parquet)")
"""What lies beside a dataset's pictures: manifests, edits, and what was read of the folders."""
_DATASET = "dataset"
_PIECE = 2**20


def pack(run: Run, out: Path, with_dataset: bool = False) -> None:
    """Write a run that has ended to one file.

    Args:
        out: The file; replaced when it is there.
        with_dataset: With its pictures, so that they can be seen and trained on there.

    Raises:
        RunError: it waits or works.
        DataError: the dataset was deleted, where it is to go along.
        GraftError: the file cannot be written; then nothing is left of it.
    """
    if run.status().active:
        raise RunError(f"The run {run.id} is {run.status().state}.", "Wait for its end, or stop it.")
    dataset = Dataset.load(run.dataset_path) if with_dataset else None
    try:
        with replacing(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(ABOUT, json.dumps({FORMAT.key: FORMAT.version, "id": run.id}))
            for name in FILES:
                if (run.path / name).is_file():
                    archive.write(run.path / name, name)
            for path, name in _of(dataset) if dataset else ():
                archive.write(path, f"{_DATASET}/{name}")
    except OSError as error:
        raise GraftError(f"Cannot write {out}: {error.strerror or error}.", "Choose another place.") from error


def _of(dataset: Dataset) -> Iterator[tuple[Path, str]]:
    """The files of a dataset that go along, and their names there."""
    for path in sorted(dataset.path.iterdir()):
        if path.is_file() and _DATASET_FILE.fullmatch(path.name):
            yield path, path.name
    for file in dataset.manifest["file"]:
        if file:
            yield dataset.image_path(file), f"{IMAGES}/{file}"


def unpack(source: Path, workspace: Workspace) -> Run:
    """Take a run in that `pack` wrote, under its own id, or a fresh one where that is taken. Its dataset comes along
    where the file has it and the workspace does not. Its model is built anew from the recipe and the numbers in the
    file, in a process of its own: see `core.engine.adopt`.

    Raises:
        ArchiveError: no such file, damaged, over the workspace's limits, or it holds what a run does not.
        NewerFormatError: a newer version of Graft wrote it.
        WeightsError: the numbers do not fit the recipe.
        WorkspaceError: the workspace cannot be written; nothing is left of it then.
    """
    aside = workspace.incoming / workspace.new_id("run-file")
    try:
        with disk_errors():
            aside.mkdir()
            _extract(source, aside, workspace)
            about = FORMAT.read(aside / ABOUT)
            _adopt_model(aside, workspace)
            return _settle(aside, str(about["id"]), workspace)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _extract(source: Path, aside: Path, workspace: Workspace) -> None:
    limits, written = workspace.limits, 0
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            if len(members) > limits.archive_members:
                raise ArchiveError(f"'{source.name}' holds more than {limits.archive_members:,} files.",
                                   "Take the run along without its dataset.")
            if ABOUT not in archive.namelist():
                raise ArchiveError(f"'{source.name}' is no run of Graft.", "Export one with --format run.")
            for member in members:
                target = aside / _place(member.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, open(target, "xb") as file:
                    while piece := packed.read(_PIECE):
                        written += len(piece)
                        if written > limits.archive_bytes:
                            raise ArchiveError(f"'{source.name}' unpacks to more than "
                                               f"{limits.archive_bytes / 2**30:.0f} GB.", "Take the run along alone.")
                        file.write(piece)
    except GraftError:
        raise
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise ArchiveError(f"There is no file '{source}'.") from error
        raise
    except Exception as error:  # zipfile raises anything on hostile files
        raise ArchiveError(f"'{source.name}' cannot be read: {error}.", "Export the run again.") from error


def _place(name: str) -> str:
    """Where a member lies. Raises ArchiveError for whatever is no part of a run."""
    parts = PurePosixPath(name).parts
    good = name in (*FILES, ABOUT) or (
        parts[:1] == (_DATASET,) and (len(parts) == 2 and _DATASET_FILE.fullmatch(parts[1]) is not None or
                                      len(parts) == 3 and parts[1] == IMAGES and ".." not in parts
                                      and "\\" not in name))
    if not good:
        raise ArchiveError(f"The file holds '{name[:80]}', which is no part of a run.", "Nothing of it was kept.")
    return name


def _adopt_model(aside: Path, workspace: Workspace) -> None:
    """Have model.keras made of the one in the file, which is nobody's whom we know."""
    for name in ("serving.onnx", "serving.json"):
        (aside / name).unlink(missing_ok=True)
    run, foreign = Run(aside), aside / "foreign.keras"
    if not (aside / "model.keras").is_file():
        return
    if not (aside / RECIPE_FILE).is_file() or run.trouble:
        raise ArchiveError(f"The run in the file cannot be read. {run.trouble}".strip(), "Export it again.")
    (aside / "model.keras").rename(foreign)
    job = requests.ask(workspace, KIND, {"run": str(aside), "weights": str(foreign)}, at_once=True)
    requests.carried_out(job)
    foreign.unlink()


def _settle(aside: Path, wanted: str, workspace: Workspace) -> Run:
    """Move what was read into its place."""
    run = Run(aside)
    if not (aside / RECIPE_FILE).is_file() or run.trouble:
        raise ArchiveError(f"The run in the file cannot be read. {run.trouble}".strip(), "Export it again.")
    document = dict(run.dataset)
    home = workspace.datasets / Path(document["id"]).name
    packed = aside / _DATASET
    if packed.is_dir():
        dataset = Dataset.load(packed)
        if dataset.id != document["id"]:
            raise ArchiveError("The dataset in the file is not the run's.", "Export the run again.")
        if not home.exists():
            os.rename(packed, home)
        else:
            shutil.rmtree(packed)
    DATASET.write(aside / DATASET_FILE, {**document, "path": str(home)})
    status = run.status()
    if status.active:
        Job(aside).write_status(replace(status, state="interrupted", message="It was taken along while it worked."))
    (aside / ABOUT).unlink()
    name = wanted if Path(wanted).name == wanted and not (workspace.runs / wanted).exists() else workspace.new_id("run")
    os.rename(aside, workspace.runs / name)
    return Run.find(workspace, name)
