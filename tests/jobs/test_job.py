"""A job's folder: kinds, and statuses of older and newer versions."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from importlib import import_module

import pytest

from core.errors import NewerFormatError, NotFoundError
from core.jobs import job as jobs
from core.jobs.job import KINDS, Job
from core.jobs.status import STATUS
from core.store.files import read_json, write_json


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_a_function_of_the_engine(kind):
    module, function = KINDS[kind].carried_out_by.split(":")
    assert module.startswith("core.engine.") and callable(getattr(import_module(module), function))


def test_a_run_is_a_job_that_says_what_it_reads(tiny_run, colours):
    run = tiny_run()
    document = read_json(run.path / "job.json")
    assert document["kind"] == "train" and document["datasets"] == [colours.id] and document["schema"] == 1
    assert document["created"] > 0
    found = Job.open(run.path)
    assert (found.kind, found.datasets, found.newer) == ("train", [colours.id], "")


def test_a_folder_of_the_time_before_jobs_is_a_run(tiny_run, colours):
    run = tiny_run()
    (run.path / "job.json").unlink()
    assert (Job(run.path).kind, Job(run.path).datasets) == ("train", [colours.id]) and run.readable


def test_work_of_a_newer_version_is_told_and_left_alone(tiny_run):
    run = tiny_run()
    Job.describe(run.path, "dream")
    with pytest.raises(NewerFormatError, match="dream"):
        _ = Job(run.path).kind
    assert "Update Graft" in Job(run.path).newer


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(NotFoundError):
        Job.open(tmp_path)


@pytest.mark.parametrize(("old", "stage", "phase"), [
    ({"state": "queued", "phase": ""}, "queue", ""),
    ({"state": "running", "phase": ""}, "prepare", ""),
    ({"state": "running", "phase": "prepare"}, "prepare", ""),
    ({"state": "running", "phase": "train"}, "train", "train"),
    ({"state": "completed", "phase": "save"}, "save", ""),
])
def test_a_status_of_version_1_gets_a_stage_apart_from_the_phase(tiny_run, old, stage, phase):
    assert STATUS.migrated({**old, "epochs": 3}, "here") == {
        **old, "epochs": 3, "stage": stage, "phase": phase, "schema": 2}
    run = tiny_run()
    write_json(run.path / "status.json", {**old, "epochs": 3})
    status = run.status()
    assert (status.state, status.stage, status.phase, status.epochs) == (old["state"], stage, phase, 3)


def test_a_status_of_a_newer_format_is_told_in_a_sentence_and_left_alone(tiny_run):
    run = tiny_run()
    write_json(run.path / "status.json", {"schema": 99, "state": "dreaming"})
    assert "newer version" in run.status().message and not run.status().active
    assert read_json(run.path / "status.json") == {"schema": 99, "state": "dreaming"}


def test_the_status_is_written_on_a_full_disk_too(tiny_run, monkeypatch):
    run = tiny_run()
    run.write_status(replace(run.status(), state="running", pid=os.getpid()))

    def full(path, document):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(jobs, "write_json", full)
    run.write_status(replace(run.status(), state="failed", message="The disk is full."))
    assert (run.status().state, run.status().message) == ("failed", "The disk is full.")
    assert json.loads((run.path / "status.json").read_text())["state"] == "failed"
