"""A training that is written down after an epoch and taken up again is the same training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.library import ingest
from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.training.session import TrainingSession
from core.engine.training.state import Best, TrainState, assign, pack
from core.errors import NewerFormatError
from core.runs.run import Run
from core.scoring.task import Scores
from core.store.workspace import Workspace
from tests.engine.conftest import session_of
from tests.engine.training.test_loop import largest_change, state
from tests.tiny import coloured_folder, tiny_recipe

PHASES = ('train.phases=[{"freeze": "all", "epochs": 2, "optimizer": "adam", "schedule": "cosine"}, '
          '{"freeze": "block_2", "epochs": 3, "optimizer": "sgd", "learning_rate": 0.01, "patience": 3}]')
GIVEN = [PHASES, "model.dropout=0.5", 'model.hidden=[{"units": 8, "dropout": 0.3, "batch_norm": true}]',
         "augment.preset=light", "augment.views=2", "train.batch_size=4"]


class Snapshots(Callback):
    """Writes the state down after every epoch, with what the network was then."""

    def __init__(self, session: TrainingSession) -> None:
        self.session, self.taken = session, [b""]

    def on_state(self, fit: PhaseFit) -> None:
        self.taken.append(self.session.trainer.snapshot())


Again = Callable[..., TrainingSession]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Again:
    """Begin the same training anew."""
    place = tmp_path_factory.mktemp("states")
    workspace = Workspace(place / "workspace")
    dataset = ingest(coloured_folder(place / "colours"), workspace)
    return lambda *given: session_of(Run.create(dataset, tiny_recipe(*(given or GIVEN)), workspace), workspace)


@pytest.fixture(scope="module")
def whole(again: Again) -> tuple[pd.DataFrame, dict[str, np.ndarray], Best, list[bytes]]:
    """A training without a break: its history, weights and best state, and all of its state after each epoch."""
    session = again()
    snapshots = Snapshots(session)
    session.trainer.callbacks.append(snapshots)
    session.trainer.fit()
    return session.run.history(), state(session), session.trainer.best, snapshots.taken


@pytest.mark.parametrize("after", [1, 3, 4])
def test_what_comes_after_a_break_is_what_would_have_come(whole, again, after):
    """Optimizer, dropout, order, views, schedule, patience and the best so far all go on where they were."""
    expected, weights, best, taken = whole
    session = again()
    session.trainer.state = TrainState.from_bytes(taken[after])
    session.trainer.fit()
    found = session.run.history()
    assert list(found["epoch"]) == list(range(after + 1, 6))
    columns = ["epoch", "phase_index", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    np.testing.assert_allclose(found[columns], expected[columns][after:], rtol=1e-5, atol=1e-6)
    assert largest_change(state(session), weights) < 1e-5
    assert (session.trainer.best.epoch, session.trainer.best.phase) == (best.epoch, best.phase)


def test_a_state_says_the_same_after_writing_and_reading(whole):
    taken = whole[-1]
    assert TrainState.from_bytes(taken[4]).to_bytes() == taken[4]
    found = TrainState.from_bytes(taken[4])
    assert (found.phase, found.phase_epoch, found.epoch, found.step) == (1, 2, 4, 0)
    assert found.weights and found.random and any(value.any() for value in found.optimizer.values())
    assert set(found.best.weights) == set(found.weights)


def test_a_lost_part_of_the_state_would_be_noticed(whole, again):
    """What the comparison above can see: without the generators' state dropout draws anew."""
    expected, _, _, taken = whole
    session = again()
    broken = TrainState.from_bytes(taken[4])
    broken.random = {name: value + 1 for name, value in broken.random.items()}
    session.trainer.state = broken
    session.trainer.fit()
    assert abs(session.run.history()["loss"].iloc[-1] - expected["loss"].iloc[-1]) > 1e-4


def test_the_state_of_another_network_is_refused(whole, again):
    taken = whole[-1]
    session = again(PHASES)
    with pytest.raises(ValueError, match="another model"):
        session.trainer.take_up(TrainState.from_bytes(taken[1]).best)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x93NUMPY", pack({"weights:x": np.zeros(3)}, {})[:-40]])
def test_what_is_no_state(data):
    with pytest.raises(ValueError, match="not a training state"):
        TrainState.from_bytes(data)


def test_a_state_of_a_later_version():
    with pytest.raises(NewerFormatError):
        TrainState.from_bytes(pack({}, {"schema": 99}))


def offers(monitor: str, *scores: tuple[float, ...]) -> list[bool]:
    best = Best(monitor)
    return [best.offer(0, epoch, Scores(*found), []) for epoch, found in enumerate(scores, 1)]


def test_better_is_what_the_monitor_says():
    course = [(0.5, 0.8), (0.4, 0.8), (0.3, 0.7), (0.6, 0.9), (0.6, 0.9)]
    assert offers("val_accuracy", *course) == [True, True, False, True, False]
    assert offers("val_loss", *course) == [True, True, True, False, False]


def test_rare_classes_decide_where_they_are_asked_for():
    course = [(0.5, 0.9, 0.5, 0.4), (0.5, 0.8, 0.7, 0.6), (0.4, 0.8, 0.7, 0.5), (0.4, 0.95, 0.6, 0.7)]
    assert offers("val_balanced_accuracy", *course) == [True, True, True, False]
    assert offers("val_macro_f1", *course) == [True, True, False, True]


def test_weights_only_go_where_they_came_from():
    class Variable:
        path, shape, value = "layer/kernel", (2,), None

        def assign(self, value: Any) -> None:
            self.value = value

    variable = Variable()
    wrong: list[Mapping[str, np.ndarray]] = [{}, {"layer/kernel": np.zeros(3)}, {"other/kernel": np.zeros(2)}]
    for found in wrong:
        with pytest.raises(ValueError):
            assign([variable], found)
    assign([variable], {"layer/kernel": np.ones(2)})
    assert variable.value is not None
