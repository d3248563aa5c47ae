"""The job `export`: a run's model in another format, with all that is needed to use it elsewhere, and a certificate
that says how its answers there compare with those here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from core import exporting
from core.data.dataset import Dataset
from core.engine.exporters import packing
from core.engine.quick_import import quickly
from core.engine.reporter import Reporter, StopRequested
from core.errors import ExportError, GraftError
from core.exports.certificate import Certificate, compared
from core.exports.formats import FORMATS
from core.jobs import requests
from core.jobs.job import Job, named
from core.runs.run import Run
from core.store.files import replacing, write_json

CALIBRATION_IMAGES = 128
CHECKED_FILES = 200
_SECONDS_A_FILE, _SECONDS_TO_START = 5.0, 120.0


def export(job: Job, reporter: Reporter) -> tuple[str, str]:
    """Make the file, check it in a process that knows nothing of Graft, and keep both in the run's folder."""
    asked = requests.asked(job)
    run, kind, began = Run.open(asked["run"]), FORMATS[asked["format"]], time.monotonic()
    folder = job.path / "made"
    try:
        reporter.progress("Loading the model", 0, 3)
        with quickly():
            from core.engine.model.loading import read_model
        folder.mkdir()
        model = read_model(run.path / "model.keras")
        reporter.progress(f"Converting to {kind.title}", 1, 3)
        named(kind.made_by)(run, model, folder, lambda: _some_images(run))
        packing.add_what_goes_along(run, kind, folder)
        made = time.monotonic() - began
        reporter.progress("Checking the answers in a process of its own", 2, 3)
        found = certificate(run, folder, round(made, 1))
        write_json(folder / packing.CERTIFICATE, found.as_dict())
        reporter.raise_if_stopped()
        target = exporting.kept(run, kind.name)
        target.parent.mkdir(exist_ok=True)
        with replacing(target) as aside:
            zipped(folder, aside)
        exporting.FORMAT.write(exporting.about(run, kind.name), {**found.as_dict(), "model": exporting.stamp(run)})
    except StopRequested:
        return "stopped", "Cancelled."
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found.refused:
        raise ExportError(found.refused, "Take another format, or train the model longer before.")
    return "completed", found.sentence


def certificate(run: Run, folder: Path, seconds: float) -> Certificate:
    """What the export's own `predict.py` says of up to 200 image files that training held back, beside the run's own
    answers for them."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".py")
    table, files = _held_back(run)
    if not files:
        return Certificate(0, None, None, None, None, size, seconds,
                           "Its answers were not compared: the pictures of the run are gone.")
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-s", "predict.py", "--json", *files], cwd=folder, capture_output=True, text=True,
            env={**{name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ},
                 "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL, timeout=_SECONDS_TO_START + _SECONDS_A_FILE * len(files), check=False)
        answers = json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        answers, done = None, None
    if answers is None:
        last = done.stderr.strip().splitlines()[-1][:300] if done is not None and done.stderr.strip() else "no answer"
        raise ExportError(f"The exported model does not run: {last}.", "Take another format.")
    per_image = (time.monotonic() - began) / len(files)
    classes = run.classes
    there = np.array([[answer["probabilities"][label] for label in classes] for answer in answers])
    here = table[[f"p{index}" for index in range(len(classes))]].to_numpy(float)
    true = np.array([classes.index(label) for label in table["true"]])
    return compared(here, there, true, size, seconds, round(per_image, 4))


def _held_back(run: Run) -> tuple[Any, list[str]]:
    """Rows of the run's predictions and their files, those that are still there."""
    table = run.predictions()
    try:
        dataset = Dataset.load(run.dataset_path)
    except GraftError:
        return table, []
    if table is None:
        return table, []
    paths = [dataset.image_path(file) for file in table["file"]]
    table = table[[path.is_file() for path in paths]]
    table = table.iloc[np.unique(np.linspace(0, max(len(table) - 1, 0), min(CHECKED_FILES, len(table))).astype(int))]
    return table, [str(dataset.image_path(file)) for file in table["file"]]


def _some_images(run: Run) -> np.ndarray:
    """Training images, spread evenly. Raises ExportError: there are none."""
    from core.data.images.decode import decode_batch

    dataset = Dataset.load(run.dataset_path)
    splits = run.splits()
    files = splits.loc[splits["split"] == "train", "file"].tolist()
    paths = [path for path in map(dataset.image_path, files) if path.is_file()]
    if not paths:
        raise ExportError("The pictures that the run was trained on are gone.", "Take a format without calibration.")
    chosen = [paths[place] for place in np.unique(np.linspace(0, len(paths) - 1, CALIBRATION_IMAGES).astype(int))]
    about = packing.about_model(run)
    return decode_batch(chosen, about["image_size"], about["resize"]).astype(np.float32)


def zipped(folder: Path, target: Path) -> None:
    """A folder as a zip. Models hardly get smaller."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
