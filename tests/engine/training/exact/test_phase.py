"""A head that is solved, inside a whole run."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import RecipeError, WorkspaceError
from core.recipe.fields import Recipe
from core.recipe.proposals import adapted
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace
from tests.engine.conftest import session_of
from tests.engine.pretrained import write_weights

SOLVED = ("train.phases.0.freeze=all", "train.phases.0.optimizer=lbfgs", "model.weights=imagenet")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"), "SmallNet", None)


@pytest.fixture
def fitted(tiny_run, workspace, weights):
    """Train in this process."""
    def fit(*assignments, limits=None):
        given = Workspace(workspace.root, machine=Machine(workspace.root, limits)) if limits else workspace
        session = session_of(tiny_run(*SOLVED, *assignments), given, weights)
        session.trainer.fit()
        return session

    return fit


def steepest(session, penalty):
    """The largest component of the gradient that Keras finds at the model's weights, of the mean loss with its penalty
    on features scaled as the problem has them."""
    import keras
    import tensorflow as tf

    train, model = session.examples.of("train"), session.network.whole
    classifier = model.layers[-1]
    features = np.asarray(keras.Model(model.input, classifier.input)(session.pixels.read(train.rows), training=False))
    scale = float(np.sqrt(((features - features.mean(0))**2).mean()))
    targets = session.task.targets(train.labels, 3)
    with tf.GradientTape() as tape:
        outputs = classifier(features)
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(targets, outputs))
        kernel = classifier.kernel.value
        loss += penalty * scale**2 / 2 * tf.reduce_sum(kernel**2) / len(targets)
    gradients = tape.gradient(loss, classifier.trainable_variables)
    return max(float(np.abs(np.asarray(found) / part).max()) for found, part in zip(gradients, (scale, 1), strict=True))


def test_the_models_head_is_the_solution_and_the_last_epoch_is_the_best_one(fitted):
    session = fitted("train.phases.0.penalty=2", "train.phases.0.epochs=20")
    history, best = session.run.history(), session.trainer.best
    assert 1 < len(history) <= 20 and best.epoch == len(history)
    assert history["loss"].iloc[-1] < 0.2 and (history["learning_rate"] == 0).all()
    assert steepest(session, 2.0) < 1e-3
    outputs = session.network.whole.predict(session.pixels.read(session.examples.of("validation").rows), verbose=0)
    np.testing.assert_allclose(session.trainer.outputs(session.examples.of("validation")), outputs, atol=2e-3)


def test_the_penalty_is_chosen_on_the_training_images_and_said(fitted):
    session = fitted()
    assert any("Penalty" in note and "cross-validation on the training images" in note for note in session.run.notes())
    again = fitted()
    columns = ["loss", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(session.run.history()[columns], again.run.history()[columns], rtol=1e-5)


@pytest.mark.parametrize("given", [
    ["model.pooling=flatten", "train.class_weights=balanced"],
    ["model.dropout=0.5", "train.label_smoothing=0.1", "augment.preset=light", "augment.views=2"],
    ["model.pooling=both", "augment.preset=light", "augment.views=fresh"],
], ids=["flat and balanced", "views and smoothing", "fresh views"])
def test_other_settings_go_with_it(fitted, given):
    session = fitted(*given)
    assert session.trainer.best.accuracy >= 6 / 7
    fresh = "augment.views=fresh" in given
    assert any("solved on the images as they are" in note for note in session.run.notes()) == fresh


def test_it_is_where_fine_tuning_begins(fitted):
    session = fitted('train.phases=[{"optimizer": "lbfgs", "epochs": 5}, {"freeze": "block_2", "epochs": 2, '
                     '"learning_rate": 1e-5}]')
    history = session.run.history()
    solved = history[history["phase_index"] == 0]
    assert len(history) == len(solved) + 2
    assert history["val_loss"].iloc[-1] == pytest.approx(solved["val_loss"].iloc[-1], abs=0.02)


def test_behind_a_phase_that_cut_a_cell_in_two_it_finds_its_features(tiny_run, workspace):
    """What was kept then are two tensors, and layers that are frozen again lie before the head."""
    session = session_of(tiny_run(
        "model.backbone=MobileNetV2", "model.alpha=0.35", "model.weights=none", "data.image_size=32",
        'train.phases=[{"freeze": "block_15_expand", "epochs": 1, "learning_rate": 1e-5}, {"optimizer": "lbfgs"}]'),
        workspace)
    session.trainer.fit()
    history = session.run.history()
    assert history["phase_index"].tolist()[0] == 0 and history["phase_index"].iloc[-1] == 1
    assert history["accuracy"].iloc[-1] > 0.6


def test_a_head_of_one_unit_is_solved_too(tiny_run, workspace, weights, tmp_path):
    from core.data.library import ingest
    from core.runs.run import Run
    from tests.tiny import coloured_folder, tiny_recipe

    folder = coloured_folder(tmp_path / "two")
    for path in (folder / "green").iterdir():
        path.unlink()
    (folder / "green").rmdir()
    run = Run.create(ingest(folder, workspace), tiny_recipe(*SOLVED, "model.output=sigmoid"), workspace)
    session = session_of(run, workspace, weights)
    session.trainer.fit()
    assert session.trainer.best.accuracy == 1.0 and session.network.whole.output_shape[-1] == 1


def test_without_room_for_the_features_it_says_so(fitted):
    with pytest.raises(WorkspaceError, match="adam"):
        fitted(limits=MachineLimits(cache_bytes=0))


@pytest.mark.parametrize("given", [
    ["train.phases.0.freeze=block_2"], ['model.hidden=[{"units": 8}]'], ["model.norm_features=true"]])
def test_what_is_not_convex_is_refused_and_the_way_on_is_told(given):
    solved = Recipe().override(["train.phases.0.optimizer=lbfgs"])
    with pytest.raises(RecipeError, match="adam"):
        solved.override(given)
    changed, said = adapted(solved, given)
    assert changed.train.phases[0].optimizer == "adam" and "adam now" in said
    assert adapted(solved, ["model.dropout=0.5"])[1] == ""
    with pytest.raises(RecipeError, match="trains everything"):
        Recipe().override(['train.phases=[{"freeze": "none"}, {"optimizer": "lbfgs"}]'])
    with pytest.raises(RecipeError, match="lbfgs"):
        adapted(Recipe().override(given), ["train.phases.0.optimizer=lbfgs"])
