"""A process that writes without end, to be killed: `python -m tests.runs.writer results|best FOLDER`."""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np

from core.engine.training.checkpoint import write_best
from core.engine.training.state import Best
from core.runs.recovery import BEST
from core.runs.results import NAMES, publishing

LINES = 5_000
VALUES = 20_000


def write_results(run: Path) -> None:
    """Results of ever later versions; each file holds nothing but its version."""
    for version in itertools.count(time.time_ns()):
        with publishing(run) as folder:
            for name in NAMES:
                (folder / name).write_text(f"{version}\n" * LINES)


def write_bests(run: Path) -> None:
    """Best states of ever later epochs, all of whose weights are the epoch's number."""
    for epoch in itertools.count(1):
        weights = {f"layer_{index}/kernel": np.full(VALUES, epoch, np.float32) for index in range(10)}
        write_best(run / BEST, Best("val_loss", 0, epoch, 0.5, 0.5, weights), {"epoch": epoch})


if __name__ == "__main__":
    what, place = sys.argv[1:]
    print(json.dumps("ready"), flush=True)
    {"results": write_results, "best": write_bests}[what](Path(place))
