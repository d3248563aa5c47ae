"""The best state on disk: whole at any moment, not written too often, and with room for the model that comes after."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.engine.callbacks.keep_best import KeepBest
from core.engine.training.checkpoint import Checkpoint, read_best
from core.engine.training.state import Best
from core.errors import DiskFullError
from core.runs.recovery import BEST
from core.runs.run import Run
from tests.runs.test_results import in_memory as in_memory
from tests.runs.test_results import killed


def best(epoch: int) -> Best:
    return Best("val_loss", 0, epoch, 0.5, 0.75, {"head/kernel": np.full((3, 2), epoch, np.float32)})


def test_a_state_that_is_kept_can_be_read(tmp_path):
    Checkpoint(tmp_path).keep(best(4), {"seconds": 1.5})
    found, about = read_best(tmp_path / BEST)
    assert (found.epoch, found.monitor, found.accuracy) == (4, "val_loss", 0.75) and about["seconds"] == 1.5
    np.testing.assert_array_equal(found.weights["head/kernel"], best(4).weights["head/kernel"])


def test_within_a_second_the_latest_waits(tmp_path):
    """Epochs of a head on cached features take milliseconds."""
    checkpoint = Checkpoint(tmp_path)
    for epoch in (1, 2, 3):
        checkpoint.keep(best(epoch), {})
    assert read_best(tmp_path / BEST)[0].epoch == 1
    checkpoint.flush()
    assert read_best(tmp_path / BEST)[0].epoch == 3


def test_what_waits_is_written_when_a_second_has_passed_though_nothing_better_came(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path)
    keeper = KeepBest(checkpoint, dict)
    checkpoint.keep(best(1), {})
    checkpoint.keep(best(2), {})
    keeper.on_step_end(None, 1, {})
    assert read_best(tmp_path / BEST)[0].epoch == 1
    monkeypatch.setattr("core.engine.training.checkpoint.SECONDS", 0.0)  # as a second later
    keeper.on_step_end(None, 2, {})
    assert read_best(tmp_path / BEST)[0].epoch == 2


def test_a_second_later_it_is_written_at_once(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path)
    monkeypatch.setattr("core.engine.training.checkpoint.SECONDS", 0.0)
    for epoch in (1, 2, 3):
        checkpoint.keep(best(epoch), {})
        assert read_best(tmp_path / BEST)[0].epoch == epoch


def test_nothing_stays_when_the_model_is_finished(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.reserve(10_000)
    checkpoint.keep(best(1), {})
    checkpoint.keep(best(2), {})
    checkpoint.discard()
    checkpoint.flush()
    assert not list(tmp_path.iterdir())


def test_a_kill_at_any_moment_leaves_a_whole_state(in_memory):
    moments, torn = random.Random(1), 0
    for kills in range(60):
        if torn and kills >= 8:
            break
        killed("best", in_memory, moments.uniform(0.05, 0.2))
        torn += len(list((in_memory / BEST).parent.iterdir())) > 1
        found, about = read_best(in_memory / BEST)
        assert found.epoch == about["epoch"] and len(found.weights) == 10
        assert all((value == found.epoch).all() for value in found.weights.values())
    assert torn, "they are meant to hit the writing"


def test_a_damaged_state_is_no_state(tmp_path):
    Checkpoint(tmp_path).keep(best(1), {})
    data = bytearray((tmp_path / BEST).read_bytes())
    data[data.index(np.full(6, 1, np.float32).tobytes()) + 1] ^= 1
    (tmp_path / BEST).write_bytes(data)
    with pytest.raises(ValueError, match="not a training state"):
        read_best(tmp_path / BEST)


def test_room_is_taken_before_it_is_needed(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.reserve(3_000_000)
    taken = sum(path.stat().st_blocks * 512 for path in (tmp_path / BEST).parent.iterdir())
    assert taken >= 3_000_000
    checkpoint.release()
    assert not list((tmp_path / BEST).parent.iterdir())


def test_no_room_is_said_before_the_training_and_nothing_is_taken_meanwhile(tmp_path, monkeypatch):
    """To allocate more than there is would fill the disk for a moment, for all who write to it."""
    asked = []
    monkeypatch.setattr(os, "posix_fallocate", lambda *given: asked.append(given))
    with pytest.raises(DiskFullError, match="no room for the finished model") as caught:
        Checkpoint(tmp_path).reserve(2 * shutil.disk_usage(tmp_path).total)
    assert "Delete" in caught.value.hint and not asked
    assert not list((tmp_path / BEST).parent.iterdir())


FULL_DISK = """
import os, sys
from collections.abc import Iterator
from pathlib import Path
from core.engine import worker
from core.jobs.job import Job
from core.runs.run import Run
run = Run.open(sys.argv[1])
history = Job.append_event

def fill(self, kind, **values):
    '''After the third epoch somebody else takes all the room that is left.'''
    history(self, kind, **values)
    if kind == "epoch" and values["epoch"] == 3:
        with open(self.path / "filler", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

Job.append_event = fill
sys.exit(worker.main([str(run.path)]))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("no right to mount a file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_costs_the_run_but_not_its_model(colours, small_disk):
    from tests.tiny import tiny_recipe

    run = Run.create(colours, tiny_recipe("train.phases.0.freeze=none", "train.phases.0.epochs=50"), None,
                     small_disk / "run")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(run.path)], capture_output=True, text=True, timeout=300,
                          cwd=Path(__file__).resolve().parents[3])
    status, metrics = run.status(), run.metrics()
    assert status.state == "failed" and (status.error or {})["kind"] == "DiskFullError", done.stderr
    assert run.has_model and metrics is not None and 1 <= metrics["best_epoch"] < 50
    assert (run.path / "labels.txt").read_text().split() == ["blue", "green", "red"]
    assert run.predictions() is not None
    assert {path.name[:6] for path in (run.path / "checkpoint").glob("*")} <= {"state-"}
    assert not [path.name for path in run.path.iterdir() if path.name.startswith(".")]
