"""The runs of a workspace: all, the newest, those that wait or work, and those that cannot be read."""

from __future__ import annotations

from core.jobs import queue
from core.jobs.job import STATUS_FILE
from core.runs.creation import DATASET_FILE, RECIPE_FILE
from core.runs.run import Run
from core.store.workspace import Workspace


def list_runs(workspace: Workspace) -> list[Run]:
    """All runs of a workspace, newest first, but for those that cannot be read: see `unreadable_runs`."""
    return [run for run in _folders(workspace) if run.readable]


def newest_run(workspace: Workspace, dataset_id: str) -> Run | None:
    """The newest run on a dataset, in whatever state. Looks no further than that."""
    return next((run for run in _folders(workspace) if run.readable and run.dataset["id"] == dataset_id), None)


def active_runs(workspace: Workspace) -> list[Run]:
    """The runs of a workspace that wait or work, the oldest first. Costs as much as there are of these."""
    found = [Run(job.path) for job in queue.active(workspace.machine) if job.path.parent == workspace.runs]
    return sorted((run for run in found if run.readable), key=_made)


def unreadable_runs(workspace: Workspace) -> list[tuple[str, str]]:
    """Runs that this version cannot read, as a newer one wrote them or a file is broken: id, and why in a sentence.
    They are left as they are."""
    return [(run.id, run.trouble) for run in _folders(workspace) if run.trouble and _some_run(run)]


def newer_runs(workspace: Workspace) -> list[Run]:
    """Runs whose state a newer version of Graft has written: whether they work nobody here can tell."""
    return [run for run in _folders(workspace) if run.newer]


def _folders(workspace: Workspace) -> list[Run]:
    """Whatever lies among the runs, newest first."""
    paths = workspace.runs.iterdir() if workspace.runs.is_dir() else ()
    found = [Run(path) for path in paths if not path.name.startswith(".")]
    return sorted(found, key=_made, reverse=True)


def _made(run: Run) -> str:
    """Sorts runs by when they were made."""
    return run.id.split("-", 1)[-1]


def _some_run(run: Run) -> bool:
    return any((run.path / name).is_file() for name in (RECIPE_FILE, DATASET_FILE, STATUS_FILE))
