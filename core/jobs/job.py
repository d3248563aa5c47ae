"""A job: work in a process of its own, seen through its folder.

The folder is the only channel between those who want the work and the process that does it. Reading here never writes;
who finds out that a process is gone is `core.jobs.reaper`.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from core.errors import GraftError, NewerFormatError, NotFoundError, RunError
from core.jobs.status import ACTIVE, FINISHED, PAUSED, STATUS, Status
from core.store.documents import Document, Format
from core.store.files import FULL, disk_errors, read_json, write_json

DESCRIPTION = "job.json"
EVENTS_FILE = "events.jsonl"
STATUS_FILE, _STOP_FILE, _PAUSE_FILE = "status.json", "stop", "pause"
_FORMAT = Format("job")
_status = TypeAdapter(Status)


@dataclass(frozen=True)
class Kind:
    """What a job can be. A further one is a further row of KINDS."""

    title: str
    carried_out_by: str
    """`module:function` of the engine; the function takes the job and its reporter, and gives the final state and its
    message."""
    when_lost: str = ""
    """`module:function`, called with a job whose process is gone. It may put the job into state `queued` again, for
    what can still be done; nothing: the job has ended."""


KINDS = {
    "train": Kind("Training", "core.engine.train:train", "core.runs.recovery:when_lost"),
    "adopt": Kind("Taking a run in", "core.engine.adopt:adopt"),
    "check": Kind("Checking a dataset", "core.engine.check:check"),
    "export": Kind("Exporting a model", "core.engine.export:export"),
    "measure": Kind("Measuring speeds", "core.engine.measure:measure"),
}


def named(function: str) -> Callable[..., Any]:
    """A function that KINDS names, imported when it is needed: what jobs carry, they do not know."""
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


class Job:
    """A job's folder. Cheap to make: files are read when they are asked for."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).resolve()

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the folder of a job that exists. Raises NotFoundError."""
        job = cls(path)
        if not (job.path / STATUS_FILE).is_file():
            raise NotFoundError(f"{path} is not the folder of a job.", "Choose a folder with a status.json.")
        return job

    @classmethod
    def describe(cls, folder: Path, kind: str, datasets: Sequence[str] = ()) -> None:
        """Make a job of a folder, in state `queued`.

        Args:
            datasets: The ids of those that it reads: they are not deleted while it waits or works.
        """
        _FORMAT.write(folder / DESCRIPTION, {"kind": kind, "created": time.time(), "datasets": list(datasets)})

    @property
    def description(self) -> Document:
        """`job.json`: kind, created, datasets. Raises NewerFormatError, and RunError when it cannot be read."""
        try:
            return _FORMAT.read(self.path / DESCRIPTION)
        except FileNotFoundError:  # of the time when every job was a run, and said so nowhere
            return {"kind": "train", "datasets": self._datasets_of_a_run()}
        except (OSError, ValueError) as error:
            raise RunError(f"The job {self.id} cannot be read: {error}.", "Start it anew.") from error

    @property
    def kind(self) -> str:
        """What it is, a key of KINDS. Raises NewerFormatError when this version knows no such work."""
        found = str(self.description.get("kind"))
        if found not in KINDS:
            raise NewerFormatError(f"The job {self.id} is of a kind that this version of Graft does not know: {found}.",
                                   "Update Graft to use it. It is left as it is.")
        return found

    @property
    def newer(self) -> str:
        """A sentence when a newer version of Graft made the job, which is then left alone; else empty."""
        try:
            _ = self.kind
            STATUS.read(self.path / STATUS_FILE)
        except NewerFormatError as error:
            return str(error)
        except (GraftError, OSError, ValueError):
            pass
        return ""

    @property
    def datasets(self) -> list[str]:
        """The ids of the datasets that it reads; of a job that a newer version made, those that can be found."""
        try:
            found = self.description.get("datasets")
        except NewerFormatError:
            return self._datasets_of_a_run()
        return [str(item) for item in found] if isinstance(found, list) else []

    def status(self) -> Status:
        """What the job last said of itself. A process that died says nothing any more: see `core.jobs.reaper`."""
        try:
            status = _status.validate_python(STATUS.read(self.path / STATUS_FILE))
        except NewerFormatError as error:
            return Status(state="interrupted", message=str(error))
        except (OSError, ValueError):  # pydantic's errors are ValueErrors
            status = Status(state="")
        if status.state not in ACTIVE + FINISHED:
            return Status(state="interrupted", message="The run's status cannot be read.")
        return status

    def write_status(self, status: Status) -> None:
        """Replace `status.json`. On a full disk it is written over: its block is there, a new file's is not."""
        document = {STATUS.key: STATUS.version, **asdict(replace(status, updated=time.time()))}
        try:
            write_json(self.path / STATUS_FILE, document)
        except OSError as error:
            if error.errno not in FULL or not (self.path / STATUS_FILE).exists():
                raise
            with open(self.path / STATUS_FILE, "r+", encoding="utf-8") as file:
                file.write(json.dumps(document))
                file.truncate()

    def append_event(self, kind: str, **values: Any) -> None:
        """Add a line to `events.jsonl`."""
        line = json.dumps({"time": round(time.time(), 3), "event": kind, **values}, ensure_ascii=False)
        with open(self.path / EVENTS_FILE, "a", encoding="utf-8") as handle:
            handle.write(line + "\n")

    def request_stop(self) -> None:
        """Ask the worker to end soon. A job that still waits is stopped at once. Raises WorkspaceError."""
        with disk_errors():
            status = self.status()
            if status.state == "queued":
                self.write_status(replace(status, state="stopped", message="Stopped before it began."))
            (self.path / _STOP_FILE).touch()

    def forget_stop(self) -> None:
        """Take the request to end back."""
        (self.path / _STOP_FILE).unlink(missing_ok=True)

    @property
    def stop_requested(self) -> bool:
        """True once somebody asked for the end."""
        return (self.path / _STOP_FILE).exists()

    def request_pause(self) -> None:
        """Ask the worker to write down where it stands and to end. A job that still waits is paused at once. Raises
        WorkspaceError."""
        with disk_errors():
            status = self.status()
            if status.state == "queued":
                self.write_status(replace(status, state=PAUSED, message="Paused before it began."))
            else:
                (self.path / _PAUSE_FILE).touch()

    def forget_pause(self) -> None:
        """Take the request to pause back."""
        (self.path / _PAUSE_FILE).unlink(missing_ok=True)

    @property
    def pause_requested(self) -> bool:
        """True once somebody asked for a pause."""
        return (self.path / _PAUSE_FILE).exists()

    def log_tail(self, lines: int = 50) -> str:
        """The last lines of `worker.log`."""
        path = self.path / "worker.log"
        if not path.is_file():
            return ""
        with open(path, "rb") as handle:
            handle.seek(max(0, path.stat().st_size - 64 * 1024))
            text = handle.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def _datasets_of_a_run(self) -> list[str]:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return [str(read_json(self.path / "dataset.json")["id"])]
        return []
