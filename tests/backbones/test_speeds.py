"""Measured speeds are kept with the machine, and measuring is a job like any other."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from core.backbones import measuring, speeds
from core.backbones.catalogue import get
from core.backbones.speeds import Subject, subject
from core.errors import NewerFormatError, RecipeError, RunError
from core.jobs import queue
from core.store.files import read_json, write_json
from core.store.machine import Machine
from core.store.workspace import Workspace

SMALL = subject(get("SmallNet")[1])


def test_a_figure_belongs_to_backbone_width_and_size_and_outlives_the_cache(workspace):
    narrow, wide = (subject(get("MobileNetV2", alpha)[1]) for alpha in (0.35, 1.0))
    speeds.keep(workspace.machine, narrow, 210.5, "ONNX Runtime", "quicker")
    speeds.keep(workspace.machine, replace(narrow, size=96), 900.0, "ONNX Runtime", "quicker")
    speeds.keep(workspace.machine, wide, 80.0, "Keras", "a GPU is there")
    shutil.rmtree(workspace.cache)
    found = speeds.known(Machine(workspace.root))
    assert {key: one.images_per_second for key, one in found.items()} == {
        "MobileNetV2 0.35 224": 210.5, "MobileNetV2 0.35 96": 900.0, "MobileNetV2 1 224": 80.0}
    speeds.keep(workspace.machine, wide, 90.0, "Keras", "a GPU is there")
    assert speeds.known(workspace.machine)[wide.key].images_per_second == 90.0


def test_workspaces_of_one_machine_share_their_figures(workspace, tmp_path):
    other = Workspace(tmp_path / "other", machine=workspace.machine)
    speeds.keep(other.machine, SMALL, 1000.0, "Keras", "")
    assert SMALL.key in speeds.known(workspace.machine)


def test_a_file_that_cannot_be_read_counts_as_nothing_and_a_newer_one_is_left_alone(workspace):
    path = workspace.root / "backbone-speeds.json"
    path.write_text("{", "utf-8")
    assert speeds.known(workspace.machine) == {}
    speeds.keep(workspace.machine, SMALL, 5.0, "Keras", "")
    assert speeds.known(workspace.machine)[SMALL.key].images_per_second == 5.0
    write_json(path, {**read_json(path), "schema": 99})
    assert speeds.known(workspace.machine) == {}
    with pytest.raises(NewerFormatError):
        speeds.keep(workspace.machine, SMALL, 6.0, "Keras", "")
    assert read_json(path)["schema"] == 99


def test_what_cannot_be_measured_is_refused_before_a_job_is_made(workspace):
    with pytest.raises(RunError, match="Nothing"):
        measuring.start([], workspace)
    with pytest.raises(RecipeError, match="16 pixels"):
        measuring.start([Subject("VGG16", None, 16)], workspace)
    with pytest.raises(RecipeError, match="no backbone 'VGG17'"):
        measuring.start([Subject("VGG17", None, 224)], workspace)
    assert measuring.latest(workspace) is None


def test_measuring_waits_for_a_training_and_can_be_cancelled_there(tiny_run, workspace):
    run = tiny_run()
    run.write_status(replace(run.status(), state="running", host="elsewhere"))  # its heartbeat is fresh
    queue.rebuild(workspace.machine)
    job = measuring.start([SMALL], workspace)
    assert job.status().state == "queued" and measuring.asked(job) == [SMALL]
    with pytest.raises(RunError, match="already"):
        measuring.start([SMALL], workspace)
    job.request_stop()
    assert job.status().state == "stopped"
    another = measuring.start([SMALL], workspace)
    assert measuring.latest(workspace).id == another.id and not job.path.exists()


def test_a_measurement_that_waits_is_found_again_without_the_index(workspace, tiny_run):
    run = tiny_run()
    run.write_status(replace(run.status(), state="running", host="elsewhere"))
    job = measuring.start([SMALL], workspace)
    shutil.rmtree(workspace.machine.queue)
    assert job.path in [found.path for found in queue.active(workspace.machine)]


def test_larger_networks_are_said_to_take_longer(workspace):
    quick, slow = (measuring.about_seconds([subject(get(name)[1])], workspace) for name in ("SmallNet", "VGG16"))
    assert quick < slow
