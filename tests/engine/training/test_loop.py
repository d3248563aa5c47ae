"""Training in the test's own process: what is kept, what stays, and that the cache changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.augment.augmenter import Augmenter
from core.engine.feed import feeds
from core.engine.feed.activations import ActivationCache
from core.engine.model.boundary import Boundary, tensors_behind
from core.engine.training.session import TrainingSession
from core.runs.run import Run
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace
from tests.engine.conftest import session_of
from tests.engine.pretrained import write_weights

NO_CACHE = MachineLimits(cache_bytes=0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"), "SmallNet", None)


@pytest.fixture
def fitted(tiny_run: Callable[..., Run], workspace: Workspace, weights: Path) -> Callable[..., TrainingSession]:
    """Train in this process. `exact`: keep activations in full precision."""

    def fit(*assignments: str, limits: MachineLimits | None = None, exact: bool = False,
            start: Path | None = weights) -> TrainingSession:
        given = Workspace(workspace.root, machine=Machine(workspace.root, limits)) if limits else workspace
        chosen = ["model.weights=imagenet"] if start else []
        session = session_of(tiny_run(*chosen, *assignments), given, start)
        if exact:
            session.feeds.cache = ActivationCache(given, session.pixels, session.reporter, exact=True)
        session.trainer.fit()
        return session

    return fit


def state(session: TrainingSession) -> dict[str, np.ndarray]:
    """Every weight of the network by its path."""
    return {variable.path: np.array(variable.value) for variable in session.network.whole.variables
            if "seed_generator" not in variable.path}


def largest_change(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> float:
    """Over all weights, relative to the largest value of each."""
    assert left.keys() == right.keys()
    return max(float(np.abs(left[name] - right[name]).max() / max(np.abs(right[name]).max(), 1e-3)) for name in left)


def starting_point(tiny_run: Callable[..., Run], workspace: Workspace, start: Path | None,
                   *assignments: str) -> dict[str, np.ndarray]:
    return state(session_of(tiny_run(*assignments), workspace, start))


# Measured: 2e-7 and 4e-5 in full precision (threads add up in another order), 6e-5 and 2e-3 in half. With a smooth
# hidden layer: at the kink of a ReLU a difference in the last bit decides whether an image counts at all.
@pytest.mark.parametrize(("freeze", "exact", "tolerance"), [
    ("all", True, 1e-4), ("block_2", False, 8e-3),
    pytest.param("all", False, 5e-3, marks=pytest.mark.slow),
    pytest.param("block_2", True, 2e-3, marks=pytest.mark.slow),
])
def test_cached_and_uncached_training_give_the_same_weights(fitted, freeze, exact, tolerance):
    given = [f"train.phases.0.freeze={freeze}", "model.dropout=0.3",
             'model.hidden=[{"units": 8, "dropout": 0.2, "activation": "tanh"}]']
    cached = fitted(*given, exact=exact)
    uncached = fitted(*given, limits=NO_CACHE)
    assert cached.plans[0].cached and not uncached.plans[0].cached
    assert any("images in" in note for note in cached.run.notes())
    assert [note.partition(":")[0] for note in uncached.run.notes()] == [
        "There is no room to keep what the frozen layers give"]
    difference = largest_change(state(cached), state(uncached))
    print(f"{freeze} exact={exact}: {difference:.1e}")
    assert difference < tolerance
    columns = ["loss", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(cached.run.history()[columns], uncached.run.history()[columns], rtol=5e-3)


def test_a_wrong_order_of_images_would_be_noticed(fitted):
    """What the comparison above can see: another seed is another result."""
    given = ["train.phases.0.freeze=all"]
    assert largest_change(state(fitted(*given, exact=True)), state(fitted(*given, "train.seed=1", exact=True))) > 0.01


def test_the_same_seed_repeats_the_same_training(fitted):
    given = ["train.phases.0.freeze=none", "model.dropout=0.5", "augment.preset=medium", "augment.views=fresh"]
    first, second = fitted(*given, start=None), fitted(*given, start=None)
    assert largest_change(state(first), state(second)) < 1e-3
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(first.run.history()[columns], second.run.history()[columns], rtol=1e-3, atol=1e-4)


def test_frozen_weights_stay_bit_for_bit(fitted, tiny_run, workspace, weights):
    before = starting_point(tiny_run, workspace, weights)
    session = fitted("train.phases.0.freeze=block_2", "model.batch_norm=train", "train.phases.0.learning_rate=0.1")
    after = state(session)
    for name in before:
        same = np.array_equal(before[name], after[name])
        frozen = name.startswith(("block_1", "block_2"))
        assert same == frozen, name


@pytest.mark.parametrize("kept", [True, False])
def test_frozen_batch_normalisation_keeps_all_of_its_weights(fitted, tiny_run, workspace, weights, kept):
    before = starting_point(tiny_run, workspace, weights)
    after = state(fitted("train.phases.0.freeze=none", f"model.batch_norm={'frozen' if kept else 'train'}"))
    norms = [name for name in before if "_bn/" in name]
    assert len(norms) == 16
    assert all(np.array_equal(before[name], after[name]) == kept for name in norms)
    assert not np.array_equal(before["block_1_conv/kernel"], after["block_1_conv/kernel"])


def test_from_random_weights_batch_normalisation_is_trained(fitted, tiny_run, workspace):
    before = starting_point(tiny_run, workspace, None)
    after = state(fitted("train.phases.0.freeze=none", start=None))
    assert not np.array_equal(before["block_1_bn/moving_mean"], after["block_1_bn/moving_mean"])


def test_a_phase_that_freezes_again_sees_what_was_trained_before(fitted, workspace):
    """Stale activations would show as scores that the finished model does not have."""
    phases = ('train.phases=[{"name": "deep", "freeze": "block_1", "epochs": 2, "learning_rate": 0.05, '
              '"optimizer": "sgd", "schedule": "constant"}, {"name": "head", "freeze": "all", "epochs": 2, '
              '"learning_rate": 0.05, "optimizer": "sgd", "schedule": "constant"}]')
    session = fitted(phases, "train.monitor=val_loss")
    assert [plan.boundary.layer for plan in session.plans if plan.boundary] == ["block_1_pool"] * 2
    history = session.run.history()
    assert list(history["phase"]) == ["deep", "deep", "head", "head"] and list(history["epoch"]) == [1, 2, 3, 4]
    rows = session.examples.of("validation")
    pixels = session.pixels.decode(rows.rows)
    found = np.asarray(session.network.whole.predict(pixels, verbose=0))
    np.testing.assert_allclose(session.trainer.outputs(rows), found, atol=2e-3)
    loss = -np.log(found[np.arange(len(rows)), rows.labels]).mean()
    assert history["val_loss"].min() == pytest.approx(loss, rel=5e-3, abs=2e-6)


def test_phases_of_one_name_are_told_apart(fitted):
    """Two that are equal in all that they do: each has its own place in history, events and batches."""
    phase = '{"name": "again", "freeze": "all", "epochs": 2, "learning_rate": 0.02}'
    run = fitted(f"train.phases=[{phase}, {phase}]").run
    assert list(run.history()["phase_index"]) == [0, 0, 1, 1]
    batches = run.batches()
    assert set(batches["phase_index"][batches["epoch"] <= 2]) == {0}
    assert set(batches["phase_index"][batches["epoch"] > 2.01]) == {1}
    assert [event["phase_index"] for event in run.events() if event["event"] == "epoch"] == [0, 0, 1, 1]
    assert run.status().phase_index == 1


def test_every_phase_has_its_own_cost(tiny_run, workspace):
    """And layers that one phase has run are not run again by the next."""
    phases = ", ".join(f'{{"freeze": "{point}", "epochs": {epochs}}}'
                       for point, epochs in (("all", 2), ("block_1", 3), ("block_1", 4), ("none", 900)))
    session = session_of(tiny_run(f"train.phases=[{phases}]", "data.image_size=128"), workspace)
    costs = session._costs()
    assert [cost.epochs for cost in costs] == [2, 3, 4, 900]
    assert costs[3].epoch_s > costs[1].epoch_s == costs[2].epoch_s > costs[0].epoch_s
    assert costs[0].prepare_s > 0 and costs[1].prepare_s > costs[2].prepare_s == 0


def test_phases_with_ever_less_frozen(fitted):
    phases = ", ".join(f'{{"freeze": "{point}", "epochs": 1, "learning_rate": {rate}, "optimizer": "adam"}}'
                       for point, rate in (("all", 0.02), ("block_2_relu", 0.002), ("none", 0.002)))
    session = fitted(f"train.phases=[{phases}]")
    assert list(session.run.history()["epoch"]) == [1, 2, 3]
    assert session.run.history()["val_loss"].iloc[-1] < session.run.history()["val_loss"].iloc[0]


@pytest.mark.parametrize("assignments", [
    *(pytest.param(given, marks=pytest.mark.slow) for given in (
        ["nadam", 'model.hidden=[{"units": 16, "activation": "gelu", "batch_norm": true, "dropout": 0.1, "l2": 1e-3}]'],
        ["adam", "train.mix=mixup", "train.mix_alpha=0.4", "train.class_weights=balanced"],
        ["adam", "train.mix=cutmix", "model.pooling=flatten"],
        ["rmsprop", "train.phases.0.clip_norm=0.5", "train.phases.0.warmup=0.4", "model.pooling=max"],
    )),
    ["adam", "train.class_weights=balanced", "train.label_smoothing=0.1"],
    ["adamw", "train.phases.0.weight_decay=0.01", "train.phases.0.warmup=0.2", "train.phases.0.schedule=cosine"],
    ["sgd", "train.phases.0.clip_value=0.5", "model.pooling=flatten", "data.resize=pad"],
    ["adam", "train.accumulate=2", "train.average=0.9", "train.phases.0.schedule=plateau",
     "train.phases.0.decay_epochs=2", "train.phases.0.clip_global_norm=1.0"],
    ["lion", 'model.hidden=[{"units": 16, "activation": "tanh"}, {"units": 8}]', "train.monitor=val_loss"],
], ids=lambda given: " ".join(given[:2]))
def test_every_optimizer_and_head_learns_the_colours(fitted, assignments):
    optimizer, *others = assignments
    session = fitted("train.phases.0.freeze=all", f"train.phases.0.optimizer={optimizer}",
                     "train.phases.0.learning_rate=0.01", "train.phases.0.epochs=15", *others)
    assert session.trainer.best.accuracy >= 6 / 7
    assert session.run.history()["loss"].iloc[-1] < session.run.history()["loss"].iloc[0]


@pytest.mark.parametrize(("views", "limits"), [
    ("3", None), ("fresh", None),
    *(pytest.param(*given, marks=pytest.mark.slow) for given in (("2", None), ("3", NO_CACHE)))])
def test_augmentation_with_each_kind_of_views(fitted, views, limits):
    session = fitted("train.phases.0.freeze=all", "train.phases.0.epochs=4", "train.phases.0.learning_rate=0.05",
                     "augment.preset=medium", f"augment.views={views}", limits=limits)
    stores = list(session.workspace.cache.glob("activations/*/data.bin"))
    assert len(stores) == (0 if limits else {"2": 2, "3": 3, "fresh": 1}[views])
    assert session.run.history()["val_loss"].iloc[-1] < session.run.history()["val_loss"].iloc[0]


class Recording(Augmenter):
    """Notes which view of which images is made."""

    made: list[tuple[int, str]] = []

    def __call__(self, images: np.ndarray, contents: Sequence[str], view: int) -> np.ndarray:
        self.made.extend((view, content) for content in contents)
        return super().__call__(images, contents, view)


def test_every_epoch_of_every_phase_has_views_of_its_own(fitted, monkeypatch):
    monkeypatch.setattr(feeds, "Augmenter", Recording)
    monkeypatch.setattr(Recording, "made", [])
    phases = ", ".join(f'{{"freeze": "{point}", "epochs": 2, "learning_rate": 0.01}}' for point in ("all", "none"))
    session = fitted(f"train.phases=[{phases}]", "augment.preset=medium", "augment.views=fresh")
    expected = [(view, content) for view in (1, 2, 3, 4) for content in
                sorted(session.pixels.contents_of(session.feeds.train.rows))]
    assert sorted({(view, content) for view, content in Recording.made if view}) == expected
    assert {view for view, _ in Recording.made} == {0, 1, 2, 3, 4}  # 0: two batches for Keras to see what they are like


def test_the_best_state_is_put_back(fitted):
    """With such steps the accuracy goes up and down; the last epoch is seldom the best."""
    session = fitted("train.phases.0.freeze=none", "train.phases.0.epochs=8", "train.phases.0.learning_rate=0.02",
                     "train.monitor=val_loss", start=None)
    history, best = session.run.history(), session.trainer.best
    assert best.epoch == history["val_loss"].idxmin() + 1
    assert best.loss == pytest.approx(history["val_loss"].min(), abs=1e-5)
    found = session.trainer.evaluate()
    assert (found.loss, found.accuracy) == pytest.approx((best.loss, best.accuracy), rel=1e-4)


def test_patience_ends_a_phase(fitted):
    session = fitted("train.phases.0.freeze=all", "train.phases.0.epochs=30", "train.phases.0.learning_rate=1e-30",
                     "train.phases.0.patience=2")
    assert len(session.run.history()) == 3
    assert any("No improvement for 2 epochs" in note for note in session.run.notes())


def test_the_learning_rate_warms_up_and_falls(fitted):
    rates = fitted("train.phases.0.freeze=all", "train.phases.0.epochs=10", "train.phases.0.learning_rate=0.1",
                   "train.phases.0.schedule=cosine", "train.phases.0.warmup=0.3").run.history()["learning_rate"]
    assert rates.idxmax() == 2 and rates.max() == pytest.approx(0.1, rel=0.02)
    assert rates[0] == pytest.approx(0.1 / 3, rel=0.05) and rates.iloc[-1] < 0.001
    assert list(rates[2:]) == sorted(rates[2:], reverse=True)


def test_steps_are_reported_while_an_epoch_runs(fitted):
    session = fitted("train.phases.0.freeze=none", "train.batch_size=2", start=None)
    batches = session.run.batches()
    assert {1.0, 2.0} <= set(batches["epoch"]) and np.isfinite(batches[["loss", "accuracy"]]).all().all()
    status = session.run.status()
    assert (status.epoch, status.epochs, status.phase) == (2, 2, "train")
    assert status.steps == -(-len(session.feeds.train) // 2) and status.images_per_second > 0


def test_the_rate_falls_on_a_plateau(fitted):
    """With steps of no size nothing gets better: after every two epochs of that the rate is halved."""
    rates = fitted("train.phases.0.epochs=6", "train.phases.0.learning_rate=1e-20", "train.phases.0.schedule=plateau",
                   "train.phases.0.decay_epochs=2").run.history()["learning_rate"]
    assert list(rates / 1e-20) == pytest.approx([1, 1, 1, 0.5, 0.5, 0.25], rel=1e-5)


def test_the_average_is_what_is_scored_and_kept(fitted):
    """An average that has hardly moved yet scores like the start, though the weights went far."""
    given = ["train.phases.0.epochs=3", "train.phases.0.learning_rate=0.05", "train.monitor=val_loss"]
    plain, averaged = fitted(*given), fitted(*given, "train.average=0.9999")
    np.testing.assert_allclose(averaged.run.history()["loss"], plain.run.history()["loss"], rtol=1e-4)
    first = averaged.run.history()["val_loss"]
    assert first.iloc[-1] - first.iloc[0] == pytest.approx(0, abs=0.02)
    assert abs(plain.run.history()["val_loss"].iloc[-1] - first.iloc[0]) > 0.05
    assert averaged.trainer.evaluate().loss == pytest.approx(averaged.trainer.best.loss, rel=1e-4)


@pytest.mark.parametrize(("mix", "freeze"), [
    ("mixup", "all"),
    *(pytest.param(*given, marks=pytest.mark.slow) for given in (
        ("cutmix", "none"), ("mixup", "block_2"), ("mixup", "none"), ("cutmix", "all"), ("cutmix", "block_2")))])
def test_mixed_images_change_the_training_and_the_same_seed_repeats_it(fitted, mix, freeze):
    given = [f"train.phases.0.freeze={freeze}", f"train.mix={mix}", "train.mix_alpha=1", "augment.preset=light"]
    plain, first, again = fitted(*given, "train.mix=none"), fitted(*given), fitted(*given)
    columns = ["loss", "accuracy", "val_loss"]
    np.testing.assert_allclose(first.run.history()[columns], again.run.history()[columns], rtol=1e-3, atol=1e-4)
    assert not np.allclose(first.run.history()["loss"], plain.run.history()["loss"], rtol=1e-2)


def test_blocks_further_from_the_head_move_less(fitted, tiny_run, workspace, weights):
    given = ["train.phases.0.freeze=none", "train.phases.0.learning_rate=0.01", "train.phases.0.momentum=0",
             "train.phases.0.epochs=1", "train.batch_size=64"]
    before = starting_point(tiny_run, workspace, weights)
    whole, less = (state(fitted(*given, f"train.phases.0.block_rate={rate}")) for rate in (1.0, 0.1))
    names = [f"block_{number}_conv/kernel" for number in (1, 2, 3, 4)]
    moved = [np.abs(less[name] - before[name]).max() / np.abs(whole[name] - before[name]).max() for name in names]
    assert moved == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1], rel=0.1)  # single precision


@pytest.mark.slow
def test_where_cells_read_the_two_before_them_both_are_kept_and_trained_on(tiny_run, workspace):
    """NASNet: what the trunk gives is two maps, which the cache keeps in one row."""
    session = session_of(tiny_run("model.backbone=NASNetMobile", "train.phases.0.freeze=cell_11",
                                  "train.phases.0.epochs=1"), workspace)
    (plan,) = session.plans
    assert plan.boundary.layer == "normal_concat_10+normal_concat_11" and plan.cached
    before = state(session)
    session.trainer.fit()
    after = state(session)
    changed = {path.partition("/")[0] for path in after if np.abs(after[path] - before[path]).max() > 0}
    assert any(name.endswith("_12") for name in changed)
    assert not any(name.endswith(("_9", "_10", "_11")) for name in changed)
    rows = session.examples.of("validation").rows
    whole = session.network.whole.predict(session.pixels.read(rows), verbose=0)
    np.testing.assert_allclose(session.trainer.outputs(session.examples.of("validation")), whole, atol=2e-3)


@pytest.mark.parametrize("limits", [None, pytest.param(NO_CACHE, marks=pytest.mark.slow)], ids=["cached", "no room"])
def test_a_trunk_that_gives_two_tensors_is_trained_on_with_and_without_the_cache(tiny_run, workspace, limits):
    """Inside a residual block the shortcut passes beside the branch; quicker to build than NASNet, and the same cut."""
    given = Workspace(workspace.root, machine=Machine(workspace.root, limits)) if limits else workspace
    session = session_of(tiny_run("model.backbone=MobileNetV2", "model.alpha=0.35", "train.phases.0.epochs=1",
                                  "train.phases.0.freeze=block_15_depthwise_relu"), given)
    names = ("block_14_add", "block_15_depthwise_relu")
    pair = Boundary("+".join(names), tensors_behind(session.network.whole, names))
    session.plans[0] = replace(session.plans[0], boundary=pair)
    before = state(session)
    session.trainer.fit()
    after = state(session)
    changed = {path.partition("/")[0] for path in after if np.abs(after[path] - before[path]).max() > 0}
    assert "block_15_project" in changed and "block_15_depthwise" not in changed
    validation = session.examples.of("validation")
    whole = session.network.whole.predict(session.pixels.read(validation.rows), verbose=0)
    np.testing.assert_allclose(session.trainer.outputs(validation), whole, atol=2e-3)
