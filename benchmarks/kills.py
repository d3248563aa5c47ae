"""Runs that are killed at random moments and gone on with, against one that was not: `python -m benchmarks.kills`.

Every run trains the small network on pictures of one colour, everything in its last phase, in a process that gets
SIGKILL; it is gone on with until it completes. Moments are drawn over the whole time that an undisturbed run takes, and
so many of them hit the start, the passes, a state being written and the saving of the model.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.data.library import ingest
from core.jobs import reaper
from core.recipe.fields import Recipe
from core.runs import resuming, states
from core.runs.run import Run
from core.store.workspace import Workspace

PROJECT = Path(__file__).resolve().parent.parent
COLUMNS = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
PHASES = ('train.phases=[{"freeze": "block_2", "epochs": 4, "learning_rate": 0.003}, {"freeze": "none", "epochs": 8, '
          '"optimizer": "adamw", "learning_rate": 0.001}]')


def recipe() -> Recipe:
    """Two phases, dropout, changed images and a running average: much that a state has to hold."""
    return Recipe().override([
        "model.backbone=SmallNet", "model.weights=none", "data.image_size=64", "train.batch_size=8", PHASES,
        "augment.preset=medium", "augment.views=fresh", "train.average=0.95", "train.monitor=val_loss"])


def pictures(folder: Path) -> Path:
    """Three classes of forty noisy pictures."""
    draw = np.random.default_rng(0)
    for name, colour in (("blue", (40, 80, 200)), ("green", (50, 160, 60)), ("red", (200, 60, 50))):
        (folder / name).mkdir(parents=True)
        for index in range(40):
            pixels = np.clip(draw.normal(0, 60, (96, 96, 3)) + colour, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index:02d}.png")
    return folder


def worker(run: Run) -> subprocess.Popen[bytes]:
    """A process that works on a run."""
    with open(run.path / "worker.log", "ab") as log:
        return subprocess.Popen([sys.executable, "-m", "core.engine.worker", str(run.path)], cwd=PROJECT, stdout=log,
                                stderr=log)


def kill_once(run: Run, after: float) -> dict[str, Any]:
    """Let a run work for some seconds, kill it, and go on with it to its end."""
    process = worker(run)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    state = reaper.judge(run).state
    known = len(run.history())
    stored = states.latest(run.path)
    kept = stored.about["epoch"] if stored else 0
    if state != "completed":
        resuming.request(run)
        worker(run).wait()
    return {"after_s": round(after, 2), "state": state, "epochs_told": known, "epochs_kept": kept,
            "completed": run.status().state == "completed"}


def measured(times: int, seed: int) -> dict[str, Any]:
    """Kill so many runs, and compare them with one that was left alone."""
    with tempfile.TemporaryDirectory(prefix="graft-kills-") as folder:
        workspace = Workspace(Path(folder) / "workspace")
        dataset = ingest(pictures(Path(folder) / "colours"), workspace)
        whole = Run.create(dataset, recipe(), workspace)
        began = time.monotonic()
        worker(whole).wait()
        took, moments, found = time.monotonic() - began, random.Random(seed), []
        expected, answers = whole.history()[COLUMNS].to_numpy(), whole.predictions()
        for number in range(times):
            run = Run.create(dataset, recipe(), workspace)
            row = kill_once(run, moments.uniform(0.0, took))
            history, table = run.history()[COLUMNS].to_numpy(), run.predictions()
            same = history.shape == expected.shape
            row["history_off"] = float(np.abs(history - expected).max()) if same else None
            row["probabilities_off"] = None if table is None or answers is None else float(
                np.abs(table["probability"] - answers["probability"]).max())
            row["epochs_lost"] = row["epochs_told"] - row["epochs_kept"]
            found.append(row)
            print(f"{number + 1}/{times} {json.dumps(row)}", file=sys.stderr, flush=True)
        return {
            "kills": times, "seconds_undisturbed": round(took, 1),
            "completed": sum(row["completed"] for row in found),
            "most_epochs_lost": max(row["epochs_lost"] for row in found),
            "largest_history_difference": max(row["history_off"] or 0.0 for row in found),
            "largest_probability_difference": max(row["probabilities_off"] or 0.0 for row in found), "rows": found}


def main(arguments: list[str]) -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="how many runs are killed")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    print(json.dumps(measured(given.times, given.seed), indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
