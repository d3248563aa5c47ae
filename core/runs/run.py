"""Run folders: one execution of a recipe on a dataset, seen through its files.

The folder is the only channel between the pages, the command line and the worker process that trains. Everything here
reads or writes those files; nothing here trains.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from core import escape
from core.backbones import catalogue
from core.data.splits.identity import split_id
from core.errors import GraftError, NotFoundError, RunError
from core.jobs import reaper
from core.jobs.job import DESCRIPTION, EVENTS_FILE, STATUS_FILE, Job
from core.plan import check_output
from core.recipe.fields import Recipe
from core.recipe.specs import require_available
from core.runs import creation
from core.runs import events as run_events
from core.runs.creation import DATASET, DATASET_FILE, RECIPE_FILE, SPLITS_FILE
from core.runs.results import METRICS
from core.store.files import disk_errors
from core.store.limits import Limits
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Dataset

HISTORY_COLUMNS = (
    "epoch", "phase", "phase_index", "loss", "accuracy", "val_loss", "val_accuracy", "val_balanced_accuracy",
    "val_macro_f1", "learning_rate", "seconds", "images_per_second",
)
"""`phase_index` counts the recipe's phases from 0: their names may be equal."""

_DATASET_KEYS = {"id", "name", "classes", "path"}
_known: dict[Path, tuple[tuple[tuple[int, int, int], ...], str]] = {}
"""Why run folders cannot be read, by the stamps of their files: lists of runs are asked for many times a minute."""
_MOST_KNOWN = 5000


