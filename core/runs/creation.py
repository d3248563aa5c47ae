"""Making a run folder: built aside, and in its place as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core import escape
from core.errors import RunError
from core.jobs.job import Job
from core.jobs.status import QUEUE, Status
from core.recipe.fields import Recipe
from core.store.documents import Format
from core.store.files import disk_errors, write_text

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Dataset

DATASET = Format("dataset of a run")
RECIPE_FILE, DATASET_FILE, SPLITS_FILE = "recipe.json", "dataset.json", "splits.csv"


def create(
    folder: Path, dataset: Dataset, recipe: Recipe, splits: pd.DataFrame, aside: Path | None = None,
    enter: Callable[[], None] | None = None,
) -> None:
    """Make a run folder in state `queued`.

    Args:
        folder: Where; may exist when it is empty.
        splits: Columns file, path, class, split.
        aside: A folder on the same disk to build it in. Default: beside it.
        enter: Called when it is in its place, to have it started. When that fails, the run is taken back.

    Raises:
        RunError: the folder holds something.
        DiskFullError, WorkspaceError: it cannot be written; nothing is left behind.
    """
    with disk_errors():
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"The folder {folder} is not empty.", "Choose a new folder for the run.")
        existed = folder.is_dir()
        with _parents(folder):
            with _built(folder, aside) as new:
                _fill(new, dataset, recipe, splits)
            if enter is not None:
                with _taken_back(folder, existed):
                    enter()


def _fill(folder: Path, dataset: Dataset, recipe: Recipe, splits: pd.DataFrame) -> None:
    DATASET.write(folder / DATASET_FILE, {
        "id": dataset.id, "name": dataset.name, "fingerprint": dataset.fingerprint, "classes": dataset.classes,
        "path": str(dataset.path),
    })
    splits[["file", "path", "class", "split"]].map(escape.csv_field).to_csv(folder / SPLITS_FILE, index=False)
    Job.describe(folder, "train", [dataset.id])
    Job(folder).write_status(Status(state="queued", stage=QUEUE, epochs=recipe.train.epochs, queued=time.time()))
    write_text(folder / RECIPE_FILE, recipe.to_json())


@contextmanager
def _parents(folder: Path) -> Iterator[None]:
    """Make the folders above one; those that were made are gone again when the block fails."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise


@contextmanager
def _taken_back(folder: Path, existed: bool) -> Iterator[None]:
    """Remove a run again when the block fails, unless it was started."""
    try:
        yield
    except BaseException:
        if Job(folder).status().state == "queued":
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            if not existed:
                folder.rmdir()
        raise


@contextmanager
def _built(folder: Path, aside: Path | None) -> Iterator[Path]:
    """A folder to build `folder` in. One that is there already stays, as it may be a mount or somebody's current
    folder: what was built is then moved into it, the recipe last, as with it the folder is a run."""
    exists = folder.is_dir()
    new = (folder if exists else aside or folder.parent) / f".{folder.name}-{secrets.token_hex(4)}"
    try:
        new.mkdir()
        yield new
        if not exists:
            os.rename(new, folder)
            return
        for path in sorted(new.iterdir(), key=lambda path: path.name == RECIPE_FILE):
            os.rename(path, folder / path.name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
