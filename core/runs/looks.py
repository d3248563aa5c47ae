"""Looks at test scores: each is a deliberate act, and counted.

A test score is honest as long as nothing was chosen by it. So it stays closed until somebody asks for it, and how often
that was done is said beside it, over all runs that were tested on these images.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from filelock import FileLock

from core.errors import NewerFormatError, RunError
from core.runs.index import list_runs
from core.runs.run import Run
from core.store.documents import Format
from core.store.files import disk_errors

FILE = "looks.json"
FORMAT = Format("looks at the test score")
"""`{looks: [{time, by}]}`, the oldest first."""
PAGE, COMMAND = "page", "command"
_SAME = 0.5
"""Runs are tested on the same images when they share so many of them: an image that was left out since, or moved to
another class, does not make them new ones."""


@dataclass(frozen=True)
class Look:
    """Somebody asked for the test score."""

    time: float
    """Seconds since the epoch."""
    by: str
    """`page` or `command`."""


@dataclass(frozen=True)
class Count:
    """How often test images were looked at."""

    looks: int
    runs: int
    """With how many runs."""

    def __str__(self) -> str:
        if not self.looks:
            return "not looked at yet"
        times = {1: "once", 2: "twice"}.get(self.looks, f"{self.looks:,} times")
        return f"looked at {times}, by {self.runs:,} {'run' if self.runs == 1 else 'runs'} on this split"


def looks(run: Run) -> tuple[Look, ...]:
    """Those at a run's test score, the oldest first. Raises RunError, NewerFormatError."""
    path = run.path / FILE
    if not path.is_file():
        return ()
    try:
        return tuple(Look(float(one["time"]), str(one["by"])) for one in FORMAT.read(path)["looks"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"How often the test score of {run.id} was looked at cannot be read: {error}.",
                       f"Put {FILE} of the run back from a copy.") from error


def is_open(run: Run) -> bool:
    """Whether a run's test score was looked at before. Raises as `looks`."""
    return bool(looks(run))


def scores(run: Run, test: bool = False) -> dict[str, Any] | None:
    """A run's `metrics.json`, without what was measured on test images unless `test`; None before it has a model.

    Raises:
        RunError: it cannot be read.
    """
    found = run.metrics()
    return found if found is None or test else {name: value for name, value in found.items() if name != "test"}


def look(run: Run, by: str) -> Count:
    """Look at a run's test score: it is noted in the run's folder, and open from now on.

    Args:
        by: `page` or `command`.

    Returns:
        How often these test images were looked at, this time included.

    Raises:
        RunError: the run has no test score.
        WorkspaceError: it cannot be noted, and then it is not to be shown.
    """
    if "test" not in (run.metrics() or {}):
        raise RunError(f"The run {run.id} has no test score.", "Hold back a share for testing on the Data page "
                       "(data.test), and train again.")
    with disk_errors(), FileLock(run.path / f".{FILE}.lock", timeout=30):
        made = [*looks(run), Look(round(time.time(), 3), by)]
        FORMAT.write(run.path / FILE, {"looks": [vars(one) for one in made]})
    return counted(run)


def counted(run: Run, others: Iterable[Run] | None = None) -> Count:
    """How often the images that a run is tested on were looked at, with it and with other runs on its dataset.

    Args:
        others: Default: the runs of its workspace. Those that were deleted are not known any more.

    Raises:
        RunError: what is known of `run` itself cannot be read.
    """
    mine, tested = looks(run), _tested(run)
    numbers = [len(mine)]
    for other in list_runs(run.workspace) if others is None else others:
        if other.path == run.path or not (other.path / FILE).is_file():
            continue
        try:
            if other.dataset["id"] == run.dataset["id"] and len(tested & _tested(other)) >= _SAME * len(tested):
                numbers.append(len(looks(other)))
        except (RunError, NewerFormatError):  # of a broken run nothing is known
            continue
    return Count(sum(numbers), sum(number > 0 for number in numbers))


def _tested(run: Run) -> set[str]:
    table = run.splits()
    return set(table.loc[table["split"] == "test", "file"])
