"""Heads, cuts, enlargement and weights of one's own, from the recipe to an answer of the prediction process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from core import api
from core.data.library import ingest
from core.engine import worker
from core.engine.model.small_net import SmallNet
from core.errors import RecipeError, WeightsError, WeightsNotFoundError
from core.inference import Predictor
from core.runs.run import Run
from tests.engine.conftest import session_of
from tests.tiny import coloured_folder, tiny_recipe


@pytest.fixture(scope="module")
def predictor() -> Iterator[Predictor]:
    started = Predictor()
    yield started
    started.close()


def finished(run: Run) -> Run:
    assert worker.main([str(run.path)]) == 0, run.status().error
    return run


def predicted_as_in_training(run: Run, predictor: Predictor) -> None:
    """The prediction process gives the probabilities that the training noted for the same files."""
    table = run.predictions()
    assert table is not None
    from core.data.dataset import Dataset

    dataset = Dataset.load(run.dataset_path)
    answers = predictor.predict(run.path, [dataset.image_path(file) for file in table["file"]], top_k=len(run.classes))
    for answer, (_, row) in zip(answers, table.iterrows(), strict=True):
        given = {item["label"]: item["probability"] for item in answer.top}
        for index, name in enumerate(run.classes):
            assert given[name] == pytest.approx(row[f"p{index}"], abs=5e-3)


@pytest.mark.parametrize("changes", [
    ["model.pooling=both", "model.norm_features=true",
     'model.hidden=[{"units": 8, "batch_norm": "after", "initializer": "he_normal"}]'],
    pytest.param(["model.upsample=2", "model.upsample_method=bilinear"], marks=pytest.mark.slow),
    ["model.cut_layer=block_3_relu", "model.pooling=flatten", "train.phases.0.freeze=all"],
], ids=["head", "enlarged", "cut"])
def test_settings_of_the_model_reach_the_answer(tiny_run, predictor, changes):
    run = finished(tiny_run("train.phases.0.freeze=none", "train.phases.0.epochs=1", *changes))
    predicted_as_in_training(run, predictor)


@pytest.fixture
def two_classes(workspace, tmp_path):
    folder = coloured_folder(tmp_path / "two")
    for file in (folder / "green").iterdir():
        file.unlink()
    (folder / "green").rmdir()
    return ingest(folder, workspace)


def test_one_sigmoid_unit_tells_two_classes_apart_by_name(two_classes, workspace, predictor):
    recipe = tiny_recipe("train.phases.0.freeze=none", "train.phases.0.epochs=8", "model.output=sigmoid",
                         "train.batch_size=4", "train.label_smoothing=0.05")
    run = finished(Run.create(two_classes, recipe, workspace))
    model = keras.models.load_model(run.path / "model.keras")
    assert model.output_shape == (None, 1)
    assert (run.path / "labels.txt").read_text().split() == ["blue", "red"]
    metrics = run.metrics()
    assert metrics is not None and metrics["validation"]["accuracy"] == 1.0
    predicted_as_in_training(run, predictor)
    table = run.predictions()
    assert table is not None and np.allclose(table["p0"] + table["p1"], 1.0)


def test_mixed_labels_of_one_sigmoid_unit_have_an_accuracy(two_classes, workspace):
    """The larger share counts: where hardly anything is mixed, nearly all answers can be right."""
    recipe = tiny_recipe("train.phases.0.epochs=12", "model.output=sigmoid", "train.mix=mixup", "train.mix_alpha=0.05",
                         "train.phases.0.learning_rate=0.1")
    session = session_of(Run.create(two_classes, recipe, workspace), workspace)
    session.trainer.fit()
    assert session.run.history()["accuracy"].iloc[-1] > 0.8


def test_one_sigmoid_unit_for_three_classes_is_refused_before_a_run_is_made(colours, workspace):
    with pytest.raises(RecipeError, match="two classes apart, and there are 3"):
        Run.create(colours, tiny_recipe("model.output=sigmoid"), workspace)
    assert not list(workspace.runs.glob("run-*"))


def weights_file(path: Path) -> Path:
    keras.utils.clear_session()
    model = SmallNet(input_shape=(32, 32, 3))
    random = np.random.default_rng(1)
    for variable in model.weights:
        if "conv" in variable.path:
            variable.assign(random.normal(0.0, 0.05, variable.shape))
    model.save(path)
    return path


def kernel(run: Run, layer: str = "block_1_conv") -> np.ndarray:
    return keras.models.load_model(run.path / "model.keras").get_layer(layer).get_weights()[0]


def test_a_frozen_backbone_keeps_the_weights_of_the_users_file(colours, workspace, tmp_path):
    path = weights_file(tmp_path / "mine.h5")
    recipe = tiny_recipe("train.phases.0.freeze=all", f"model.weights={path}")
    run = finished(Run.create(colours, recipe, workspace))
    wanted = keras.models.load_model(path, compile=False).get_layer("block_1_conv").get_weights()[0]
    assert np.array_equal(kernel(run), wanted)


def test_a_finished_run_is_a_source_of_weights_for_other_classes(trained, two_classes, workspace):
    recipe = tiny_recipe("train.phases.0.freeze=all", f"model.weights={trained.path}")
    ready = api.prepare_weights(recipe)
    assert ready.model.weights == str(trained.path / "model.keras")
    run = finished(Run.create(two_classes, ready, workspace))
    assert np.array_equal(kernel(run), kernel(trained)) and run.classes == ["blue", "red"]


def test_a_run_may_be_named_by_its_id(trained):
    ready = api.prepare_weights(tiny_recipe(f"model.weights={trained.id}"), workspace=trained.workspace)
    assert ready.model.weights == str(trained.path / "model.keras")


def test_weights_that_are_not_there_are_said_to_be_missing(colours, workspace):
    with pytest.raises(WeightsNotFoundError, match="no weights file and no run 'nothing.h5'"):
        api.start(colours, tiny_recipe("model.weights=nothing.h5"), workspace)
    assert not list(workspace.runs.glob("run-*"))


def test_a_file_of_another_network_ends_the_run_with_both_shapes(colours, workspace, tmp_path):
    other = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(7, 3, use_bias=False, name="block_1_conv")])
    other.save(tmp_path / "other.h5")
    run = Run.create(colours, tiny_recipe(f"model.weights={tmp_path / 'other.h5'}"), workspace)
    assert worker.main([str(run.path)]) == 2
    error = run.status().error
    assert error is not None and error["kind"] == WeightsError.__name__ and "3×3×3×7 there" in error["message"]
