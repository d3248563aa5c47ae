"""Which runs a page speaks of: those of the open dataset, and of these the best where one is needed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from core.data.dataset import Dataset
from core.runs import index
from core.runs.run import Run
from core.store.files import read_json
from pages.parts.session import state

Value = TypeVar("Value")
HONEST_FIRST = ("test", "validation")
"""Splits by how honest a score on them is: test images chose nothing, validation images chose the epoch."""


def active() -> list[Run]:
    """Runs on whatever dataset that work or wait, in the order in which they get their turn."""
    found = [(run.status().state != "running", run) for run in index.active_runs(state.workspace())]
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]


def active_on(dataset: Dataset | None) -> list[Run]:
    """Those on one dataset."""
    return [run for run in active() if dataset is not None and dataset_of(run) == dataset.id]


def watched(dataset: Dataset) -> Run | None:
    """The run that the Train page looks at: the one that was opened, else one that works or waits, else the newest."""
    return state.run() or next(iter(active_on(dataset)), None) or index.newest_run(state.workspace(), dataset.id)


def around(run: Run | None, turns: list[Run]) -> tuple[list[Run], list[Run]]:
    """Those of `turns` that have their turn before a run, and those that wait behind it."""
    ids = [other.id for other in turns]
    place = ids.index(run.id) if run is not None and run.id in ids else len(ids)
    return turns[:place], turns[place + 1:]


def with_model() -> list[Run]:
    """Runs that have ended and left a model: those of the open dataset first, each newest first."""
    dataset = state.dataset()
    found = [run for run in index.list_runs(state.workspace()) if run.has_model and not run.status().active]
    return sorted(found, key=lambda run: dataset is not None and dataset_of(run) != dataset.id)


def result() -> Run | None:
    """The run whose results and model are shown: the one that was opened, else the best of the open dataset."""
    opened = state.find_run(state.get("result"))
    if opened is not None and opened.has_model and not opened.status().active:
        return opened
    dataset, at_work = state.dataset(), tuple(run.id for run in active())
    stamp = state.workspace().runs.stat().st_mtime_ns
    return state.find_run(_best(str(state.workspace().runs), stamp, at_work, dataset.id if dataset else ""))


def followed() -> tuple[Run | None, int]:
    """The run on the open dataset that works, waits or was looked at last, and how many wait behind it."""
    dataset = state.dataset()
    at_work = active_on(dataset)
    if at_work:
        return at_work[0], len(at_work) - 1
    looked_at = state.run()
    return (looked_at if looked_at and dataset and dataset_of(looked_at) == dataset.id else None), 0


def result_here() -> Run | None:
    """As `result`, where it is of the open dataset."""
    run, dataset = result(), state.dataset()
    return run if run and dataset and dataset_of(run) == dataset.id else None


@functools.lru_cache(maxsize=64)
def _best(runs: str, stamp: int, at_work: tuple[str, ...], dataset_id: str) -> str | None:
    """The best run on a dataset (""; on any); looked for anew when a run came, went or ended."""
    found = best([run for run in with_model() if not dataset_id or dataset_of(run) == dataset_id])
    return found.id if found else None


def best(candidates: list[Run]) -> Run | None:
    """A completed run before a stopped one, then the higher validation score, then the newer one. Nothing is chosen by
    test images."""
    return max(candidates, default=None, key=lambda run: (
        run.status().state == "completed", validation_accuracy(run), run.id.split("-", 1)[-1]))


def validation_accuracy(run: Run) -> float:
    """Accuracy on validation images; -1 without scores."""
    return _read(_accuracy, run.path / "metrics.json", -1.0)


def dataset_of(run: Run) -> str:
    """The id of the dataset that a run was trained on."""
    return _read(_id, run.path / "dataset.json", "")


def _accuracy(metrics: dict[str, Any]) -> float:
    return float(metrics["validation"]["accuracy"]) if "validation" in metrics else -1.0


def _id(dataset: dict[str, Any]) -> str:
    return str(dataset["id"])


def _read(part: Callable[[dict[str, Any]], Value], path: Path, otherwise: Value) -> Value:
    """A part of a document; `otherwise` where there is none."""
    try:
        found = path.stat()
        return _part(part, path, found.st_ino, found.st_mtime_ns, found.st_size)  # type: ignore[return-value]
    except (OSError, ValueError, KeyError, TypeError):
        return otherwise


@functools.lru_cache(maxsize=8192)
def _part(part: Callable[[dict[str, Any]], object], path: Path, *stamp: int) -> object:
    """Kept while the file looks like this: lists of runs are asked for many times a minute."""
    return part(read_json(path))
