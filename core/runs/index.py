"""The runs of a workspace."""

from __future__ import annotations

from core.runs.run import Run
from core.store.workspace import Workspace


def list_runs(workspace: Workspace) -> list[Run]:
    """All runs of a workspace, newest first. Folders that this version cannot read are passed over."""
    runs = [run for run in map(Run, workspace.runs.iterdir()) if run.readable]
    return sorted(runs, key=lambda run: run.id.split("-", 1)[-1], reverse=True)
