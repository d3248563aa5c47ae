"""Features in memory and several steps a call: the same training, only sooner."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.feed import resident
from tests.engine.conftest import session_of
from tests.engine.training.test_loop import largest_change, state

GIVEN = ["train.phases.0.freeze=all", "train.batch_size=4", "model.dropout=0.5", "train.phases.0.epochs=3",
         'model.hidden=[{"units": 8, "batch_norm": true, "l2": 0.01}]']


@pytest.fixture
def trained(tiny_run, workspace, monkeypatch):
    """Train a head; gives the session, the model that was fitted and its batches."""
    def train(budget, *more):
        monkeypatch.setattr(resident, "BUDGET", budget)
        monkeypatch.setattr(resident, "GROUP", 2 if budget else 1)  # without a budget: a step a call
        session = session_of(tiny_run(*GIVEN, *more), workspace, None)
        seen, open_feed = [], session.feeds.open
        session.feeds.open = lambda *given: seen.append(open_feed(*given)) or seen[-1]
        session.trainer.fit()
        return session, seen[0].model, seen[0].batches
    return train


@pytest.mark.parametrize("more", [
    [], ["train.batch_size=2"], ["train.class_weights=balanced"], ["augment.preset=light", "augment.views=2"],
    ["train.phases.0.schedule=cosine", "train.phases.0.warmup=0.2"],
])
def test_steps_inside_the_graph_give_the_same_weights(trained, more):
    inside, model, batches = trained(resident.BUDGET, *more)
    one_by_one, plain, plain_batches = trained(0, *more)
    assert type(model).__name__ == "_InGroups" and type(plain).__name__ != "_InGroups"
    assert (batches.group, plain_batches.group) == (2, 1) and batches.steps == plain_batches.steps
    # The last batch of an epoch is a smaller one, or the last call has fewer batches.
    assert bool(len(batches.rows) % batches.batch_size) != bool(batches.steps % batches.group)
    assert int(model.optimizer.iterations.numpy()) == int(plain.optimizer.iterations.numpy()) == 3 * batches.steps
    assert largest_change(state(inside), state(one_by_one)) < 1e-4
    columns = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    np.testing.assert_allclose(inside.run.history()[columns], one_by_one.run.history()[columns], rtol=1e-4, atol=1e-6)


def test_progress_counts_steps_and_ends_at_their_number(trained):
    session, _, batches = trained(resident.BUDGET)
    seen = session.run.batches()
    assert list(seen["epoch"])[-1] == 3 and seen["epoch"].is_monotonic_increasing and len(batches) == 4


def test_feature_maps_are_read_as_before(trained):
    _, model, _ = trained(resident.BUDGET, "train.phases.0.freeze=block_2")
    assert type(model).__name__ != "_InGroups"
