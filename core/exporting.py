"""A run's model in another format: made by a job, kept in the run's folder until the model changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import ExportError, GraftError, NewerFormatError, RunError
from core.exports import formats
from core.exports.formats import FORMATS
from core.jobs import requests
from core.jobs.job import Job
from core.runs.run import Run
from core.store.documents import Format
from core.store.files import replacing
from core.store.workspace import Workspace

KIND = "export"
FORMAT = Format("certificate")
FOLDER = "exports"
"""In a run's folder: `<format>.zip` and `<format>.json`, the certificate."""


def start(run: Run, name: str, workspace: Workspace, at_once: bool = False) -> Job:
    """Make an export in a process of its own.

    Args:
        name: One of `core.exports.formats.FORMATS`.
        workspace: Whose jobs it is one of.
        at_once: Past the queue.

    Raises:
        GraftError: no such format.
        RunError: the run has no model, or it is exported already.
        WorkspaceError: the job cannot be written.
    """
    kind = formats.get(name)
    if not run.has_model:
        raise RunError("This run has no model.", "Choose a completed run.")
    if (before := latest(workspace)) is not None and before.status().active:
        raise RunError("A model is being exported already.", "Wait for the end, or cancel it.")
    return requests.ask(workspace, KIND, {"run": str(run.path), "format": kind.name}, steps=3, at_once=at_once)


def latest(workspace: Workspace) -> Job | None:
    """The newest export of a workspace, in whatever state."""
    return requests.newest(workspace, KIND)


def is_of(job: Job, run: Run, name: str = "") -> bool:
    """Whether a job exports this run (into that format)."""
    asked = requests.asked(job)
    return Path(asked["run"]) == run.path and name in ("", asked["format"])


def kept(run: Run, name: str) -> Path:
    """Where the file of an export lies, once it was made."""
    return run.path / FOLDER / f"{name}{FORMATS[name].suffix}"


def about(run: Run, name: str) -> Path:
    """Where its certificate lies."""
    return run.path / FOLDER / f"{name}.json"


def stamp(run: Run) -> list[int]:
    """Another one when the run has another model."""
    found = (run.path / "model.keras").stat()
    return [found.st_size, found.st_mtime_ns]


def found(run: Run, name: str) -> dict[str, Any] | None:
    """The certificate of an export that is there and of the model as it is now; None: it is to be made."""
    try:
        document = FORMAT.read(about(run, name))
        return document if document["model"] == stamp(run) and kept(run, name).is_file() else None
    except (OSError, ValueError, KeyError, TypeError, NewerFormatError):
        return None


def export(run: Run, name: str, out: Path, workspace: Workspace,
           progress: Callable[[str, float], None] | None = None) -> dict[str, Any]:
    """Export, wait for it, and put the file at a place: aside, then renamed, so that nobody meets half of it.

    Args:
        out: The file; replaced when it is there.

    Returns:
        The certificate: see `core.exports.certificate`.

    Raises:
        RunError, WorkspaceError: as `start`.
        ExportError: it cannot be brought into that format, or costs too much accuracy there.
        GraftError: no such format, or the file cannot be written.
    """
    formats.get(name)
    if (known := found(run, name)) is None:
        requests.carried_out(start(run, name, workspace, at_once=True), progress)
        known = found(run, name)
        assert known is not None
    if known["refused"]:
        raise ExportError(known["refused"], "Take another format, or train the model longer before.")
    copy(run, name, out)
    return known


def copy(run: Run, name: str, out: Path) -> None:
    """Put an export that was made at a place, in pieces. Raises GraftError: it is gone, or cannot be written."""
    if found(run, name) is None:
        raise GraftError("The export is gone, or the model has changed since.", "Make it again.")
    try:
        with replacing(out) as aside:
            shutil.copyfile(kept(run, name), aside)
    except OSError as error:
        raise GraftError(f"Cannot write {out}: {error.strerror or error}.", "Choose another place.") from error
