"""Limits are stored with what they limit, and hold in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.engine import worker
from core.errors import NewerFormatError, WorkspaceError
from core.inference import Predictor
from core.runs.run import Run
from core.store.files import read_json, write_json
from core.store.limits import Limits, MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[2]


def test_whoever_opens_the_folder_gets_the_limits_that_were_passed(tmp_path):
    Workspace(tmp_path, Limits.demo(), Machine(tmp_path, MachineLimits.demo()))
    again = Workspace(tmp_path)
    assert again.limits == Limits.demo() and again.machine.limits == MachineLimits.demo()
    code = ("import sys; from core.store.workspace import Workspace; found = Workspace(sys.argv[1]); "
            "print(found.limits.image_pixels, found.machine.limits.cache_bytes)")
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True)
    assert said.stdout.split() == ["25000000", str(2 * 2**30)]


def test_a_workspace_without_stored_limits_has_the_usual_ones_and_gets_no_file(tmp_path):
    workspace = Workspace(tmp_path)
    assert workspace.limits == Limits() and workspace.machine.limits == MachineLimits()
    assert not list(tmp_path.glob("*.json"))


def test_what_is_passed_takes_the_place_of_what_is_stored(tmp_path):
    Workspace(tmp_path, Limits.demo())
    Workspace(tmp_path, Limits(image_pixels=5))
    assert Workspace(tmp_path).limits == Limits(image_pixels=5)


@pytest.mark.parametrize("name", ["workspace", "machine"])
@pytest.mark.parametrize("content", ['{"limits"', "[]", '{"limits": {"cache_bytes": "many", "image_pixels": "few"}}'])
def test_limits_that_cannot_be_read_open_nothing(tmp_path, name, content):
    Workspace(tmp_path)
    (tmp_path / f"{name}.json").write_text(content)
    with pytest.raises(WorkspaceError, match=rf"{name}\.json cannot be read") as caught:
        Workspace(tmp_path)
    assert "remove it" in caught.value.hint


@pytest.mark.parametrize("name", ["workspace", "machine"])
def test_limits_of_a_newer_version_are_left_alone(tmp_path, name):
    write_json(tmp_path / f"{name}.json", {"schema": 99, "limits": {}})
    with pytest.raises(NewerFormatError, match="Update Graft"):
        Workspace(tmp_path, Limits.demo(), Machine(tmp_path, MachineLimits.demo()))
    assert read_json(tmp_path / f"{name}.json") == {"schema": 99, "limits": {}}


def test_the_worker_holds_to_the_pixel_limit_of_the_workspace(tiny_run, workspace):
    run = tiny_run("train.phases.0.freeze=all")
    Workspace(workspace.root, Limits(image_pixels=40 * 40 - 1))
    assert worker.main([str(run.path)]) == 2
    error = run.status().error or {}
    assert error["kind"] == "ImageDecodeError" and "over the limit" in error["message"]


def test_the_prediction_process_holds_to_it_too(trained, tmp_path):
    picture = trained.dataset_path / "images" / trained.splits()["file"][0]
    Workspace(trained.path.parent.parent, Limits(image_pixels=40 * 40 - 1))
    predictor = Predictor()
    try:
        (answer,) = predictor.predict(trained.path, [picture], timeout=120)
    finally:
        predictor.close()
    assert "over the limit" in (answer.error or "")


def test_limits_outlive_the_dataset_and_a_move(tiny_run, workspace, colours, tmp_path):
    run = tiny_run()
    Workspace(workspace.root, Limits(image_pixels=77))
    for path in (workspace.datasets / colours.id).rglob("*"):
        path.unlink() if path.is_file() else None
    moved = workspace.root.rename(tmp_path / "elsewhere")
    assert Run.open(moved / "runs" / run.id).limits.image_pixels == 77