class Run(Job):
    """A run folder, which is a job's. Cheap to make: files are read when they are asked for."""

    @classmethod
    def create(
        cls, dataset: Dataset, recipe: Recipe, workspace: Workspace | None, path: Path | str | None = None,
        splits: pd.DataFrame | None = None, enter: Callable[[Run], None] | None = None,
    ) -> Run:
        """Make a run folder in state `queued`. To have it started, too: `core.api.start`.

        Args:
            workspace: Where it is made; None: only at `path`.
            path: The folder. Default: a new one in the workspace.
            splits: Which image is in which split: file, path, class, split. Default: as the recipe splits the dataset.
            enter: Has the run started. When that fails, there is none.

        Raises:
            RecipeError: the recipe asks for what this version cannot do.
            DataError: the dataset cannot be split as the recipe asks.
            RunError: `path` exists and holds something.
            DiskFullError, WorkspaceError: the folder cannot be written; nothing is left behind.
        """
        from core.data.splits.dividing import divided

        require_available(recipe)
        catalogue.check(recipe)
        check_output(recipe.model, len(dataset.classes))
        if path is None and workspace is None:
            raise RunError("A run needs a workspace or a folder.")
        if splits is None:
            splits = divided(dataset, recipe.data)
        if path is None:
            assert workspace is not None
            run, aside = cls(workspace.runs / workspace.new_id("run")), workspace.incoming
        else:
            run, aside = cls(path), None
        creation.create(run.path, dataset, recipe, splits, aside, partial(enter, run) if enter else None)
        return run

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open an existing run folder. Raises NotFoundError."""
        run = cls(path)
        if not (run.path / RECIPE_FILE).is_file():
            raise NotFoundError(f"{path} is not a run folder.", "`python -m core runs` lists the runs.")
        return run

    @classmethod
    def find(cls, workspace: Workspace, run_id: str) -> Run:
        """Open a run of a workspace by its id. Raises NotFoundError."""
        return cls.open(workspace.run_dir(run_id))

    @property
    def recipe(self) -> Recipe:
        """The recipe, complete."""
        return Recipe.load_stored(self.path / RECIPE_FILE)

    @property
    def dataset(self) -> dict[str, Any]:
        """`dataset.json`: id, name, fingerprint, classes, path. Raises RunError, NewerFormatError."""
        try:
            document: dict[str, Any] = DATASET.read(self.path / DATASET_FILE)
        except (OSError, ValueError) as error:
            raise RunError(f"What the run {self.id} was trained on cannot be read: {error}.",
                           "Choose another run.") from error
        if not _DATASET_KEYS <= document.keys():
            raise RunError(f"What the run {self.id} was trained on cannot be read: dataset.json is not complete.",
                           "Choose another run.")
        return document

    @property
    def readable(self) -> bool:
        """True when this version can read the recipe, the description of the dataset and that of the job."""
        return not self.trouble

    @property
    def trouble(self) -> str:
        """Why the run cannot be read, in a sentence; empty when it can."""
        stamps = tuple(_stamp(self.path / name) for name in (RECIPE_FILE, DATASET_FILE, DESCRIPTION, STATUS_FILE))
        return _trouble(self, stamps)

    @property
    def dataset_path(self) -> Path:
        """The dataset's folder; found beside the run when the whole workspace was moved."""
        noted = Path(self.dataset["path"])
        moved = self.path.parent.parent / "datasets" / self.dataset["id"]
        return moved if not noted.is_dir() and moved.is_dir() else noted

    @property
    def workspace(self) -> Workspace:
        """The workspace that it belongs to, with the limits that are stored there. Looking at it makes nothing."""
        return Workspace(self._home, make=False)

    @property
    def limits(self) -> Limits:
        """The limits of that workspace, also when it is gone or cannot be written."""
        return Limits.stored(self._home)

    @property
    def _home(self) -> Path:
        """The root of the workspace around the run; of a run in a folder of its own, that of its dataset."""
        around = self.path.parent.parent
        inside = self.path.parent.name == "runs" and (around / "datasets").is_dir()
        return around if inside else self.dataset_path.parent.parent

    @property
    def classes(self) -> list[str]:
        """Class names in output order."""
        return list(self.dataset["classes"])

    @property
    def has_model(self) -> bool:
        """True when there is a model to predict with."""
        return (self.path / "model.keras").is_file()

    def events(self) -> list[dict[str, Any]]:
        """All events. A torn last line is passed over."""
        path = self.path / EVENTS_FILE
        found = []
        if path.is_file():
            with open(path, encoding="utf-8", errors="replace") as handle:
                for line in handle:
                    with suppress(ValueError):
                        found.append(json.loads(line))
        return found

    def batches(self) -> pd.DataFrame:
        """Training progress inside the epochs: columns epoch (float: 1.5 is the middle of the second), phase,
        phase_index, loss, accuracy (both running means since the epoch began). Of a long run evenly spaced rows."""
        import pandas as pd

        rows = run_events.read(self.path / EVENTS_FILE).batches
        return pd.DataFrame(rows, columns=["epoch", "phase", "phase_index", "loss", "accuracy"])

    def notes(self) -> list[str]:
        """What the worker found worth telling, in order."""
        return run_events.read(self.path / EVENTS_FILE).notes

    def history(self) -> pd.DataFrame:
        """One row per finished epoch; columns as in HISTORY_COLUMNS; empty what an older version did not write."""
        import pandas as pd

        path = self.path / "history.csv"
        if not path.is_file() or not path.stat().st_size:
            return pd.DataFrame(columns=list(HISTORY_COLUMNS))
        with _reading(path):
            found = pd.read_csv(path, converters={"phase": escape.csv_read})
        if "phase_index" not in found:  # before phases were counted: neighbours of one name are one phase
            found.insert(2, "phase_index", found["phase"].ne(found["phase"].shift()).cumsum() - 1)
        return found.reindex(columns=[*HISTORY_COLUMNS, *(name for name in found if name not in HISTORY_COLUMNS)])

    def splits(self) -> pd.DataFrame:
        """Which image is in which split: file, path, class, split."""
        import pandas as pd

        with _reading(self.path / SPLITS_FILE):
            return pd.read_csv(self.path / SPLITS_FILE, dtype=str, keep_default_na=False).map(escape.csv_read)

    @property
    def split_id(self) -> str:
        """Equal for runs that can be compared image by image: see `core.data.splits.identity`."""
        return split_id(self.dataset["id"], self.splits())

    def metrics(self) -> dict[str, Any] | None:
        """`metrics.json`, or None before the run has a model."""
        path = self.path / "metrics.json"
        if not path.is_file():
            return None
        with _reading(path):
            return METRICS.content(path)

    def predictions(self) -> pd.DataFrame | None:
        """The table of predictions on validation and test images, or None before there is one."""
        import pandas as pd

        path = self.path / "predictions.parquet"
        if not path.is_file():
            return None
        with _reading(path):
            return pd.read_parquet(path)

    def delete(self) -> None:
        """Remove the folder. Raises RunError while the run trains, and WorkspaceError when it cannot be removed."""
        if reaper.judge(self).state == "running":
            raise RunError("The run is still training.", "Stop it first.")
        with disk_errors():
            shutil.rmtree(self.path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Around the reading of a run's file: what readers raise over a broken one is one error."""
    try:
        yield
    except GraftError:
        raise
    except Exception as error:  # pyarrow and pandas raise what they like
        raise RunError(f"{path.name} of the run {path.parent.name} cannot be read: {str(error)[:120]}.",
                       "Put the file back from a copy, or train again.") from error


def _trouble(run: Run, stamps: tuple[tuple[int, int, int], ...]) -> str:
    """`Run.trouble`, looked at again when one of the files has changed."""
    kept = _known.get(run.path)
    if kept is None or kept[0] != stamps:
        try:
            kept = (stamps, run.newer or ("" if run.recipe and run.dataset else "It is empty."))
        except GraftError as error:
            kept = (stamps, str(error))
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[run.path] = kept
    return kept[1]


def _stamp(path: Path) -> tuple[int, int, int]:
    """Changes when the file does."""
    try:
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    except OSError:
        return 0, 0, 0
