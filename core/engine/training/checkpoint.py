"""The best state of a run that is still training, on disk: what a killed process leaves is a model all the same.

Only what is trained is written, which for a head is a few kilobytes; the rest of the model comes from the recipe and
the pretrained weights. Space for the finished model is taken before the training begins, so that a disk that fills up
meanwhile is found out at the start, or costs the run but not its model.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.engine.training.state import Best, pack, unpack
from core.errors import DiskFullError
from core.runs import states
from core.runs.recovery import BEST, CHECKPOINT, REQUEST
from core.store.files import replacing

SECONDS = 1.0
"""Least time between two writes. Epochs of a head on cached features take milliseconds, less than a write that is
forced to the disk; a kill loses the open epoch and at most what this time holds."""
_RESERVE = "reserve"


class Checkpoint:
    """`checkpoint/` of a run folder."""

    def __init__(self, run: Path) -> None:
        self.folder, self.path = run / CHECKPOINT, run / BEST
        self._written = -SECONDS
        self._pending: tuple[Best, Mapping[str, Any]] | None = None

    def reserve(self, nbytes: int) -> None:
        """Take the room that the finished model needs. Raises DiskFullError."""
        self.folder.mkdir(exist_ok=True)
        try:
            # Asked first: ext4 takes all that is free before it says that it is too little.
            if shutil.disk_usage(self.folder).free < nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            _allocate(self.folder / _RESERVE, nbytes)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                self.release()
                raise DiskFullError(
                    f"The disk has no room for the finished model: {nbytes / 2**20:,.0f} MB are needed.",
                    "Delete runs, datasets or the cache folder, then start again.") from error
            # else a file system that cannot reserve

    def release(self) -> None:
        """Give the reserved room back, to be used at once."""
        (self.folder / _RESERVE).unlink(missing_ok=True)

    def keep(self, best: Best, about: Mapping[str, Any]) -> None:
        """Write a better state; one that comes within a second of the last waits until a write is due."""
        self._pending = best, about
        self.flush_when_due()

    def flush_when_due(self) -> None:
        """Write what waits, a second after the last write."""
        if time.monotonic() - self._written >= SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._pending is not None:
            write_best(self.path, *self._pending)
            self._pending, self._written = None, time.monotonic()

    def discard(self) -> None:
        """Remove all of it but the last whole state, from which the training can go on: the finished model is there."""
        self._pending = None
        self.release()
        for path in (self.path, self.folder / REQUEST.name):
            path.unlink(missing_ok=True)
        states.keep_newest(self.folder.parent)
        with contextlib.suppress(OSError):  # there is a state in it
            self.folder.rmdir()


def _allocate(path: Path, nbytes: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, nbytes)
    finally:
        os.close(descriptor)


def write_best(path: Path, best: Best, about: Mapping[str, Any]) -> None:
    """Replace the kept state by a better one: a reader, or a kill, meets the whole old or the whole new one."""
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(pack(best.weights, {**about, "best": best.about()}))


def read_best(path: Path) -> tuple[Best, dict[str, Any]]:
    """The kept state and what was noted with it. Raises ValueError when there is none."""
    weights, about = unpack(path)
    return Best(**about.pop("best"), weights=weights), about
