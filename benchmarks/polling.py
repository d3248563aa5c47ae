"""What looking at the queue costs when there are many runs: one tick, and the list of active runs, in milliseconds.

    python -m benchmarks.polling [--runs 300] [--active 1] [--repeats 50]

Run folders are made in a temporary workspace; nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.dataset import Dataset
from core.data.library import ingest
from core.jobs import queue
from core.recipe.fields import Recipe
from core.runs.index import active_runs, list_runs
from core.runs.run import Run
from core.store.processes import this_host, this_process
from core.store.workspace import Workspace


def main() -> None:
    """Make the runs, measure, print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="that have ended")
    parser.add_argument("--active", type=int, default=1, help="that this process trains, as far as they say")
    parser.add_argument("--repeats", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        dataset = ingest(pictures(Path(folder) / "pictures"), workspace)
        for _ in range(args.runs):
            ended(dataset, workspace)
        for _ in range(args.active):
            running(dataset, workspace)
        queue.tick(workspace.machine)  # the first one makes the index
        found = {
            "runs": args.runs, "active": args.active,
            "tick_ms": median(lambda: queue.tick(workspace.machine), args.repeats),
            "active_runs_ms": median(lambda: active_runs(workspace), args.repeats),
            "open_workspace_ms": median(lambda: Workspace(workspace.root), args.repeats),
            "list_all_ms": median(lambda: [run.status() for run in list_runs(workspace)], max(3, args.repeats // 10)),
        }
    json.dump(found, sys.stdout)
    print()


def pictures(folder: Path) -> Path:
    """Two classes of four grey pictures."""
    for name in ("dark", "light"):
        (folder / name).mkdir(parents=True)
        for index in range(4):
            Image.fromarray(np.full((8, 8, 3), 10 * index + 100 * (name == "light"), np.uint8)).save(
                folder / name / f"{index}.png")
    return folder


def ended(dataset: Dataset, workspace: Workspace) -> None:
    """A run that has completed, as far as its status says."""
    run = made(dataset, workspace)
    run.write_status(replace(run.status(), state="completed"))


def running(dataset: Dataset, workspace: Workspace) -> None:
    """A run that this process trains, as far as its status says."""
    run, (pid, started) = made(dataset, workspace), this_process()
    run.write_status(replace(run.status(), state="running", host=this_host(), pid=pid, pid_started=started))


def made(dataset: Dataset, workspace: Workspace) -> Run:
    """A queued run of the small network."""
    recipe = Recipe().override(["model.backbone=SmallNet", "model.weights=none", "data.image_size=32"])
    return Run.create(dataset, recipe, workspace)


def median(work: Callable[[], object], repeats: int) -> float:
    """Milliseconds of one call."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(took), 3)


if __name__ == "__main__":
    main()
