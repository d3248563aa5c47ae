"""Exports: each made by its job, run by its own code in a process that knows nothing of Graft, and compared."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core import exporting
from core.engine import worker
from core.errors import GraftError, RunError
from core.exports import certificate, formats
from core.exports.formats import FORMATS
from core.jobs import requests
from core.runs.run import Run
from core.store.files import read_json, write_json

ALONG = {"labels.txt", "model.json", "preprocess.py", "predict.py", "runtime.py", "README.md", "certificate.json"}


def made(run: Run, name: str) -> None:
    """The job, in this process."""
    job = requests.made(run.workspace, exporting.KIND, {"run": str(run.path), "format": name})
    assert worker.main([str(job.path)]) == 0, job.log_tail()
    assert job.status().state == "completed" and "same answer on 100.0%" in job.status().message.lower()


QUICK = ("keras", "onnx", "tflite-int8")


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
                                  for name in FORMATS])
def test_the_same_answers_elsewhere(trained, tmp_path, name):
    assert exporting.found(trained, name) is None
    made(trained, name)
    found = exporting.found(trained, name)
    assert found["images"] > 3 and found["same_answer"] == 1.0 and not found["refused"] and found["bytes"] > 10_000
    assert found["largest_difference"] < (0.15 if name == "tflite-int8" else 2e-3)
    low, high = found["accuracy_interval"]
    assert low <= found["accuracy"] <= high
    out = tmp_path / "out.zip"
    assert exporting.export(trained, name, out, trained.workspace) == found  # made once
    with zipfile.ZipFile(out) as archive:
        assert ALONG < set(archive.namelist()) and archive.testzip() is None
        archive.extractall(tmp_path / "out")
    assert read_json(tmp_path / "out" / "certificate.json")["same_answer"] == 1.0
    picture = next(trained.dataset_path.glob("images/*"))
    done = subprocess.run([sys.executable, "-s", "predict.py", str(picture), "--json"], cwd=tmp_path / "out",
                          capture_output=True, text=True, check=True)
    (answer,) = json.loads(done.stdout.splitlines()[-1])
    assert answer["label"] in trained.classes and sum(answer["probabilities"].values()) == pytest.approx(1, abs=0.02)


def test_another_model_is_exported_anew(trained):
    made(trained, "keras")
    (trained.path / "model.keras").touch()
    assert exporting.found(trained, "keras") is None


def test_what_cannot_be_exported_says_so(tiny_run, tmp_path, workspace):
    with pytest.raises(RunError, match="no model"):
        exporting.start(tiny_run(), "keras", workspace)
    with pytest.raises(GraftError, match="keras"):
        exporting.export(tiny_run(), "floppy", tmp_path / "m.zip", workspace)


def test_what_cannot_be_written_leaves_the_earlier_file(trained, tmp_path):
    made(trained, "keras")
    with pytest.raises(GraftError, match="Cannot write"):
        exporting.export(trained, "keras", tmp_path / "no" / "such" / "model.zip", trained.workspace)
    assert list(tmp_path.glob("*.zip")) == []


def test_without_the_pictures_it_is_made_and_said_not_to_be_compared(trained):
    document = read_json(trained.path / "dataset.json")  # its pictures are shared with other tests: point to none
    write_json(trained.path / "dataset.json", {**document, "path": str(trained.path / "gone"), "id": "gone"})
    job = requests.made(trained.workspace, exporting.KIND, {"run": str(trained.path), "format": "keras"})
    assert worker.main([str(job.path)]) == 0
    assert "were not compared" in job.status().message and exporting.found(trained, "keras")["images"] == 0


def test_it_can_be_cancelled_and_leaves_nothing(trained):
    job = requests.made(trained.workspace, exporting.KIND, {"run": str(trained.path), "format": "keras"})
    job.request_stop()
    worker.main([str(job.path)])
    assert job.status().state == "stopped" and not (trained.path / exporting.FOLDER).exists()
    assert not (job.path / "made").exists()


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_every_format_says_what_it_is(kind):
    assert FORMATS[kind.name] is kind and formats.get(kind.name) is kind
    assert kind.title and kind.description and kind.suffix == ".zip" and "/" in kind.mime


def probabilities(right: int, of: int) -> np.ndarray:
    return np.array([[0.9, 0.1]] * right + [[0.1, 0.9]] * (of - right))


@pytest.mark.parametrize(("before", "after", "refused"), [(190, 190, False), (190, 189, False), (190, 170, True),
                                                           (20, 19, False)])
def test_a_format_that_costs_accuracy_is_refused_unless_it_may_be_chance(before, after, refused):
    of = 200 if before > 100 else 20
    found = certificate.compared(probabilities(before, of), probabilities(after, of), np.zeros(of, int), 1, 1.0, 0.1)
    assert bool(found.refused) == refused
    assert found.accuracy == after / of and found.same_answer == 1 - (before - after) / of


def test_the_files_that_go_along_know_nothing_of_graft():
    outside = Path(worker.__file__).parent / "exporters" / "outside"
    assert all("core" not in line for path in outside.glob("*.py") for line in path.read_text("utf-8").splitlines()
               if line.startswith(("import", "from")))
    assert {kind.runtime for kind in FORMATS.values()} <= {path.name for path in outside.glob("*.py")}
