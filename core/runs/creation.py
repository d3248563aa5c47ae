"""Making a run folder: built aside, and in its place as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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


def create(folder: Path, dataset: Dataset, recipe: Recipe, splits: pd.DataFrame, aside: Path | None = None) -> None:
    """Make a run folder in state `queued`.

    Args:
        folder: Where; may exist when it is empty.
        splits: Columns file, path, class, split.
        aside: A folder on the same disk to build it in. Default: beside it.

    Raises:
        RunError: the folder holds something.
        DiskFullError, WorkspaceError: it cannot be written; nothing is left behind.
    """
    with disk_errors():
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"The folder {folder} is not empty.", "Choose a new folder for the run.")
        with _parents(folder), _built(folder, aside) as new:
            DATASET.write(new / DATASET_FILE, {
                "id": dataset.id, "name": dataset.name, "fingerprint": dataset.fingerprint,
                "classes": dataset.classes, "path": str(dataset.path),
            })
            splits[["file", "path", "class", "split"]].to_csv(new / SPLITS_FILE, index=False)
            Job.describe(new, "train", [dataset.id])
            Job(new).write_status(
                Status(state="queued", stage=QUEUE, epochs=recipe.train.epochs, queued=time.time()))
            write_text(new / RECIPE_FILE, recipe.to_json())


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
