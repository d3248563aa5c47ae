"""A worker that is killed, in an epoch or inside a save, leaves a model: real processes, real kills."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.data.images.decode import decode
from core.data.library import ingest
from core.engine.model.loading import read_model
from core.engine.training.checkpoint import read_best, write_best
from core.jobs import queue as jobs
from core.jobs import reaper
from core.jobs.backends import PROJECT, worker_environment
from core.runs import recovery
from core.runs.results import NAMES
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.jobs.test_queue import until
from tests.tiny import coloured_folder, tiny_recipe

RECIPES = {
    "all layers": ["train.phases.0.freeze=none", "train.phases.0.epochs=1000", "train.monitor=val_loss"],
    "the second phase of cached features": [
        'train.phases=[{"freeze": "all", "epochs": 1, "learning_rate": 1e-4}, '
        '{"freeze": "block_2", "epochs": 1000, "learning_rate": 1e-4}]', "train.monitor=val_loss",
        'model.hidden=[{"units": 8, "batch_norm": true, "dropout": 0.2}]'],
}


def worker(run: Run, *options: str) -> subprocess.Popen[bytes]:
    """The process that works on a run."""
    with open(run.path / "worker.log", "ab") as log:
        return subprocess.Popen([sys.executable, "-m", "core.engine.worker", *options, str(run.path)], cwd=PROJECT,
                                env=worker_environment(), stdout=log, stderr=log)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def killed_in_an_epoch(place: Path, *recipe: str) -> Run:
    """A run whose worker was killed after its third epoch, as soon as a best state was there."""
    workspace = Workspace(place / "workspace")
    run = Run.create(ingest(coloured_folder(place / "colours"), workspace), tiny_recipe(*recipe), workspace)
    process = worker(run)
    until(lambda: len(run.history()) >= 3 and (run.path / recovery.BEST).is_file())
    time.sleep(0.3)
    kill(process)
    for left in run.path.glob(".*"):  # as if the kill were a while ago: somebody else may be writing a fresh one
        os.utime(left, (time.time() - 120,) * 2)
    return run


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("killed")
    killed_in_an_epoch(place, *RECIPES["all layers"])
    return place


@pytest.fixture
def lost(killed_once: Path, tmp_path: Path) -> Run:
    """A run whose worker was killed in an epoch, in a workspace of its own; nobody has noticed yet."""
    root = Path(shutil.copytree(killed_once / "workspace", tmp_path / "workspace"))
    return Run.open(next((root / "runs").glob("run-*")))


@pytest.fixture
def killed(lost: Run) -> Run:
    """The same, and it was noticed."""
    assert reaper.judge(lost).state == "interrupted"
    return lost


def check_results(run: Run) -> None:
    """All there, and all of the best epoch."""
    metrics, table, history = run.metrics(), run.predictions(), run.history().set_index("epoch")
    assert run.has_model and metrics is not None and table is not None
    assert (run.path / "labels.txt").read_text() == "blue\ngreen\nred\n"
    labels = np.array([run.classes.index(name) for name in table["true"]])
    told = table[[f"p{index}" for index in range(3)]].to_numpy()
    images = np.stack([decode(run.dataset_path / "images" / file, 32) for file in table["file"]])
    found = read_model(run.path / "model.keras").predict(images, verbose=0)
    np.testing.assert_allclose(told, found, atol=2e-3)
    loss = -np.log(np.maximum(found[np.arange(len(labels)), labels], 1e-7)).mean()
    assert loss == pytest.approx(metrics["validation"]["loss"], rel=2e-2, abs=1e-4)
    if metrics["best_epoch"] in history.index:  # else it is the open epoch, which a stop had ended
        assert history.loc[metrics["best_epoch"], "val_loss"] == pytest.approx(loss, rel=2e-2, abs=1e-4)


def check_tidy(run: Run) -> None:
    """Nothing half-written, and nothing that only a training in work needs."""
    names = {path.name for path in run.path.iterdir()}
    assert not [name for name in names if name.startswith(".")]
    left = run.path / recovery.CHECKPOINT  # at most the state from which it can go on
    assert [path.name[:6] for path in left.glob("*")] in ([], ["state-"])
    assert len([name for name in names if name.startswith("results-")]) == 1


@pytest.mark.parametrize("recipe", [
    pytest.param(recipe, id=name, marks=[pytest.mark.slow] if name == "all layers" else [])
    for name, recipe in RECIPES.items()])
def test_a_killed_run_gives_a_model_when_somebody_wants_it(tmp_path, recipe):
    run = killed_in_an_epoch(tmp_path, *recipe)
    assert reaper.judge(run).state == "interrupted" and not run.has_model and run.metrics() is None
    kept, _ = read_best(run.path / recovery.BEST)
    history = run.history()
    until_then = history[history["epoch"] <= kept.epoch]
    assert kept.loss == pytest.approx(until_then["val_loss"].min(), abs=1e-5)
    missed = history[history["epoch"] > kept.epoch]["seconds"].sum()
    assert missed < 2, "no more than a second of short epochs is lost, and what the kill took time to come"
    scores = api.evaluate(run)
    assert scores["validation"]["images"] == 6
    check_results(run)
    check_tidy(run)
    metrics = run.metrics()
    assert metrics is not None and metrics["best_epoch"] == kept.epoch
    status = run.status()
    assert status.state == "interrupted" and "gone" in status.message and f"epoch {kept.epoch}" in status.message
    assert len(run.history()) == len(history)
    answer = api.predict(run, [run.dataset_path / "images" / run.splits()["file"].iloc[0]])
    assert answer[0].label in run.classes


def test_the_queue_makes_the_model_of_a_killed_run(lost):
    machine = lost.workspace.machine
    jobs.tick(machine)
    assert lost.status().active
    assert jobs.wait(lost).state == "interrupted"
    check_results(lost)
    check_tidy(lost)
    jobs.tick(machine)
    assert lost.status().state == "interrupted", "once is enough"


def test_a_kill_inside_the_save_leaves_all_or_nothing(killed):
    """The worker is killed at different times after the results begin to be written."""
    (killed.path / "stop").touch()  # asked for before the kill: it is not to stop the making of the model
    for milliseconds in (0, 20, 60, 120):
        process = worker(killed, "--recover")
        until(lambda: bool(list(killed.path.glob("results-*"))) or process.poll() is not None)  # noqa: B023
        time.sleep(milliseconds / 1000)
        kill(process)
        reaper.judge(killed)
        shown = [name for name in NAMES if (killed.path / name).is_file()]
        if killed.has_model:
            check_results(killed)
            break
        assert not shown and killed.metrics() is None and recovery.possible(killed)
    if not killed.has_model:
        assert worker(killed, "--recover").wait() == 0
        check_tidy(killed)
    check_results(killed)
    assert killed.status().state == "interrupted"


def test_a_failed_run_keeps_its_state_and_its_reason(killed):
    error = {"kind": "DiskFullError", "message": "The disk is full.", "hint": "Delete runs."}
    killed.write_status(replace(killed.status(), state="failed", message="The disk is full.", error=error))
    assert not recovery.due(killed, killed.status()), "it failed for a reason that may last"
    api.require_model(killed)
    status = killed.status()
    assert (status.state, status.error) == ("failed", error)
    check_results(killed)


def test_a_model_that_cannot_be_made_says_why_and_is_not_tried_for_ever(lost):
    best, about = read_best(lost.path / recovery.BEST)
    write_best(lost.path / recovery.BEST, best, {**about, "identity": {**about["identity"], "weights": "others"}})
    machine = lost.workspace.machine
    for _ in range(recovery.MOST_ATTEMPTS):
        jobs.tick(machine)
        assert lost.status().active
        jobs.wait(lost)
    jobs.tick(machine)
    status = lost.status()
    assert status.state == "interrupted" and "weights have changed" in status.message and not lost.has_model


def test_a_run_with_nothing_to_recover_is_left_alone(tiny_run, capfd):
    run = tiny_run()
    assert not recovery.possible(run)
    assert worker(run, "--recover").wait() == 2
    assert run.status().state == "queued" and "nothing to recover" in run.log_tail()


def test_what_a_killed_worker_left_half_written_goes(tiny_run):
    run = tiny_run()
    (run.path / "checkpoint").mkdir()
    gone = [run.path / ".labels-0a1b2c3d.txt", run.path / "checkpoint" / ".best-0a1b2c3d.npz",
            run.path / "results-0a1b2c3d"]
    kept = [run.path / ".status-0a1b2c3d.json", run.path / ".gitignore", run.path / "checkpoint" / "best.npz"]
    for path in gone[:2] + kept:
        path.write_text("")
    gone[2].mkdir()
    recovery.clear_leftovers(run)
    assert not any(path.exists() for path in gone) and all(path.exists() for path in kept)
    os.utime(kept[0], (time.time() - 100,) * 2)
    recovery.clear_leftovers(run)
    assert not kept[0].exists()


