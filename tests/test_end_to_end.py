"""The whole job from the command line, in processes of its own: train, evaluate, predict, list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from core.estimates import START, TYPICAL
from tests.tiny import COLOURS, coloured_folder

PROJECT = Path(__file__).resolve().parent.parent
RUN_FILES = {"recipe.json", "dataset.json", "splits.csv", "status.json", "events.jsonl", "history.csv", "model.keras",
             "labels.txt", "predictions.parquet", "metrics.json", "worker.log"}
REAL_DATA, WEIGHTS = os.environ.get("GRAFT_REAL_DATA"), os.environ.get("GRAFT_WEIGHTS_DIR")


def graft(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m core ...`, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)], cwd=PROJECT, capture_output=True, text=True,
        env={**os.environ, **environment}, timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def zipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    return folder.with_suffix(".zip")


def test_the_whole_job_on_tiny_pictures(tmp_path):
    environment = {"GRAFT_WORKSPACE": str(tmp_path / "workspace")}
    pictures = coloured_folder(tmp_path / "colours", per_class=8)
    archive, run_dir = zipped(pictures), tmp_path / "my run"

    trained = graft("train", archive, "--backbone", "MobileNet", "--alpha", "0.25", "--weights", "none",
                    "--freeze", "none", "--epochs", "2", "--set", "data.image_size=32", "--run-dir", run_dir,
                    **environment)
    result = json.loads(trained.stdout.splitlines()[-1])
    assert set(result) == {"run_dir", "state", "val_accuracy", "val_loss", "epochs", "seconds"}
    assert result["state"] == "completed" and result["epochs"] == 2 and result["run_dir"] == str(run_dir)
    assert 0 <= result["val_accuracy"] <= 1 and result["seconds"] > 0
    assert "epoch 2/2" in trained.stderr and "Random starting weights" in trained.stderr
    assert RUN_FILES <= {path.name for path in run_dir.iterdir()}
    learned = json.loads((tmp_path / "workspace" / "cache" / "speed.json").read_text("utf-8"))  # for the next estimate
    assert 0.5 < learned["start"] < result["seconds"] and learned["start"] != TYPICAL[START]

    scores = json.loads(graft("evaluate", run_dir, "--json", **environment).stdout)
    assert scores["validation"]["accuracy"] == result["val_accuracy"]
    assert [row["class"] for row in scores["validation"]["per_class"]] == sorted(COLOURS)
    assert sum(map(sum, scores["validation"]["confusion"])) == scores["validation"]["images"]

    again = graft("evaluate", run_dir, "--dataset", archive, "--json", **environment)
    fresh = json.loads(again.stdout)["dataset"]
    assert fresh["images"] == scores["validation"]["images"] and f"{24 - fresh['images']} of 24" in again.stderr

    (pictures / "broken.png").write_bytes(b"no picture")
    asked = [pictures / "red" / "00.png", pictures / "broken.png", pictures / "blue"]
    answers = json.loads(graft("predict", run_dir, *asked, "--top-k", "2", "--json", **environment).stdout)
    assert len(answers) == 10 and sum("error" in answer for answer in answers) == 1
    for answer in answers:
        if "error" not in answer:
            assert set(answer) == {"path", "label", "probability", "top"}
            assert answer["label"] in COLOURS and len(answer["top"]) == 2
            assert answer["top"][0] == {"label": answer["label"], "probability": answer["probability"]}

    table = tmp_path / "answers.csv"
    graft("predict", run_dir, archive, "--csv", table, **environment)
    assert len(pd.read_csv(table)) == 24

    (row,) = json.loads(graft("runs", "--json", GRAFT_WORKSPACE=_with_copy(run_dir, tmp_path)).stdout)
    assert row["state"] == "completed" and row["backbone"] == "MobileNet" and row["weights"] == "none"


def _with_copy(run_dir: Path, tmp_path: Path) -> str:
    """A workspace that holds the run; with --run-dir it lies outside of any."""
    folder = tmp_path / "other" / "runs"
    folder.mkdir(parents=True)
    run_dir.rename(folder / "run-20260101-000000-abcd1234")
    return str(tmp_path / "other")


if REAL_DATA and WEIGHTS:
    @pytest.mark.slow
    def test_ants_and_bees(tmp_path):
        """Reference: logistic regression on the same features gives 0.895, the usual Keras script 0.87 to 0.91."""
        environment = {"GRAFT_WORKSPACE": str(tmp_path / "workspace")}
        archive = (PROJECT / REAL_DATA / "hymenoptera.zip").resolve()
        given = ["train", archive, "--backbone", "MobileNetV2", "--alpha", "0.35", "--epochs", "10"]
        first = json.loads(graft(*given, "--run-dir", tmp_path / "first", **environment).stdout.splitlines()[-1])
        assert first["val_accuracy"] >= 0.87
        notes = graft(*given, "--seed", "1", "--run-dir", tmp_path / "second", **environment)
        second = json.loads(notes.stdout.splitlines()[-1])
        assert second["val_accuracy"] >= 0.87 and "no forward pass needed" in notes.stderr
        print(json.dumps([first, second]))
        picture = next((tmp_path / "workspace").glob("datasets/*/images/*"))
        (answer,) = json.loads(graft("predict", tmp_path / "first", picture, "--json", **environment).stdout)
        assert answer["label"] in ("ants", "bees")
