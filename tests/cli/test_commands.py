"""The command line: exit status, one line for what the user can put right, results on stdout."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import api, inference
from core.api import delete_dataset
from core.backbones import catalogue, weights
from core.cli.commands import main
from core.cli.options import SHORTHANDS
from core.cli.output import write_predictions_csv
from core.data.dataset import Dataset
from core.data.library import ingest
from core.errors import GraftError
from core.inference import Prediction
from core.jobs import queue as jobs
from core.recipe import choices, proposals
from core.recipe.fields import Recipe
from core.recipe.specs import field_spec
from core.runs.run import Run
from core.scoring.metrics import evaluate_predictions
from core.store.files import read_json, write_json
from core.store.limits import Limits
from core.store.machine import Machine
from core.store.workspace import Workspace
from tests.pages.conftest import coloured_zip
from tests.tiny import copied, tiny_recipe


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace, and no weights on this machine."""
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(tmp_path / "no-weights"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # closed: no download, wherever the tests run
    monkeypatch.chdir(tmp_path)
    return Workspace.default()


def zip_of_pets(path: Path) -> Path:
    """A zip with ten small images of each of two classes."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as file:
        for name in ("cat", "dog"):
            for index in range(10):
                buffer = io.BytesIO()
                Image.fromarray(random.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(buffer, "PNG")
                file.writestr(f"{name}/{index}.png", buffer.getvalue())
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return zip_of_pets(tmp_path / "pets.zip")


@pytest.fixture(scope="module")
def _dataset_once(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("pets")
    return ingest(zip_of_pets(folder / "pets.zip"), Workspace(folder / "workspace"))


@pytest.fixture
def dataset(_dataset_once: Dataset, workspace: Workspace) -> Dataset:
    return copied(_dataset_once, workspace)


@pytest.fixture
def finished(dataset: Dataset, workspace: Workspace) -> Run:
    """A run folder as a completed run leaves it."""
    run = Run.create(dataset, Recipe.parse({"model": {"weights": "none"}}), workspace)
    table = pd.DataFrame({
        "path": ["a", "b"], "file": ["a", "b"], "split": "validation", "true": ["cat", "dog"],
        "predicted": ["cat", "cat"], "probability": [0.9, 0.6], "p0": [0.9, 0.6], "p1": [0.1, 0.4],
    })
    write_json(run.path / "metrics.json", {
        **evaluate_predictions(table, run.classes), "best_epoch": 3, "val_accuracy": 0.5, "val_loss": 0.51,
        "parameters": 410_000, "trainable_parameters": 2_562, "random_weights": True, "seconds": 12.5,
    })
    (run.path / "model.keras").write_bytes(b"the model")
    (run.path / "labels.txt").write_text("cat\ndog\n")
    run.write_status(replace(run.status(), state="completed"))
    return run


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must end with status 2 and one line on stderr; gives that line."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    last = captured.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert captured.err.count("Error: ") == 1 and "Traceback" not in captured.err
    assert captured.out == ""
    return last


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must succeed; gives what it printed on stdout."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_without_a_command_it_says_what_there_is(capsys):
    text = printed(capsys)
    for command in ("inspect", "train", "stop", "evaluate", "predict", "runs", "export"):
        assert command in text


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["train"], ["train", "digits", "--nonsense"], ["train", "digits", "--epochs"], ["predict", "run"],
    ["predict", "run", "x.jpg", "--top-k", "0"], ["export", "run"],
])
def test_wrong_usage(capsys, workspace, arguments):
    assert "--help" in refused(capsys, *arguments)


def test_the_short_options_are_the_recipes_fields(capsys):
    text = " ".join(printed(capsys, "train", "--help").split())
    for name, path in SHORTHANDS.items():
        assert f"--{name}" in text
        assert " ".join(field_spec(path.replace(".0.", ".")).help.split()) in text


@pytest.mark.parametrize(("arguments", "said"), [
    (["--backbone", "MobileNetV9"], "MobileNetV2"),
    (["--alpha", "0.4"], "0.35"),
    (["--epochs", "0"], "train.phases.0.epochs"),
    (["--epochs", "many"], "train.phases.0.epochs"),
    (["--weights", "my.h5"], "no weights file and no run 'my.h5'"),
    (["--set", "model.nonsense=1"], "model.nonsense"),
    (["--set", "model.dropout"], "FIELD=VALUE"),
    (["--recipe", "missing.json"], "missing.json"),
])
def test_settings_that_cannot_be(capsys, workspace, archive, arguments, said):
    assert said in refused(capsys, "train", archive, *arguments)
    assert not list(workspace.runs.iterdir())


def test_a_setting_without_effect_is_said_to_have_none(capsys, workspace, archive):
    assert main(["train", str(archive), "--backbone", "VGG16", "--set", "train.phases.0.momentum=0.5"]) == 2
    assert "train.phases.0.momentum has no effect here. It applies when optimizer is sgd" in capsys.readouterr().err
    assert main(["train", str(archive), "--backbone", "VGG16", "--set", "train.phases.0.momentum=0.5",
                 "--set", "train.phases.0.optimizer=sgd"]) == 2
    assert "no effect" not in capsys.readouterr().err


def test_a_freeze_point_that_is_no_block(capsys, workspace, archive):
    line = refused(capsys, "train", archive, "--weights", "none", "--freeze", "block_99")
    assert "block_16" in line


def test_missing_weights_name_the_file_and_the_ways_out(capsys, workspace, archive):
    line = refused(capsys, "train", archive, "--backbone", "VGG16")
    for part in ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "no-weights", "connect", "model.weights=none"):
        assert part in line
    assert not list(workspace.runs.iterdir())


def test_random_weights_are_never_taken_silently_for_a_sample_either(capsys, workspace):
    line = refused(capsys, "train", "digits", "--backbone", "MobileNetV2")
    assert "mobilenet_v2_weights" in line


def test_without_a_network_the_weights_that_come_along_are_used_and_said(capsys, workspace, archive, monkeypatch):
    monkeypatch.setattr(jobs, "run_now", lambda run, machine: run.write_status(replace(run.status(), state="stopped")))
    photos = coloured_zip(archive.parent / "photos.zip", per_class=4, side=90)
    assert main(["train", str(photos)]) == 0
    captured = capsys.readouterr()
    assert "no backbone was named; using EfficientNetLite0. Its pretrained weights are here" in captured.err
    run = Run.open(json.loads(captured.out.splitlines()[-1])["run_dir"])
    assert run.recipe == Recipe().override(["model.backbone=EfficientNetLite0", "train.phases.0.optimizer=lbfgs"])
    assert weights.find(*catalogue.get("EfficientNetLite0")).suffix == ".h5"  # converted before the run was made


@pytest.fixture
def started(capsys, monkeypatch) -> Callable[..., Recipe]:
    """`started("train", …)`: the recipe that a command begins to train."""
    monkeypatch.setattr(jobs, "run_now", lambda run, machine: run.write_status(replace(run.status(), state="stopped")))

    def run(*arguments: object) -> Recipe:
        line = printed(capsys, *arguments).splitlines()[-1]
        return Run.open(json.loads(line)["run_dir"]).recipe

    return run


def test_small_pictures_get_what_the_page_proposes(workspace, dataset, archive, started):
    recipe = started("train", archive)
    assert recipe.model.backbone == "SmallNet" and recipe == proposals.propose(dataset, lambda: False)


@pytest.mark.parametrize("name", ["quick", "balanced"])
def test_a_preset_that_depends_on_the_dataset_is_what_the_card_shows(workspace, tmp_path, started, name):
    photos = coloured_zip(tmp_path / "photos.zip", per_class=4, side=90)
    recipe = started("train", photos, "--preset", name, "--seed", "3")
    found = choices.choices(ingest(photos, workspace), Recipe(), lambda: False)
    assert choices.matching(recipe, found) == name and recipe.train.seed == 3


def test_a_preset_that_depends_on_the_dataset_needs_one_and_has_to_be_within_reach(capsys, workspace, archive):
    assert "train DATASET --preset quick" in refused(capsys, "summary", "--preset", "quick", "--classes", "3")
    assert "quick, balanced" in refused(capsys, "train", archive, "--preset", "best")
    assert "depends on its pictures" in json.loads(printed(capsys, "presets", "--json"))[0]["needs"]
    assert "by the dataset" in printed(capsys, "presets")


def test_a_slip_of_the_pen_is_told_before_the_pictures_are_read(capsys, workspace, archive):
    assert "train.phases.0.epochs" in refused(capsys, "train", archive, "--epochs", "0")
    assert not list(workspace.datasets.iterdir())


def test_a_backbone_that_was_asked_for_is_never_exchanged(capsys, workspace, archive):
    assert "mobilenet_v2_weights" in refused(capsys, "train", archive, "--alpha", "0.5")


def test_short_options_do_not_guess_a_phase(capsys, workspace, archive, tmp_path):
    recipe = tmp_path / "two.json"
    recipe.write_text(json.dumps({"train": {"phases": [{"epochs": 1}, {"epochs": 2}]}}))
    assert "train.phases.0.epochs" in refused(capsys, "train", archive, "--recipe", recipe, "--epochs", "3")


@pytest.mark.parametrize("content", [None, b"", b"this is no archive"])
def test_a_dataset_that_is_none(capsys, workspace, tmp_path, content):
    path = tmp_path / "photos.zip"
    if content is not None:
        path.write_bytes(content)
    assert "photos.zip" in refused(capsys, "inspect", path)


def test_inspect(capsys, workspace, archive):
    found = json.loads(printed(capsys, "inspect", archive, "--json"))
    assert found["images"] == 20 and found["classes"] == {"cat": 10, "dog": 10}
    assert sum(found["splits"].values()) == 20 and set(found["splits"]) == {"train", "validation"}
    text = printed(capsys, "inspect", archive)
    assert "20 images in 2 classes" in text and "cat" in text


@pytest.mark.parametrize("command", ["stop", "evaluate", "export --format keras"])
def test_a_run_that_does_not_exist(capsys, workspace, command):
    name, *options = command.split()
    assert "There is no run" in refused(capsys, name, "run-nothing", *options)


def test_a_folder_that_is_no_run(capsys, workspace, tmp_path):
    assert "not a run folder" in refused(capsys, "evaluate", tmp_path)


def test_runs(capsys, workspace, finished):
    rows = json.loads(printed(capsys, "runs", "--json"))
    assert [row["id"] for row in rows] == [finished.id]
    assert rows[0]["state"] == "completed" and rows[0]["val_accuracy"] == 0.5 and rows[0]["weights"] == "none"
    assert finished.id in printed(capsys, "runs")


def test_runs_names_those_of_a_newer_version(capsys, workspace, dataset, finished):
    newer = Run.create(dataset, Recipe.parse({"model": {"weights": "none"}}), workspace)
    write_json(newer.path / "job.json", {"schema": 99})
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    captured = capsys.readouterr()
    assert [row["id"] for row in json.loads(captured.out)] == [finished.id]
    assert newer.id in captured.err and "newer version of Graft" in captured.err


def test_runs_tells_who_is_gone_and_starts_nobody(capsys, workspace, dataset, finished):
    finished.write_status(replace(finished.status(), state="running", pid=2**30))
    waiting = Run.create(dataset, Recipe.parse({"model": {"weights": "none"}}), workspace)
    states = {row["id"]: row["state"] for row in json.loads(printed(capsys, "runs", "--json"))}
    assert states == {finished.id: "interrupted", waiting.id: "queued"}


def test_no_runs_yet(capsys, workspace):
    assert json.loads(printed(capsys, "runs", "--json")) == []


def test_evaluate_prints_the_scores(capsys, workspace, finished):
    assert json.loads(printed(capsys, "evaluate", finished.path, "--json")) == finished.metrics()
    text = printed(capsys, "evaluate", finished.id)
    assert "validation: accuracy 0.5000" in text and "dog" in text and "best_epoch" not in text
    assert set(api.evaluate(finished)) == {"validation"}


class Answers:
    """Stands where the prediction process would: says cat to every image, or reads none."""

    def __init__(self, error: str | None = None) -> None:
        self.error, self.asked = error, []

    def predict(self, run_dir: Path, images: list[Path], top_k: int = 3, timeout: float = 60,
                max_pixels: int = 0) -> list[Prediction]:
        self.asked += images
        self.max_pixels = max_pixels
        if self.error:
            return [Prediction(path, "", 0.0, [], self.error) for path in images]
        top = [{"label": "cat", "probability": 0.75}, {"label": "dog", "probability": 0.25}]
        return [Prediction(path, "cat", 0.75, top, None) for path in images]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers()
    monkeypatch.setattr(inference, "shared_predictor", lambda: answers)
    return answers


def test_evaluate_gives_the_test_score_when_it_is_asked_for_and_counts(capsys, workspace, finished):
    metrics = read_json(finished.path / "metrics.json")
    write_json(finished.path / "metrics.json", {**metrics, "test": {**metrics["validation"], "accuracy": 0.125}})
    assert main(["evaluate", finished.id, "--json"]) == 0
    told = capsys.readouterr()
    assert "test" not in json.loads(told.out) and "0.125" not in told.err
    assert "kept for the end (not looked at yet)" in told.err
    for time in ("once", "twice"):
        assert main(["evaluate", finished.id, "--test"]) == 0
        told = capsys.readouterr()
        assert "test: accuracy 0.1250" in told.out and f"looked at {time}, by 1 run" in told.err
    assert "0.125" not in printed(capsys, "runs", "--json")
    assert "--dataset" in refused(capsys, "evaluate", finished.id, "--test", "--dataset", "digits")


def test_evaluate_on_a_dataset_leaves_out_what_the_model_was_trained_on(capsys, workspace, finished, dataset, answers):
    split = finished.splits().set_index("file")["split"]
    capsys.readouterr()
    assert main(["evaluate", str(finished.path), "--dataset", dataset.id, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["dataset"]["images"] == 4
    assert "trained on them: 16 of 20 images" in captured.err
    assert {split[path.name] for path in answers.asked} == {"validation"}


def test_evaluate_on_nothing_but_training_images(workspace, finished, dataset, answers):
    splits, notes = finished.splits().assign(split="train"), []
    splits.to_csv(finished.path / "splits.csv", index=False)
    assert api.evaluate(finished, dataset, on_note=notes.append)["dataset"]["images"] == 20
    assert len(notes) == 1 and "trained on all of these images" in notes[0]


def test_evaluate_when_the_training_data_is_gone(workspace, finished, dataset, archive, answers):
    other, notes = ingest(archive, workspace), []
    delete_dataset(workspace, dataset.id)
    assert api.evaluate(finished, other, on_note=notes.append)["dataset"]["images"] == 20 and not notes


def test_evaluate_when_no_image_can_be_read(capsys, workspace, finished, dataset, answers):
    answers.error = "the file is gone"
    line = refused(capsys, "evaluate", finished.path, "--dataset", dataset.id)
    assert "None of the 4 images" in line and "the file is gone" in line


def test_evaluate_before_there_is_a_score(capsys, workspace, dataset):
    run = Run.create(dataset, Recipe.parse({"model": {"weights": "none"}}), workspace)
    assert "queued" in refused(capsys, "evaluate", run.path)
    assert "has no model" in refused(capsys, "predict", run.path, run.path / "recipe.json")


def test_stop_asks_a_waiting_run_to_end(capsys, workspace, dataset, finished):
    run = Run.create(dataset, Recipe.parse({"model": {"weights": "none"}}), workspace)
    printed(capsys, "stop", run.path)
    assert run.status().state == "stopped"
    assert "completed" in refused(capsys, "stop", finished.path)


def test_export_gives_the_file_and_says_how_its_answers_compare(capsys, trained, tmp_path):
    target = Path(printed(capsys, "export", trained.path, "--format", "onnx", "--out", tmp_path / "m.zip").strip())
    with zipfile.ZipFile(target) as archive:
        assert {"model.onnx", "labels.txt", "predict.py", "certificate.json"} < set(archive.namelist())
    assert "keras" in refused(capsys, "export", trained.path, "--format", "floppy")
    assert "Cannot write" in refused(capsys, "export", trained.path, "--format", "onnx", "--out", "/no/such/m.zip")


def test_predict_needs_something_to_look_at(capsys, workspace, finished, tmp_path):
    assert "There is no file" in refused(capsys, "predict", finished.path, tmp_path / "missing.jpg")
    (tmp_path / "empty").mkdir()
    assert "no image" in refused(capsys, "predict", finished.path, tmp_path / "empty")
    assert "Choose one" in refused(capsys, "predict", finished.path, "x.jpg", "--json", "--csv", "x.csv")


def test_a_torn_file_of_a_run_is_named(capsys, workspace, finished):
    (finished.path / "metrics.json").write_text("{broken")
    assert "metrics.json of the run" in refused(capsys, "evaluate", finished.path)
    assert main(["runs", "--json"]) == 0
    assert [row["val_accuracy"] for row in json.loads(capsys.readouterr().out)] == [None]


def test_a_table_of_predictions_that_cannot_be_written_is_said(tmp_path):
    place = tmp_path / "nowhere" / "x.csv"
    with pytest.raises(GraftError, match="nowhere") as caught:
        write_predictions_csv([{"path": "a.jpg", "top": [{"label": "cat", "probability": 1.0}]}], place)
    assert caught.value.hint == "Name another file."


def test_no_image_comes_with_the_reasons(capsys, workspace, finished, tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as file:
        file.writestr("notes.txt", "words")
    assert "'notes.txt'" in refused(capsys, "predict", finished.path, tmp_path / "pictures.zip")


def test_a_bug_shows_its_traceback(capsys, workspace, finished, monkeypatch):
    monkeypatch.setattr(api, "evaluate", lambda *given, **named: 1 / 0)
    assert main(["evaluate", str(finished.path)]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_failed_run_ends_with_its_error_and_the_result_line(capsys, workspace, archive, monkeypatch):
    """Instead of a worker there is a process that is gone at once, as after `kill -9`."""

    def start_and_lose(run: Run, machine: Machine) -> None:
        run.write_status(replace(run.status(), state="running", pid=2**30))

    monkeypatch.setattr(jobs, "run_now", start_and_lose)
    assert main(["train", str(archive), "--weights", "none", "--freeze", "none"]) == 2
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert set(result) == {"run_dir", "state", "val_accuracy", "val_loss", "epochs", "seconds"}
    assert result["state"] == "interrupted"
    assert "worker.log" in captured.err.splitlines()[-1]


def test_predict_goes_by_the_pixel_limit(finished, answers, tmp_path):
    api.predict(finished, [tmp_path / "a.png"], limits=Limits.demo())
    assert answers.max_pixels == 25_000_000
    api.predict(finished, [tmp_path / "a.png"])
    assert answers.max_pixels == Limits().image_pixels


def test_a_paused_run_is_resumed_to_its_end(dataset, workspace, capsys):
    run = Run.create(dataset, tiny_recipe(), workspace)
    assert main(["pause", str(run.path)]) == 0 and run.status().state == "paused"
    assert main(["pause", str(run.path)]) == 2
    assert main(["resume", str(run.path)]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["state"], last["epochs"], last["run_dir"]) == ("completed", 2, str(run.path))
    assert main(["resume", str(run.path)]) == 2
    assert "is complete" in capsys.readouterr().err


def test_predictions_as_csv(tmp_path):
    rows = [
        {"path": "a, b.jpg", "label": "cat", "probability": 0.75,
         "top": [{"label": "cat", "probability": 0.75}, {"label": "dog", "probability": 0.25}]},
        {"path": "c.jpg", "error": "not an image"},
    ]
    write_predictions_csv(rows, tmp_path / "answers.csv")
    table = pd.read_csv(tmp_path / "answers.csv", keep_default_na=False)
    assert list(table.columns) == ["path", "label", "probability", "label_2", "probability_2", "error"]
    assert list(table["path"]) == ["a, b.jpg", "c.jpg"]
    assert table.loc[0, "label_2"] == "dog" and table.loc[1, "error"] == "not an image"


def test_an_empty_class_can_be_left_out(archive, workspace, capsys):
    with zipfile.ZipFile(archive, "a") as file:
        file.mkdir("birds")
        file.writestr("fish/1.png", b"no")
    assert main(["inspect", str(archive)]) == 2
    assert "'fish' has no readable image" in capsys.readouterr().err
    assert main(["inspect", str(archive), "--accept-empty", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"].keys() == {"cat", "dog"}


def test_many_bad_files_can_be_left_out(archive, workspace, capsys):
    with zipfile.ZipFile(archive, "a") as file:
        for index in range(8):
            file.writestr(f"cat/bad{index}.png", b"no")
    assert main(["inspect", str(archive)]) == 2
    assert main(["inspect", str(archive), "--accept-bad", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["bad"]) == 8


def test_a_dataset_of_a_newer_version_is_named_where_datasets_are(dataset, workspace, capsys):
    write_json(dataset.path / "dataset.json", {"schema": 99})
    assert main(["inspect", "nonsense"]) == 2
    said = capsys.readouterr().err
    assert dataset.id in said and "newer version of Graft" in said and "elete" not in said
    assert main(["inspect", dataset.id]) == 2
    assert "newer version of Graft" in capsys.readouterr().err


def test_a_name_longer_than_a_name_can_be_is_no_bug(workspace, capsys):
    assert main(["inspect", "x" * 5000]) == 2
    assert "is not a zip" in capsys.readouterr().err


def test_one_backbone_gives_its_blocks_and_where_it_can_be_cut_and_frozen(capsys, workspace):
    found = json.loads(printed(capsys, "backbones", "ResNet50", "--json"))
    assert sum(block["parameters"] for block in found["blocks"]) == found["parameters"] == 23_587_712
    assert found["blocks"][-1]["output_shape"] == [7, 7, 2048]
    assert "conv3_block1_3_conv" in found["cut_layers"] and set(found["cut_layers"]) <= set(found["freeze_layers"])
    narrow = json.loads(printed(capsys, "backbones", "MobileNetV2", "--alpha", "0.35", "--json"))
    assert narrow["parameters"] == 410_208
    assert "conv2_block1" in printed(capsys, "backbones", "ResNet50") and "MobileNetV2" in refused(
        capsys, "backbones", "MobileNetV9")


def test_the_speed_of_a_backbone_is_measured_and_kept(capsys, workspace):
    before = json.loads(printed(capsys, "backbones", "SmallNet", "--json"))
    assert (before["images_per_second"], before["speed_engine"]) == (None, None)
    assert "not measured" in printed(capsys, "backbones", "SmallNet")
    measured = json.loads(printed(capsys, "backbones", "SmallNet", "--measure", "--size", "32", "--json"))
    assert measured["images_per_second"] > 1 and measured["speed_engine"] in ("ONNX Runtime", "Keras")
    again = json.loads(printed(capsys, "backbones", "SmallNet", "--size", "32", "--json"))
    assert again["images_per_second"] == measured["images_per_second"]
    assert json.loads(printed(capsys, "backbones", "SmallNet", "--json"))["images_per_second"] is None  # at 64
    assert "images a second at 32 pixels" in printed(capsys, "backbones", "SmallNet", "--size", "32")


def test_only_one_backbone_is_measured_at_a_size_that_it_takes(capsys, workspace):
    assert "none was named" in refused(capsys, "backbones", "--measure")
    assert "16 pixels" in refused(capsys, "backbones", "VGG16", "--measure", "--size", "16")


def test_listing_backbones_makes_no_workspace(capsys, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path / "nowhere"))
    assert all(row["images_per_second"] is None for row in json.loads(printed(capsys, "backbones", "--json")))
    assert not (tmp_path / "nowhere").exists()


def test_what_a_weights_file_has_for_a_backbone(capsys, workspace, tmp_path):
    with h5py.File(tmp_path / "mine.weights.h5", "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "block_1_conv"
        group["0"] = np.ones((3, 3, 3, 32), np.float32)
    small = ["--set", "model.backbone=SmallNet", "--set", "data.image_size=32"]
    found = json.loads(printed(capsys, "weights", tmp_path / "mine.weights.h5", *small, "--json"))
    assert (found["backbone"], found["by_name"]["loaded"], found["by_name"]["missing"]) == ("SmallNet", 1, 7)
    assert found["by_name"]["table"][0] == {"layer": "block_1_conv", "result": "loaded", "in_file": "block_1_conv",
                                            "wanted": "3×3×3×32", "found": "3×3×3×32"}
    text = printed(capsys, "weights", tmp_path / "mine.weights.h5", *small)
    assert "By name: 1 loaded, 7 missing" in text and "block_2_conv" in text
    assert "'none.h5'" in refused(capsys, "weights", "none.h5", *small)


def test_how_a_dataset_is_read_is_said_on_stderr(archive, workspace, capsys):
    assert main(["inspect", str(archive), "--json"]) == 0
    captured = capsys.readouterr()
    assert "Read as 2 classes (cat, dog), a folder each (--layout class-folders)" in captured.err
    assert json.loads(captured.out)["classes"].keys() == {"cat", "dog"}


def test_an_unclear_layout_is_one_line_that_names_the_readings_and_how_to_choose(archive, tmp_path, workspace, capsys):
    source = zipfile.ZipFile(archive)
    with zipfile.ZipFile(tmp_path / "folds.zip", "w") as file:
        for number, name in enumerate(source.namelist()):
            file.writestr(f"{('one', 'two')[number % 2]}/{name}", source.read(name))
    folds = str(tmp_path / "folds.zip")
    assert main(["inspect", folds]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("Error: It is not clear") and "--layout" in said and "inner-folders: 2 classes" in said
    assert list(workspace.incoming.iterdir()) == list(workspace.datasets.iterdir()) == []
    assert main(["inspect", folds, "--layout", "inner-folders", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"].keys() == {"cat", "dog"}
    assert main(["inspect", folds, "--layout", "class-folders", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"].keys() == {"one", "two"}
    assert main(["inspect", folds, "--layout", "nonsense"]) == 2


def test_images_are_added_to_a_dataset(workspace, dataset, archive, tmp_path, capsys):
    picture = io.BytesIO()
    Image.new("RGB", (24, 24), (9, 90, 200)).save(picture, "PNG")
    (tmp_path / "new.png").write_bytes(picture.getvalue())
    with zipfile.ZipFile(archive) as file:
        (tmp_path / "old.png").write_bytes(file.read("cat/3.png"))
    assert main(["add", dataset.id, "new.png", "old.png", "--class", "bird"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{dataset.id}: 1 image added: bird 1\n"
    assert "in the dataset already, as cat: 1" in said.err
    assert Dataset.open(workspace, dataset.id).classes == ["bird", "cat", "dog"]
    assert main(["add", dataset.id, "new.png"]) == 2
    assert "--class" in capsys.readouterr().err


def test_compare_shows_what_differs_and_json_all_of_it(capsys, trained, workspace):
    import shutil

    other = shutil.copytree(trained.path, trained.path.parent / "run-20991231-000000-00000000")
    told = printed(capsys, "compare", trained.path, other)
    assert "both are right or both are wrong" in told and "accuracy" in told
    found = json.loads(printed(capsys, "compare", trained.path, other, "--json"))
    assert set(found) == {"runs", "differing", "pairs"} and found["pairs"][0]["p_value"] == 1.0
    assert "two to 10" in refused(capsys, "compare", trained.path)


def test_a_run_is_taken_along_and_in_again(capsys, trained, workspace, tmp_path):
    told = printed(capsys, "export", trained.path, "--format", "run", "--out", tmp_path / "run.zip", "--with-dataset")
    there = printed(capsys, "import", told.strip()).strip()
    assert Run.open(there).metrics() == trained.metrics() and str(workspace.runs) in there
    assert "no run of Graft" in refused(capsys, "import", make_empty_zip(tmp_path / "other.zip"))


def make_empty_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"")
    return path


def test_a_frozen_head_is_solved_unless_steps_are_spoken_of(workspace, archive, started):
    def optimizer(*more: str) -> str:
        return started("train", archive, "--backbone", "MobileNetV2", "--alpha", "0.35", "--weights", "none",
                       *more).train.phases[0].optimizer

    assert optimizer() == optimizer("--freeze", "all") == "lbfgs"
    assert optimizer("--epochs", "3") == optimizer("--freeze", "block_12") == "adam"
    assert optimizer("--set", "train.phases.0.learning_rate=0.01") == "adam"
    assert optimizer("--set", 'model.hidden=[{"units": 8}]') == "adam"
    assert optimizer("--set", "train.phases.0.optimizer=sgd") == "sgd"
    assert optimizer("--set", 'train.phases=[{"optimizer": "sgd", "epochs": 7}]') == "sgd"
    assert optimizer("--set", "train.mix=mixup") == "adam"
