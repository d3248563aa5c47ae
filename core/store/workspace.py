"""Where things live on disk: one folder with datasets, runs and caches."""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path

from core.errors import NotFoundError, WorkspaceError
from core.store.limits import Limits

DEFAULT_FOLDER = "workspace"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")


class Workspace:
    """A folder that holds datasets, runs and caches. There is no global one: every function takes it.

    Args:
        root: The folder; made when missing.
        limits: What it may take. Default: the generous limits of one person's own machine.

    Raises:
        WorkspaceError: the folder cannot be made or written.
    """

    def __init__(self, root: Path | str, limits: Limits | None = None) -> None:
        self.root = Path(root).expanduser().resolve()
        self.limits = limits or Limits()
        try:
            for folder in (self.datasets, self.runs, self.cache, self.incoming):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"The workspace {self.root} cannot be written: {error.strerror}.",
                "Set GRAFT_WORKSPACE to a folder of yours.",
            ) from error

    @classmethod
    def default(cls) -> Workspace:
        """The local workspace: `$GRAFT_WORKSPACE`, else `workspace/` in the current folder."""
        return cls(os.environ.get("GRAFT_WORKSPACE") or DEFAULT_FOLDER)

    @property
    def datasets(self) -> Path:
        """Ingested datasets, a folder each."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """Run folders."""
        return self.root / "runs"

    @property
    def cache(self) -> Path:
        """What can be computed again: activations, converted networks, thumbnails. Safe to delete."""
        return self.root / "cache"

    @property
    def incoming(self) -> Path:
        """Uploads and half-made datasets; emptied of what is older than a day."""
        return self.root / "incoming"

    def dataset_dir(self, dataset_id: str) -> Path:
        """The folder of a dataset that exists. Raises NotFoundError, the same for a bad id as for a missing one."""
        return self._existing(self.datasets, dataset_id, "dataset")

    def run_dir(self, run_id: str) -> Path:
        """The folder of a run that exists. Raises NotFoundError."""
        return self._existing(self.runs, run_id, "run")

    def new_id(self, prefix: str) -> str:
        """A fresh id that sorts by time and cannot be guessed: `run-20260131-101502-3f9ac1b2`."""
        slug = re.sub(r"[^a-z0-9]+", "-", prefix.lower()).strip("-")[:40] or "item"
        return f"{slug}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"

    @staticmethod
    def _existing(parent: Path, name: str, what: str) -> Path:
        path = parent / name
        if not _ID.fullmatch(name) or not path.is_dir():
            raise NotFoundError(f"There is no {what} '{name}'.", f"Choose another {what}.")
        return path
