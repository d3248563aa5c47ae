"""This computer, as its workspaces share it: slots, the queue, the cache, measured speeds."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from core.errors import NewerFormatError
from core.store.documents import Format
from core.store.limits import MACHINE, MachineLimits

LOCK_SECONDS = 10.0
_SPEEDS = Format("speeds")


class Machine:
    """A folder with what all workspaces of one computer share. By default a workspace is a machine of its own.

    Args:
        root: The folder.
        limits: What it gives; stored when they are passed. Default: the stored ones.
        make: Have the folder made when it is missing. False: to look at what is there.

    Raises:
        NewerFormatError, WorkspaceError: the stored limits cannot be read.
        OSError: the folder cannot be made or written.
    """

    def __init__(self, root: Path | str, limits: MachineLimits | None = None, make: bool = True) -> None:
        self.root = Path(root).expanduser().resolve()
        if make:
            self.cache.mkdir(parents=True, exist_ok=True)
        if limits is not None:
            MACHINE.change(self.root, limits=asdict(limits))
        self.limits = limits or MachineLimits(**MACHINE.read_stored(self.root).get("limits", {}))

    @property
    def cache(self) -> Path:
        """What can be computed again: activations, converted networks, thumbnails. Safe to delete."""
        return self.root / "cache"

    @property
    def queue(self) -> Path:
        """The index of jobs that wait or work, a file each; there is none before the first job."""
        return self.root / "queue"

    @property
    def workspaces(self) -> list[Path]:
        """The roots of the workspaces that share this machine."""
        elsewhere = MACHINE.read_stored(self.root).get("workspaces", [])
        return [self.root, *map(Path, elsewhere)]

    def take_in(self, workspace: Path) -> None:
        """Note that a workspace that lies elsewhere shares this machine. Raises OSError."""
        with self.lock("machine"):
            known = MACHINE.read_stored(self.root).get("workspaces", [])
            if workspace != self.root and str(workspace) not in known:
                MACHINE.change(self.root, workspaces=[*known, str(workspace)])

    def lock(self, what: str, seconds: float = LOCK_SECONDS) -> FileLock:
        """A lock that all processes of the machine share. Entering raises filelock.Timeout, an OSError."""
        return FileLock(self.root / f".{what}.lock", timeout=seconds)

    def speeds(self) -> dict[str, float]:
        """What was measured here, by kind; empty before anything was."""
        try:
            found = _SPEEDS.content(self._speeds)
            return {str(kind): float(figure) for kind, figure in found.items() if figure}
        except (OSError, ValueError, TypeError, NewerFormatError):
            return {}

    def record(self, kind: str, figure: float) -> None:
        """Remember what was measured here, if it can be: no job fails for it."""
        if figure > 0:
            with contextlib.suppress(OSError, NewerFormatError), self.lock("speed"):
                if self._speeds.is_file():
                    with contextlib.suppress(ValueError):
                        _SPEEDS.content(self._speeds)  # a newer version's is left alone
                _SPEEDS.write(self._speeds, {**self.speeds(), kind: figure})

    @property
    def _speeds(self) -> Path:
        return self.cache / "speed.json"
