"""Run folders: one execution of a recipe on a dataset, seen through its files.

The folder is the only channel between the pages, the command line and the worker process that trains. Everything here
reads or writes those files; nothing here trains.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from core.backbones import catalogue
from core.errors import GraftError, NotFoundError, RunError
from core.recipe.fields import Recipe
from core.recipe.specs import require_available
from core.runs import events as run_events
from core.runs.status import ACTIVE, FINISHED, Status
from core.store.files import read_json, write_json, write_text
from core.store.processes import alive
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Dataset

HISTORY_COLUMNS = (
    "epoch", "phase", "phase_index", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds",
    "images_per_second",
)
"""`phase_index` counts the recipe's phases from 0: their names may be equal."""
_STOP_FILE, _EVENTS_FILE = "stop", "events.jsonl"
_DATASET_KEYS = {"id", "name", "classes", "path"}


_STATUS = TypeAdapter(Status)
_known: dict[Path, tuple[tuple[tuple[int, int, int], ...], bool]] = {}
"""Whether run folders could be read, by the stamps of their files: lists of runs are asked for many times a minute."""
_MOST_KNOWN = 5000


class Run:
    """A run folder. Cheap to make: files are read when they are asked for."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).resolve()

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @classmethod
    def create(
        cls, dataset: Dataset, recipe: Recipe, workspace: Workspace | None = None, path: Path | str | None = None
    ) -> Run:
        """Make a run folder in state `queued`. Nothing is started: see `core.jobs.queue.submit`.

        Raises:
            RecipeError: the recipe asks for what this version cannot do.
            DataError: the dataset cannot be split as the recipe asks.
            RunError: `path` exists and holds something.
        """
        from core.data.splits.split import split_dataset

        require_available(recipe)
        catalogue.check(recipe)
        table = split_dataset(dataset, recipe.data)
        if path is None:
            if workspace is None:
                raise RunError("A run needs a workspace or a folder.")
            path = workspace.runs / workspace.new_id("run")
        run = cls(path)
        if run.path.exists() and any(run.path.iterdir()):
            raise RunError(f"The folder {run.path} is not empty.", "Choose a new folder for the run.")
        run.path.mkdir(parents=True, exist_ok=True)
        write_json(run.path / "dataset.json", {
            "id": dataset.id, "name": dataset.name, "fingerprint": dataset.fingerprint, "classes": dataset.classes,
            "path": str(dataset.path),
        })
        table[["file", "path", "class", "split"]].to_csv(run.path / "splits.csv", index=False)
        run.write_status(Status(state="queued", epochs=recipe.train.epochs, queued=time.time()))
        write_text(run.path / "recipe.json", recipe.to_json())  # last: with it the folder is a run
        return run

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open an existing run folder. Raises NotFoundError."""
        run = cls(path)
        if not (run.path / "recipe.json").is_file():
            raise NotFoundError(f"{path} is not a run folder.", "`python -m core runs` lists the runs.")
        return run

    @classmethod
    def find(cls, workspace: Workspace, run_id: str) -> Run:
        """Open a run of a workspace by its id. Raises NotFoundError."""
        return cls.open(workspace.run_dir(run_id))

    @property
    def recipe(self) -> Recipe:
        """The recipe, complete."""
        return Recipe.load_stored(self.path / "recipe.json")

    @property
    def dataset(self) -> dict[str, Any]:
        """`dataset.json`: id, name, fingerprint, classes, path. Raises RunError when it cannot be read."""
        try:
            document: dict[str, Any] = read_json(self.path / "dataset.json")
        except (OSError, ValueError) as error:
            raise RunError(f"What the run {self.id} was trained on cannot be read: {error}.",
                           "Choose another run.") from error
        if not isinstance(document, dict) or not _DATASET_KEYS <= document.keys():
            raise RunError(f"What the run {self.id} was trained on cannot be read: dataset.json is not complete.",
                           "Choose another run.")
        return document

    @property
    def readable(self) -> bool:
        """True when the recipe and the description of the dataset can be read by this version."""
        try:
            stamps = [(self.path / name).stat() for name in ("recipe.json", "dataset.json")]
        except OSError:
            return False
        return _readable(self, tuple((stamp.st_ino, stamp.st_mtime_ns, stamp.st_size) for stamp in stamps))

    @property
    def dataset_path(self) -> Path:
        """The dataset's folder; found beside the run when the whole workspace was moved."""
        noted = Path(self.dataset["path"])
        moved = self.path.parent.parent / "datasets" / self.dataset["id"]
        return moved if not noted.is_dir() and moved.is_dir() else noted

    @property
    def classes(self) -> list[str]:
        """Class names in output order."""
        return list(self.dataset["classes"])

    @property
    def has_model(self) -> bool:
        """True when there is a model to predict with."""
        return (self.path / "model.keras").is_file()

    def status(self) -> Status:
        """The state now. A running run whose process is gone is `interrupted`, and stays so on disk."""
        status = self._read_status()
        if status.state == "running" and not alive(status.pid, status.pid_started, str(self.path)):
            status = self._read_status()  # its last word may have come in between
            if status.state == "running":
                status = replace(status, state="interrupted", eta_s=None, message="The training process is gone.")
                self.write_status(status)
        return status

    def _read_status(self) -> Status:
        try:
            status = _STATUS.validate_python(read_json(self.path / "status.json"))
        except (OSError, ValueError):  # pydantic's errors are ValueErrors
            status = Status(state="")
        if status.state not in ACTIVE + FINISHED:
            return Status(state="interrupted", message="The run's status cannot be read.")
        return status

    def write_status(self, status: Status) -> None:
        """Replace `status.json`. On a full disk it is written over: its block is there, a new file's is not."""
        document = asdict(replace(status, updated=time.time()))
        try:
            write_json(self.path / "status.json", document)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            with open(self.path / "status.json", "r+", encoding="utf-8") as file:
                file.write(json.dumps(document))
                file.truncate()

    def append_event(self, kind: str, **values: Any) -> None:
        """Add a line to `events.jsonl`."""
        line = json.dumps({"time": round(time.time(), 3), "event": kind, **values}, ensure_ascii=False)
        with open(self.path / _EVENTS_FILE, "a", encoding="utf-8") as handle:
            handle.write(line + "\n")

    def events(self) -> list[dict[str, Any]]:
        """All events. A torn last line is passed over."""
        path = self.path / _EVENTS_FILE
        found = []
        if path.is_file():
            with open(path, encoding="utf-8", errors="replace") as handle:
                for line in handle:
                    with contextlib.suppress(ValueError):
                        found.append(json.loads(line))
        return found

    def batches(self) -> pd.DataFrame:
        """Training progress inside the epochs: columns epoch (float: 1.5 is the middle of the second), phase,
        phase_index, loss, accuracy (both running means since the epoch began). Of a long run evenly spaced rows."""
        import pandas as pd

        rows = run_events.read(self.path / _EVENTS_FILE).batches
        return pd.DataFrame(rows, columns=["epoch", "phase", "phase_index", "loss", "accuracy"])

    def notes(self) -> list[str]:
        """What the worker found worth telling, in order."""
        return run_events.read(self.path / _EVENTS_FILE).notes

    def history(self) -> pd.DataFrame:
        """One row per finished epoch; columns as in HISTORY_COLUMNS."""
        import pandas as pd

        try:
            found = pd.read_csv(self.path / "history.csv")
        except (FileNotFoundError, pd.errors.EmptyDataError):
            return pd.DataFrame(columns=list(HISTORY_COLUMNS))
        if "phase_index" not in found:  # before phases were counted: neighbours of one name are one phase
            found.insert(2, "phase_index", found["phase"].ne(found["phase"].shift()).cumsum() - 1)
        return found

    def splits(self) -> pd.DataFrame:
        """Which image is in which split: file, path, class, split."""
        import pandas as pd

        return pd.read_csv(self.path / "splits.csv", dtype=str, keep_default_na=False)

    def metrics(self) -> dict[str, Any] | None:
        """`metrics.json`, or None before the run has a model."""
        path = self.path / "metrics.json"
        return read_json(path) if path.is_file() else None

    def predictions(self) -> pd.DataFrame | None:
        """The table of predictions on validation and test images, or None before there is one."""
        import pandas as pd

        path = self.path / "predictions.parquet"
        return pd.read_parquet(path) if path.is_file() else None

    def log_tail(self, lines: int = 50) -> str:
        """The last lines of `worker.log`."""
        path = self.path / "worker.log"
        if not path.is_file():
            return ""
        with open(path, "rb") as handle:
            handle.seek(max(0, path.stat().st_size - 64 * 1024))
            text = handle.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def request_stop(self) -> None:
        """Ask the worker to end at the next batch. A run that still waits is stopped at once."""
        if self.status().state == "queued":
            self.write_status(replace(self.status(), state="stopped", message="Stopped before it began."))
        (self.path / _STOP_FILE).touch()

    def forget_stop(self) -> None:
        """Take the request to end back."""
        (self.path / _STOP_FILE).unlink(missing_ok=True)

    @property
    def stop_requested(self) -> bool:
        """True once somebody asked for the end."""
        return (self.path / _STOP_FILE).exists()

    def delete(self) -> None:
        """Remove the folder. Raises RunError while the run is active."""
        if self.status().state == "running":
            raise RunError("The run is still training.", "Stop it first.")
        shutil.rmtree(self.path)


def _readable(run: Run, stamps: tuple[tuple[int, int, int], ...]) -> bool:
    """`Run.readable`, looked at again when one of the two files has changed."""
    kept = _known.get(run.path)
    if kept is None or kept[0] != stamps:
        try:
            kept = (stamps, bool(run.recipe and run.dataset))
        except GraftError:
            kept = (stamps, False)
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[run.path] = kept
    return kept[1]
