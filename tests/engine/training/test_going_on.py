"""A training that ends in its middle goes on another time as if it had not: the same history, the same weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.data.dataset import Dataset
from core.engine import worker
from core.engine.callbacks import keep_state
from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.training.session import TrainingSession
from core.engine.training.state import TrainState
from core.errors import DataError, RunError
from core.jobs import reaper
from core.runs import resuming, states
from core.runs.recovery import CHECKPOINT
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.engine.conftest import session_of
from tests.engine.training.test_loop import largest_change, state

COLUMNS = ["epoch", "phase_index", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
RECIPES = {
    "head": ["train.phases.0.freeze=all", "train.phases.0.epochs=8", "train.batch_size=2", "model.dropout=0.3"],
    "all, augmented and averaged": [
        "train.phases.0.freeze=none", "augment.preset=medium", "augment.views=fresh", "train.average=0.9",
        "train.accumulate=2", "train.mix=mixup", "train.phases.0.epochs=3", "model.dropout=0.3"],
    "two phases": ['train.phases=[{"freeze": "all", "epochs": 2, "optimizer": "adam"}, {"freeze": "block_2", '
                   '"epochs": 3, "optimizer": "sgd", "learning_rate": 0.01, "schedule": "plateau", "patience": 2}]',
                   "model.dropout=0.5", "train.class_weights=balanced"],
}


class PauseAt(Callback):
    """Asks for a pause through the folder, as a page does, after a step of an epoch."""

    def __init__(self, session: TrainingSession, epoch: int, step: int) -> None:
        self.session, self.epoch, self.step = session, epoch, step

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        if fit.epoch == self.epoch and step >= self.step:
            self.session.run.request_pause()
            fit.reporter._last_pause_check = 0.0  # it looks five times a second, and this is faster


def paused(run: Run, workspace: Workspace, epoch: int, step: int) -> None:
    session = session_of(run, workspace)
    session.trainer.callbacks.insert(0, PauseAt(session, epoch, step))
    final, message = session.run_to_end()
    session.reporter.finish(final, message)
    assert (run.status().state, run.pause_requested) == ("paused", True) and not run.has_model
    assert f"epoch {epoch}" in message


@pytest.mark.parametrize(("recipe", "epoch", "step"), [
    ("head", 5, 4), *(pytest.param(*given, marks=pytest.mark.slow) for given in (
        ("all, augmented and averaged", 2, 2), ("two phases", 3, 1)))])
def test_what_comes_after_a_pause_is_what_would_have_come(tiny_run, workspace, recipe, epoch, step):
    whole = session_of(tiny_run(*RECIPES[recipe]), workspace)
    whole.run_to_end()
    run = tiny_run(*RECIPES[recipe])
    paused(run, workspace, epoch, step)
    resuming.request(run)
    assert run.status().state == "queued" and not run.pause_requested
    again = session_of(run, workspace)
    assert again.run_to_end()[0] == "completed"
    np.testing.assert_allclose(run.history()[COLUMNS], whole.run.history()[COLUMNS], rtol=1e-4, atol=1e-5)
    assert largest_change(state(again), state(whole)) < 1e-4
    assert again.trainer.best.epoch == whole.trainer.best.epoch
    assert sorted(run.batches()["epoch"]) == list(run.batches()["epoch"])  # curves go forward only
    assert run.predictions()["probability"].to_numpy() == pytest.approx(
        whole.run.predictions()["probability"].to_numpy(), abs=1e-4)


def test_between_two_phases_and_after_the_last_epoch(tiny_run, workspace, monkeypatch):
    """The states that a kill leaves there: each is taken up, and the rest comes out the same."""
    monkeypatch.setattr(keep_state, "SECONDS", 0.0)
    monkeypatch.setattr(keep_state, "SHARE", 1e9)
    run = tiny_run(*RECIPES["two phases"])
    kept: list[Path] = []

    def remembering(place: Path, numbers: bytes, about: Mapping[str, object]) -> None:
        write(place, numbers, about)
        kept.append(Path(shutil.copytree(place, place.with_name(f"killed-{len(kept)}"), symlinks=True)))

    write = states.write
    monkeypatch.setattr(states, "write", remembering)
    whole = session_of(run, workspace)
    whole.run_to_end()
    monkeypatch.setattr(states, "write", write)
    found = [TrainState.from_bytes(stored.numbers.read_bytes()) for stored in map(states.latest, kept) if stored]
    places = [(each.epoch, each.phase, each.phase_epoch, each.done) for each in found]
    assert places == [(1, 0, 1, False), (2, 1, 0, False), (3, 1, 1, False), (4, 1, 2, False), (5, 1, 3, True)]
    for folder in (kept[1], kept[4]):
        again = session_of(Run.open(folder), workspace)
        assert again.run_to_end()[0] == "completed"
        np.testing.assert_allclose(again.run.history()[COLUMNS], run.history()[COLUMNS], rtol=1e-4, atol=1e-5)
        assert again.run.predictions()["probability"].to_numpy() == pytest.approx(
            run.predictions()["probability"].to_numpy(), abs=1e-4)


def test_a_long_epoch_is_written_down_within(tiny_run, workspace, monkeypatch):
    monkeypatch.setattr(keep_state, "WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(keep_state, "SHARE", 1e9)
    seen = []
    write = states.write
    monkeypatch.setattr(states, "write", lambda place, numbers, about: (
        seen.append(TrainState.from_bytes(numbers).step), write(place, numbers, about)))
    session_of(tiny_run("train.phases.0.freeze=none", "train.batch_size=8"), workspace).run_to_end()
    assert set(seen) == {0, 1, 2, 3}  # 29 images in batches of 8


def test_the_last_two_states_are_kept_and_a_damaged_one_is_passed_over(tmp_path):
    for number in range(4):
        states.write(tmp_path, bytes([number]) * 100, {"epoch": number})
    first, second = sorted((tmp_path / CHECKPOINT).iterdir())
    assert states.latest(tmp_path).about["epoch"] == 3
    (second / "state.npz").write_bytes(b"torn")
    assert states.latest(tmp_path).about["epoch"] == 2
    (first / "about.json").unlink()
    assert states.latest(tmp_path) is None


def test_a_completed_run_keeps_the_state_that_it_can_be_made_longer_from(tiny_run, workspace: Workspace):
    run = tiny_run("train.phases.0.freeze=all")
    session_of(run, workspace).run_to_end()
    assert [path.name[:6] for path in (run.path / CHECKPOINT).iterdir()] == ["state-"]
    longer = resuming.longer(run, 3)
    assert longer.train.phases[0].epochs == 5
    new = api.go_on_with(run, longer, workspace)
    new.request_stop()  # trained here instead
    new.forget_stop()
    session = session_of(new, workspace)
    assert session.run_to_end()[0] == "completed"
    assert list(new.history()["epoch"]) == [1, 2, 3, 4, 5] and list(run.history()["epoch"]) == [1, 2]
    assert new.history().iloc[:2][COLUMNS].equals(run.history()[COLUMNS])
    once = session_of(Run.create(Dataset.load(run.dataset_path), longer, workspace), workspace)
    once.run_to_end()
    np.testing.assert_allclose(new.history()[COLUMNS], once.run.history()[COLUMNS], rtol=1e-4, atol=1e-5)


def test_another_rate_is_taken_from_where_it_goes_on(tiny_run, workspace):
    run = tiny_run("train.phases.0.freeze=all")
    session_of(run, workspace).run_to_end()
    slower = resuming.longer(run, 1).override(["train.phases.0.learning_rate=0.001"])
    new = Run.create(Dataset.load(run.dataset_path), slower, workspace, splits=run.splits())
    resuming.prepare(run, new)
    session_of(new, workspace).run_to_end()
    assert list(new.history()["learning_rate"]) == pytest.approx([0.01, 0.01, 0.001])


def test_what_cannot_go_on_is_said(tiny_run, workspace):
    run = tiny_run("train.phases.0.freeze=all")
    with pytest.raises(RunError, match="queued already"):
        resuming.request(run)
    assert worker.main([str(run.path)]) == 0
    with pytest.raises(RunError, match="is complete"):
        resuming.request(run)
    other = tiny_run()
    other.request_stop()
    shutil.rmtree(other.dataset_path)
    with pytest.raises(DataError, match="was deleted"):
        resuming.request(other)


def test_a_run_without_a_state_begins_anew(tiny_run: Callable[..., Run], workspace):
    run = tiny_run("train.phases.0.freeze=all")
    assert worker.main([str(run.path)]) == 0
    shutil.rmtree(run.path / CHECKPOINT)
    expected = run.history()
    run.write_status(reaper.replace(run.status(), state="stopped"))
    resuming.request(run)
    assert worker.main([str(run.path)]) == 0
    np.testing.assert_allclose(run.history()[COLUMNS], expected[COLUMNS], rtol=1e-5)


def test_a_dataset_is_not_deleted_under_a_paused_run(tiny_run, workspace, colours):
    run = tiny_run()
    run.request_pause()
    assert run.status().state == "paused"
    with pytest.raises(DataError):
        api.delete_dataset(workspace, colours.id)
    run.delete()
    api.delete_dataset(workspace, colours.id)


def test_pretrained_weights_that_changed_meanwhile_are_noticed(tiny_run, workspace):
    run = tiny_run(*RECIPES["head"])
    paused(run, workspace, 2, 1)
    resuming.request(run)
    session = session_of(run, workspace)
    session.identity["weights"] = "others"
    with pytest.raises(RunError, match="have changed"):
        session.run_to_end()


