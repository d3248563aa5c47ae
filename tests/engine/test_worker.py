"""The worker from a queued run folder to its last word. Processes: tests/test_jobs."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow

from core.data.images.decode import decode
from core.engine import failures, train, worker
from core.engine.model.loading import read_model
from core.errors import DataError, DiskFullError, GraftError, OutOfMemoryError
from core.recipe.fields import Recipe
from core.runs.run import Run
from core.scoring.metrics import evaluate_predictions, log_loss
from tests.tiny import tiny_recipe

FILES = {"recipe.json", "dataset.json", "splits.csv", "status.json", "events.jsonl", "history.csv", "model.keras",
         "labels.txt", "predictions.parquet", "metrics.json"}
DIVERGING = ("train.phases.0.freeze=all", "train.phases.0.learning_rate=10", "train.phases.0.epochs=40",
             'model.hidden=[{"units": 8, "l2": 1.0}]')
"""Each step makes the hidden weights about twenty times as large; they are infinite after some epochs."""


def work(run: Run) -> int:
    return worker.main([str(run.path)])


def test_a_finished_run_leaves_every_file(trained):
    assert FILES <= {path.name for path in trained.path.iterdir()}
    assert trained.status().state == "completed" and trained.status().error is None
    assert Recipe.load(trained.path / "recipe.json") == trained.recipe
    assert (trained.path / "labels.txt").read_text() == "blue\ngreen\nred\n"
    assert not [path for path in trained.path.iterdir() if path.name.startswith(".")]
    assert trained.notes()[0].startswith("Random starting weights")


def test_the_scores_are_those_of_the_saved_model(trained):
    """Decoded again from the files and run through model.keras, outside of everything that trained it."""
    metrics, table = trained.metrics(), trained.predictions()
    assert metrics is not None and table is not None
    files = [trained.dataset_path / "images" / file for file in table["file"]]
    found = read_model(trained.path / "model.keras").predict(np.stack([decode(path, 32) for path in files]), verbose=0)
    labels = np.array([trained.classes.index(name) for name in table["true"]])
    assert metrics["val_accuracy"] == (found.argmax(1) == labels).mean() >= 0.8
    assert metrics["val_loss"] == pytest.approx(log_loss(found, labels), rel=1e-3)
    np.testing.assert_allclose(table[["p0", "p1", "p2"]], found, atol=1e-4)
    assert metrics["validation"] == evaluate_predictions(table, trained.classes)["validation"]
    best = trained.history().set_index("epoch").loc[metrics["best_epoch"]]
    assert best["val_accuracy"] == pytest.approx(metrics["val_accuracy"], abs=1e-6)
    splits = trained.splits()
    assert sorted(table["file"]) == sorted(splits["file"][splits["split"] == "validation"])


def test_stop_before_the_first_epoch(tiny_run):
    run = tiny_run()
    (run.path / "stop").touch()
    assert work(run) == 0
    status = run.status()
    assert status.state == "stopped" and "no model" in status.message
    assert not run.has_model and run.metrics() is None and run.history().empty


def test_images_of_a_test_split_are_scored_too(colours, workspace):
    run = Run.create(colours, tiny_recipe("data.test=0.2", "train.phases.0.freeze=all"), workspace)
    assert work(run) == 0
    table, metrics = run.predictions(), run.metrics()
    assert table is not None and metrics is not None
    assert metrics["test"]["images"] == (table["split"] == "test").sum() == (run.splits()["split"] == "test").sum() > 0


def test_missing_weights_are_explained(tiny_run, no_weights):
    run = tiny_run("model.weights=imagenet", "model.backbone=VGG16")
    assert work(run) == 2
    status = run.status()
    assert status.state == "failed" and status.error is not None
    assert status.error["kind"] == "WeightsNotFoundError"
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in status.error["message"]
    assert "model.weights=none" in status.error["hint"]


def test_a_weights_file_that_is_none(tiny_run, no_weights, tmp_path):
    (tmp_path / "no-weights").mkdir()
    (tmp_path / "no-weights" / "mobilenet_2_5_224_tf_no_top.h5").write_bytes(b"not an HDF5 file")
    run = tiny_run("model.weights=imagenet", "model.backbone=MobileNet", "model.alpha=0.25")
    assert work(run) == 2
    status = run.status()
    assert status.error is not None and status.error["kind"] == "WeightsError"
    assert "mobilenet_2_5_224_tf_no_top.h5" in status.error["message"]


def test_a_deleted_dataset(tiny_run, colours):
    run = tiny_run()
    shutil.rmtree(colours.path)
    assert work(run) == 2
    status = run.status()
    assert status.state == "failed" and status.error is not None
    assert status.error["kind"] in ("NotFoundError", "DataError") and status.error["message"]


def test_images_that_are_no_longer_there(tiny_run, colours):
    run = tiny_run()
    table = run.splits()
    table.loc[3, "file"] = "gone.png"
    table.to_csv(run.path / "splits.csv", index=False)
    assert work(run) == 2
    assert run.status().error == {
        **DataError(f"1 images of this run are no longer in the dataset, {table.loc[3, 'path']} among them.",
                    "Start a new run.").as_dict()}


def test_a_diverging_run_keeps_the_best_model_and_says_what_to_change(tiny_run):
    run = tiny_run(*DIVERGING)
    assert work(run) == 2
    status = run.status()
    assert status.state == "failed" and status.error is not None
    assert status.error["kind"] == "TrainingDivergedError"
    assert "learning rate" in status.error["hint"] and "10" in status.error["hint"]
    metrics = run.metrics()
    assert 0 < len(run.history()) < 40 and np.isfinite(run.history()["val_loss"]).all()
    assert metrics is not None and np.isfinite(metrics["val_loss"])
    assert np.isfinite(read_model(run.path / "model.keras").predict(np.zeros((1, 32, 32, 3)), verbose=0)).all()


def test_a_run_that_diverges_at_once_has_no_model(tiny_run):
    run = tiny_run(*DIVERGING, "train.batch_size=1")
    assert work(run) == 2
    status = run.status()
    assert status.error is not None and status.error["kind"] == "TrainingDivergedError"
    assert not run.has_model and run.history().empty


HOT = ("train.phases.0.freeze=none", "train.phases.0.epochs=20", "model.dropout=0.5",
       "train.phases.0.schedule=cosine")


def test_a_blow_up_with_finite_numbers_is_a_failure_with_advice(tiny_run):
    """A loss of thousands to 1e17, one answer for every image, and nothing that is not a number: with such a momentum
    and a hidden layer for any seed."""
    run = tiny_run(*HOT, "train.phases.0.learning_rate=10", "train.phases.0.momentum=0.99",
                   "train.phases.0.schedule=constant", 'model.hidden=[{"units": 8}]')
    assert work(run) == 2
    status, history = run.status(), run.history()
    assert np.isfinite(history[["loss", "val_loss"]]).all().all() and history["loss"].max() > 1000
    assert status.state == "failed" and status.error is not None
    assert status.error["kind"] == "TrainingDivergedError" and "blown up" in status.error["message"]
    assert "try a tenth, 1)" in status.error["hint"]
    assert not run.has_model and not (run.path / "checkpoint").exists()


@pytest.mark.slow
def test_the_best_model_before_a_blow_up_is_kept(tiny_run):
    phases = ('train.phases=[{"freeze": "all", "epochs": 5, "learning_rate": 0.05}, '
              '{"freeze": "none", "epochs": 8, "optimizer": "sgd", "learning_rate": 10, "schedule": "constant"}]')
    run = tiny_run(phases)
    assert work(run) == 2
    metrics, status = run.metrics(), run.status()
    assert (status.error or {})["kind"] == "TrainingDivergedError"
    assert run.has_model and metrics is not None and 1 <= metrics["best_epoch"] <= 5
    assert metrics["val_accuracy"] == pytest.approx(run.history()["val_accuracy"][:5].max())


@pytest.mark.parametrize("given", [pytest.param(["train.phases.0.learning_rate=1", "train.seed=2"],
                                                marks=pytest.mark.slow),
                                   ["train.phases.0.learning_rate=10", "train.phases.0.freeze=all"]])
def test_high_rates_that_end_well_are_no_blow_up(tiny_run, given):
    run = tiny_run(*HOT, *given)
    assert work(run) == 0
    assert run.status().state == "completed" and run.history()["loss"].max() > 4
    assert (run.metrics() or {})["val_accuracy"] >= 0.8


def test_a_full_disk_is_explained(tiny_run):
    """/dev/full takes no byte, as a full disk does."""
    run = tiny_run("train.phases.0.freeze=all")
    (run.path / "history.csv").symlink_to("/dev/full")
    assert work(run) == 2
    status = run.status()
    assert status.state == "failed" and status.error is not None
    assert status.error["kind"] == "DiskFullError" and "Delete" in status.error["hint"]


def test_the_last_word_is_said_on_a_full_disk_too(tiny_run):
    run = tiny_run("train.phases.0.freeze=all")
    (run.path / "events.jsonl").symlink_to("/dev/full")
    assert work(run) == 2
    assert run.status().state == "failed"
    assert (run.status().error or {})["kind"] == "DiskFullError"


@pytest.mark.parametrize(("error", "kind", "said"), [
    (MemoryError(), OutOfMemoryError, "batch size"),
    (tensorflow.errors.ResourceExhaustedError(None, None, "OOM"), OutOfMemoryError, "batch size"),
    (OSError(errno.ENOSPC, "No space left on device"), DiskFullError, "Delete"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFullError, "Delete"),
    (DataError("Nothing.", "Do something."), DataError, "Do something."),
    (ZeroDivisionError("division by zero"), GraftError, "worker.log"),
    (PermissionError(errno.EACCES, "Permission denied"), GraftError, "worker.log"),
])
def test_errors_in_the_users_words(error, kind, said):
    found = failures.explained(error)
    assert type(found) is kind and said in found.hint and found.message


def test_changes_of_state_are_events(trained):
    states = [event["state"] for event in trained.events() if event["event"] == "state"]
    assert states == ["running", "completed"]
    epochs = [event["epoch"] for event in trained.events() if event["event"] == "epoch"]
    assert epochs == list(trained.history()["epoch"]) == [1, 2, 3, 4, 5, 6]


def test_a_freeze_point_inside_a_block(tiny_run, capsys):
    run = tiny_run("train.phases.0.freeze=block_2_conv")
    assert work(run) == 0
    assert any("Activations at block_2_conv" in note for note in run.notes())


def test_activations_of_earlier_runs_are_known_before_keras_is_loaded(trained, tiny_run: Callable[..., Run]):
    from core.data.dataset import Dataset
    from core.engine.feed.pixels import Pixels
    from core.store.workspace import Workspace

    run = tiny_run("train.phases.0.freeze=all")
    workspace = Workspace(run.path.parent.parent)
    pixels = Pixels(Dataset.load(run.dataset_path), workspace, 32, "crop")
    assert not train.seen_before(workspace, pixels, "SmallNet")
    assert work(run) == 0
    assert train.seen_before(workspace, pixels, "SmallNet")
    assert not train.seen_before(workspace, pixels, "VGG16")
    for path in workspace.cache.glob("activations/*/meta.json"):
        path.write_text("{")
    assert not train.seen_before(workspace, pixels, "SmallNet")


def test_the_recorded_model_says_what_it_was_made_from(trained):
    record = json.loads((trained.path / "serving.json").read_text())
    assert record["image_size"] == 32 and record["difference"] < 1e-3
    assert Path(trained.path / "serving.onnx").is_file()
    assert isinstance(read_model(trained.path / "model.keras"), keras.Model)
