"""Where one person's things live on disk: a folder with datasets and runs, on a machine that others may share."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import NotFoundError, WorkspaceError
from core.store import profiles
from core.store.limits import MACHINE, WORKSPACE, Limits
from core.store.machine import Machine

DEFAULT_FOLDER = "workspace"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")


class Workspace:
    """A folder that holds datasets and runs. There is no global one: every function takes it.

    Args:
        root: The folder.
        limits: What it may take; stored when they are passed. Default: the stored ones, else the generous ones of a
            person's own machine.
        machine: The machine that it shares with other workspaces; stored when it is passed. Default: the stored one,
            else it is a machine of its own, in the same folder.
        make: Have the folders made that are missing. False: to look at what is there.

    Raises:
        WorkspaceError: the folder cannot be made or written, or its limits cannot be read.
        NewerFormatError: its limits were written by a newer version of Graft.
    """

    def __init__(self, root: Path | str, limits: Limits | None = None, machine: Machine | None = None,
                 make: bool = True) -> None:
        self.root = Path(root).expanduser().resolve()
        with _writing(self.root):
            if make:
                for folder in (self.datasets, self.runs, self.incoming):
                    folder.mkdir(parents=True, exist_ok=True)
            if limits is not None or machine is not None:
                self._store(limits, machine)
            stored = WORKSPACE.read_stored(self.root)
            self.limits = limits or Limits(**stored.get("limits", {}))
            self.machine = machine or self._machine(stored.get("machine"), make)

    @classmethod
    def default(cls) -> Workspace:
        """The local workspace: `$GRAFT_WORKSPACE`, else `workspace/` in the current folder; with the limits of
        `$GRAFT_PROFILE`, where none are stored. For `core.api`, the command line and the pages alone: what lies below
        is given one. Raises WorkspaceError also for a profile that there is none of."""
        profile, workspace = profiles.chosen(), cls(cls.default_root())
        with _writing(workspace.root):
            if profile.machine and "limits" not in MACHINE.read_stored(workspace.machine.root):
                workspace.machine = Machine(workspace.machine.root, profile.machine)
            if profile.workspace and "limits" not in WORKSPACE.read_stored(workspace.root):
                workspace = cls(workspace.root, profile.workspace)
        return workspace

    @staticmethod
    def default_root() -> Path:
        """Where the local workspace lies, whether it has been made or not."""
        return Path(os.environ.get("GRAFT_WORKSPACE") or DEFAULT_FOLDER).expanduser()

    @property
    def datasets(self) -> Path:
        """Ingested datasets, a folder each."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """Run folders."""
        return self.root / "runs"

    @property
    def jobs(self) -> Path:
        """Folders of jobs that are no runs; there is none before the first."""
        return self.root / "jobs"

    @property
    def cache(self) -> Path:
        """The machine's cache."""
        return self.machine.cache

    @property
    def incoming(self) -> Path:
        """Uploads and half-made datasets; emptied of what is older than a day."""
        return self.root / "incoming"

    def dataset_dir(self, dataset_id: str) -> Path:
        """The folder of a dataset that exists. Raises NotFoundError, the same for a bad id as for a missing one."""
        return self._existing(self.datasets, dataset_id, "dataset")

    def staged_dir(self, name: str) -> Path:
        """The folder of a half-made dataset that waits for an answer. Raises NotFoundError."""
        return self._existing(self.incoming, name, "half-made dataset")

    def run_dir(self, run_id: str) -> Path:
        """The folder of a run that exists. Raises NotFoundError."""
        return self._existing(self.runs, run_id, "run")

    def new_id(self, prefix: str) -> str:
        """A fresh id that sorts by time and cannot be guessed: `run-20260131-101502-3f9ac1b2`."""
        slug = re.sub(r"[^a-z0-9]+", "-", prefix.lower()).strip("-")[:40] or "item"
        return f"{slug}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"

    def _machine(self, elsewhere: str | None, make: bool) -> Machine:
        if elsewhere is not None and not Path(elsewhere).is_dir():  # a new one would have none of its limits
            raise WorkspaceError(f"The folder of the machine that this workspace belongs to is gone: {elsewhere}.",
                                 f"Bring it back, or remove 'machine' from {WORKSPACE.path(self.root)}.")
        return Machine(elsewhere or self.root, make=make)

    def _store(self, limits: Limits | None, machine: Machine | None) -> None:
        """Write down what was passed, for every process that opens the workspace by its folder alone."""
        values: dict[str, Any] = {}
        if limits is not None:
            values["limits"] = asdict(limits)
        if machine is not None:
            values["machine"] = None if machine.root == self.root else str(machine.root)
            machine.take_in(self.root)
        WORKSPACE.change(self.root, **values)

    @staticmethod
    def _existing(parent: Path, name: str, what: str) -> Path:
        path = parent / name
        if not _ID.fullmatch(name) or not path.is_dir():
            raise NotFoundError(f"There is no {what} '{name}'.", f"Choose another {what}.")
        return path


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    """What keeps a workspace from being made or written is the user's to put right."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"The workspace {root} cannot be written: {error.strerror or error}.",
                             "Set GRAFT_WORKSPACE to a folder of yours.") from error
