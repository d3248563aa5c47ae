"""Run folders, seen through their files."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from dataclasses import replace

import pytest

from core.data.library import ingest
from core.engine.reporter import Reporter
from core.errors import NewerFormatError, NotFoundError, RecipeError, RunError
from core.recipe.migrations import RECIPE_FORMAT
from core.runs import looks
from core.runs.index import list_runs
from core.runs.run import HISTORY_COLUMNS, Run
from core.runs.status import Status
from core.store.files import read_json, write_json
from core.store.limits import Limits
from core.store.processes import process_started
from core.store.workspace import Workspace
from tests.tiny import tiny_recipe


def running(run: Run, pid: int) -> None:
    run.write_status(replace(run.status(), state="running", pid=pid, pid_started=process_started(pid)))


def test_a_new_run_is_complete_on_disk(tiny_run, colours):
    run = tiny_run("train.phases.0.epochs=3")
    assert run.status().state == "queued" and run.status().active and run.status().epochs == 3
    document = read_json(run.path / "recipe.json")
    assert document["schema_version"] == RECIPE_FORMAT.version
    assert document["train"]["label_smoothing"] == 0.0  # defaults written out
    assert run.dataset["id"] == colours.id and run.classes == ["blue", "green", "red"]
    splits = run.splits()
    assert set(splits["split"]) == {"train", "validation"} and len(splits) == 36
    assert run.history().empty and run.batches().empty and run.events() == [] and run.log_tail() == ""
    assert run.metrics() is None and run.predictions() is None and not run.has_model


@pytest.mark.parametrize("change", [
    "model.backbone=MobileNetV9", "model.alpha=0.3", "train.phases.0.freeze=block_99", "model.cut_layer=block_9_relu",
    "train.phases.0.freeze=predictions",
])
def test_what_cannot_be_trained_makes_no_folder(colours, workspace, change):
    with pytest.raises(RecipeError):
        Run.create(colours, tiny_recipe(change), workspace)
    assert not list(workspace.runs.iterdir())


@pytest.mark.parametrize("point", ["all", "none", "block_2", "block_2_pool", "block_2_conv", "block_1_bn"])
def test_any_layer_can_be_the_freeze_point(tiny_run, point):
    assert tiny_run(f"train.phases.0.freeze={point}").status().state == "queued"


def test_an_unknown_freeze_point_is_answered_with_the_blocks(colours, workspace):
    with pytest.raises(RecipeError, match="block_2_konv") as caught:
        Run.create(colours, tiny_recipe("train.phases.0.freeze=block_2_konv"), workspace)
    assert "block_1, block_2, block_3" in caught.value.hint


def test_a_folder_with_something_in_it_is_left_alone(colours, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        Run.create(colours, tiny_recipe(), None, tmp_path / "here")
    assert (tmp_path / "here" / "thesis.txt").read_text() == "mine"


def test_looking_at_a_run_makes_nothing(colours, workspace, tmp_path):
    run = Run.create(colours, tiny_recipe("data.test=0.25"), None, tmp_path / "alone" / "run-1")
    moved = tmp_path / "elsewhere"
    shutil.move(workspace.root, moved)
    before = sorted(tmp_path.rglob("*"))
    assert run.workspace.root == workspace.root and run.limits == Limits()
    assert list_runs(run.workspace) == [] and looks.counted(run) == looks.Count(0, 0)
    assert sorted(tmp_path.rglob("*")) == before


def test_runs_are_listed_newest_first(tiny_run, workspace):
    first = tiny_run()
    time.sleep(1.1)  # an id has the second in it
    second = tiny_run()
    (workspace.runs / "no-run").mkdir()
    assert [run.id for run in list_runs(workspace)] == [second.id, first.id]


@pytest.mark.parametrize("name", ["run-nothing", "../datasets", "..", "", "a/b", "/etc"])
def test_a_guessed_id_is_answered_as_a_missing_one(workspace, name):
    with pytest.raises(NotFoundError, match="There is no run"):
        Run.find(workspace, name)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(NotFoundError, match="not a run folder"):
        Run.open(tmp_path)


@pytest.mark.parametrize("content", [
    None, b"", b'{"state": "runn', b"{}", b"[]", b'{"state": "asleep"}', b'{"state": "queued", "epochs": "many"}'])
def test_a_status_that_cannot_be_read(tiny_run, content):
    run = tiny_run()
    (run.path / "status.json").unlink()
    if content is not None:
        (run.path / "status.json").write_bytes(content)
    assert run.status().state == "interrupted" and run.status().message


def test_a_status_of_a_later_version(tiny_run):
    run = tiny_run()
    write_json(run.path / "status.json", {**read_json(run.path / "status.json"), "mood": "good"})
    assert run.status().state == "queued"


def test_folders_that_cannot_be_read_are_passed_over(tiny_run, workspace):
    whole, later, lost, torn = (tiny_run() for _ in range(4))
    assert len(list_runs(workspace)) == 4
    write_json(later.path / "recipe.json", {**read_json(later.path / "recipe.json"), "schema_version": 99})
    (lost.path / "dataset.json").unlink()
    (torn.path / "dataset.json").write_text('{"id": "colours"')
    assert [run.id for run in list_runs(workspace)] == [whole.id]
    with pytest.raises(RunError, match="cannot be read"):
        _ = lost.dataset


def test_what_a_run_was_trained_on_has_a_version_and_may_hold_more(tiny_run, workspace):
    older, later, more = (tiny_run() for _ in range(3))
    document = read_json(older.path / "dataset.json")
    assert document.pop("schema") == 1
    write_json(older.path / "dataset.json", document)  # as it was written before there were versions
    write_json(more.path / "dataset.json", {**document, "schema": 1, "colour": "blue"})
    newer = {**document, "schema": 2}
    write_json(later.path / "dataset.json", newer)
    assert {run.id for run in list_runs(workspace)} == {older.id, more.id}
    assert older.dataset["id"] == more.dataset["id"] == document["id"]
    with pytest.raises(NewerFormatError, match="newer version of Graft"):
        _ = later.dataset
    assert read_json(later.path / "dataset.json") == newer


def test_a_history_without_a_line(tiny_run):
    run = tiny_run()
    (run.path / "history.csv").touch()
    assert run.history().empty and "val_accuracy" in run.history()


def test_events_are_read_on_and_begun_again(tiny_run):
    run = tiny_run()
    path = run.path / "events.jsonl"
    run.append_event("note", text="one")
    assert run.notes() == ["one"]
    with open(path, "a") as file:
        file.write('{"event": "note", "text": "t')
    assert run.notes() == ["one"]
    with open(path, "a") as file:
        file.write('wo"}\n[]\n{"event": "batch"}\n')
    assert run.notes() == ["one", "two"] and run.batches().empty
    path.write_text('{"event": "note", "text": "new"}\n')
    assert run.notes() == ["new"]
    path.unlink()
    assert run.notes() == []


def test_the_batches_of_a_long_run_are_thinned_and_end_with_the_last(tiny_run):
    run = tiny_run()
    lines = [json.dumps({"event": "batch", "epoch": 1, "step": step, "steps": 9001, "loss": step, "accuracy": 0})
             for step in range(9002)]
    (run.path / "events.jsonl").write_text("\n".join(lines[:5000]) + "\n")
    assert len(run.batches()) <= 2001
    with open(run.path / "events.jsonl", "a") as file:
        file.write("\n".join(lines[5000:]) + "\n")
    losses = list(run.batches()["loss"])
    assert 1000 <= len(losses) <= 2001 and losses[:2] == [0, 8] and losses[-1] == 9001
    assert losses == sorted(set(losses))


def test_a_torn_last_event_is_passed_over(tiny_run):
    run = tiny_run()
    run.append_event("note", text="größer")
    for step in (1, 2):
        run.append_event("batch", phase="train", epoch=2, step=step, steps=4, loss=1.5 / step, accuracy=0.5)
    with open(run.path / "events.jsonl", "ab") as file:
        file.write('{"time": 1, "event": "note", "text": "grö'.encode()[:-1])
    assert [event["event"] for event in run.events()] == ["note", "batch", "batch"]
    assert run.notes() == ["größer"]
    assert list(run.batches()["epoch"]) == [1.25, 1.5] and list(run.batches()["loss"]) == [1.5, 0.75]


def test_the_end_of_the_log(tiny_run):
    run = tiny_run()
    (run.path / "worker.log").write_bytes("\n".join(f"line {index}" for index in range(20000)).encode() + b"\n\xff")
    tail = run.log_tail(3).splitlines()
    assert tail[:2] == ["line 19998", "line 19999"] and len(tail) == 3


def test_a_waiting_run_is_stopped_at_once(tiny_run):
    run = tiny_run()
    run.request_stop()
    assert run.status().state == "stopped" and "before it began" in run.status().message


def test_a_running_run_is_asked_to_stop(tiny_run):
    run = tiny_run()
    running(run, os.getpid())
    run.request_stop()
    assert run.status().state == "running" and run.stop_requested


def test_names_that_a_spreadsheet_would_compute_are_text_in_the_tables_of_a_run(workspace, tmp_path):
    from PIL import Image

    for label, shade in (("=cmd|' C calc'!A0", 40), ("@b", 200)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for index in range(6):
            Image.new("RGB", (40, 40), (shade + index, shade, index)).save(
                tmp_path / "photos" / label / f"-{index}.png")
    dataset = ingest(tmp_path / "photos", workspace)
    run = Run.create(dataset, tiny_recipe("train.phases.0.name=+first"), workspace)
    lines = (run.path / "splits.csv").read_text("utf-8").splitlines()[1:]
    cells = [cell.strip('"') for line in csv.reader(lines) for cell in line]
    assert cells and not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert set(run.splits()["class"]) == set(dataset.classes) == {"=cmd|' C calc'!A0", "@b"}
    assert set(run.splits()["path"]) == set(dataset.manifest["path"])
    Reporter(run).epoch({**dict.fromkeys(HISTORY_COLUMNS, 1), "phase": "+first"})
    assert "\n1,'+first," in (run.path / "history.csv").read_text() and list(run.history()["phase"]) == ["+first"]


def test_deleting(tiny_run):
    run = tiny_run()
    running(run, os.getpid())
    with pytest.raises(RunError, match="still training"):
        run.delete()
    run.write_status(Status(state="stopped"))
    run.delete()
    assert not run.path.exists()


def test_a_workspace_can_be_moved(tiny_run, workspace, tmp_path):
    run = tiny_run()
    moved = workspace.root.rename(tmp_path / "elsewhere")
    found = Run.find(Workspace(moved), run.id)
    assert found.dataset_path == moved / "datasets" / found.dataset["id"] and found.dataset_path.is_dir()
