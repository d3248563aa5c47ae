"""How each system does a job: a command of its own, timed from outside."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.images import ImageSet
from benchmarks.jobs import ALPHA, BACKBONE, BATCH, SIZE, Job
from benchmarks.results import Measurement
from benchmarks.stopwatch import MeasuredProcessFailed, Timing, timed
from core.backbones.catalogue import get
from core.backbones.freezing import resolve_freeze
from core.jobs.backends import PROJECT, worker_environment
from core.recipe.fields import Recipe
from core.runs.run import Run
from core.store.files import read_json
from core.store.workspace import Workspace

SCRIPTS = Path(__file__).resolve().parent
MODEL_EPOCHS = 2
"""Training of the models to predict with, when no job has left one."""


@dataclass(frozen=True)
class Bench:
    """Carries out measurements in a folder of its own.

    Args:
        weights: The backbone's weights file; None starts from random weights.
        epochs_scale: Multiplies the epochs of every job: a small number for a quick look.
    """

    workspace: Workspace
    work: Path
    weights: Path | None
    epochs_scale: float = 1.0

    def measure(self, job: Job, system: str, images: ImageSet, repeat: int) -> Measurement:
        """Do a job once with one system. Raises MeasuredProcessFailed."""
        load = round(os.getloadavg()[0], 2)
        name = f"{job.name}-{system}-{images.images}"
        if job.kind == "passes":
            timing, found = self._pass(system, images, name)
        elif job.kind == "predict":
            timing, found = self._predict(system, images, name)
        elif system == "graft":
            timing, found = self._graft(job, images, repeat, name)
        elif system == "floor":
            timing, found = self._floor(job, images, name)
        else:
            timing, found = self._script(job, system, images, repeat, name)
        epochs = self.epochs(job)
        wall = found.get("seconds", timing.wall_s)
        done = images.train * epochs if epochs else len(found.get("answers", ())) or images.images
        accuracy = found.get("val_accuracy")
        return Measurement(
            job=job.name, system=system, images=images.images, repeat=repeat, wall_s=round(wall, 3),
            cpu_s=timing.cpu_s, peak_mb=timing.peak_mb, images_per_second=round(done / wall, 1),
            val_accuracy=None if accuracy is None or images.copies else round(accuracy, 4),
            trainable_parameters=found.get("trainable_parameters"), load=load, notes=found.get("notes", []),
        )

    def epochs(self, job: Job) -> int:
        """Epochs of a job; 0 for what does not train."""
        return max(1, round(job.epochs * self.epochs_scale)) if job.epochs else 0

    def _graft(self, job: Job, images: ImageSet, repeat: int, name: str) -> tuple[Timing, dict[str, Any]]:
        if job.warm:  # somebody has trained another head on these images; nothing to do where the cache has them
            self._run_graft(images, recipe("all", None, 1e-3, 1, repeat, self.weights), f"{name}-before")
        else:
            self.empty_cache()
        timing, run = self._run_graft(
            images, recipe(job.freeze, job.hidden, job.learning_rate, self.epochs(job), repeat, self.weights), name)
        if job.name == "frozen":
            self._keep(run.path, self._model_folder("graft", images))
        metrics = run.metrics() or {}
        return timing, {"val_accuracy": metrics["val_accuracy"], "notes": run.notes(),
                        "trainable_parameters": metrics["trainable_parameters"]}

    def _run_graft(self, images: ImageSet, recipe: Recipe, name: str) -> tuple[Timing, Run]:
        folder = self.fresh("runs", name)
        run = Run.create(images.dataset, recipe, None, folder)
        timing = self._timed([sys.executable, "-m", "core.engine.worker", str(run.path)], name)
        status = run.status()
        if status.state != "completed":
            raise MeasuredProcessFailed(f"{name}: the run is {status.state}. {status.message}")
        return timing, run

    def _script(self, job: Job, system: str, images: ImageSet, repeat: int, name: str,
                epochs: int | None = None) -> tuple[Timing, dict[str, Any]]:
        out = self.fresh("scripts", name)
        command = [sys.executable, str(SCRIPTS / "keras_script.py"), str(images.folder), str(out), *self._network(),
                   "--epochs", str(epochs or self.epochs(job)), "--freeze", freeze_layer(job.freeze),
                   "--learning-rate", str(job.learning_rate), "--seed", str(repeat)]
        command += ["--hidden", str(job.hidden)] if job.hidden else []
        command += ["--cache"] if system == "cached" else []
        timing = self._timed(command, name)
        if job.name == "frozen" and system == "script":
            self._keep(out, self._model_folder("script", images))
        return timing, read_json(out / "report.json")

    def _floor(self, job: Job, images: ImageSet, name: str) -> tuple[Timing, dict[str, Any]]:
        out = self.fresh("scripts", name)
        features = self.work / f"features-{images.images}.npz"
        command = [sys.executable, str(SCRIPTS / "features_script.py"), str(images.folder), str(out), str(features),
                   *self._network()]
        if not job.warm:
            features.unlink(missing_ok=True)
        elif not features.is_file():
            self._timed(command, f"{name}-before")
        return self._timed(command, name), read_json(out / "report.json")

    def _predict(self, system: str, images: ImageSet, name: str) -> tuple[Timing, dict[str, Any]]:
        kind, _, warm = system.partition("-")
        model = self._model_folder(kind, images)
        if not model.is_dir():
            self._make_model(kind, images)
        report = self.fresh("reports", name) / "report.json"
        program = (["-m", "benchmarks.graft_predict", str(model)] if kind == "graft"
                   else [str(SCRIPTS / "keras_predict.py"), str(model / "model.keras")])
        timing = self._timed([sys.executable, *program, str(images.folder / "predict"), str(report),
                              *(["--warm"] if warm else [])], name)
        found = read_json(report)
        if not warm:
            del found["seconds"]  # cold is the whole process
        labels = None if kind == "graft" else read_json(model / "report.json")["classes"]
        given = {file: labels[answer] if labels else answer for file, answer in found["answers"].items()}
        right = [given[file] == label for file, label in images.true.items()]
        return timing, {**found, "val_accuracy": sum(right) / len(right)}

    def _make_model(self, kind: str, images: ImageSet) -> None:
        job, name = Job("frozen", "", ()), f"model-{kind}-{images.images}"
        if kind == "graft":
            _, run = self._run_graft(images, recipe("all", None, 1e-3, MODEL_EPOCHS, 0, self.weights), name)
            self._keep(run.path, self._model_folder(kind, images))
        else:
            self._script(job, "script", images, 0, name, MODEL_EPOCHS)

    def _pass(self, system: str, images: ImageSet, name: str) -> tuple[Timing, dict[str, Any]]:
        report = self.fresh("reports", name) / "report.json"
        command = [sys.executable, "-m", "benchmarks.passes", system, str(images.dataset.path), str(report)]
        command += ["--weights", str(self.weights)] if self.weights else []
        return self._timed(command, name), read_json(report)

    def empty_cache(self) -> None:
        """Leave Graft nothing that it has computed before."""
        shutil.rmtree(self.workspace.cache, ignore_errors=True)
        self.workspace.cache.mkdir()

    def warm_up(self) -> None:
        """Load the libraries once, so that the first system measured is not the one that reads them from disk."""
        self._timed([sys.executable, "-c", "import tensorflow, keras, onnx, onnxruntime, sklearn.linear_model, pandas"],
                    "warm-up")

    def _network(self) -> list[str]:
        options = ["--alpha", str(ALPHA), "--size", str(SIZE), "--batch", str(BATCH)]
        return [*options, "--weights", str(self.weights)] if self.weights else options

    def _timed(self, command: list[str], name: str) -> Timing:
        log = self.work / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        return timed(command, log, PROJECT, worker_environment())

    def fresh(self, kind: str, name: str) -> Path:
        """An empty folder."""
        folder = self.work / kind / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _model_folder(self, kind: str, images: ImageSet) -> Path:
        return self.work / "models" / f"{kind}-{images.images}"

    @staticmethod
    def _keep(folder: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)


def recipe(freeze: str, hidden: int | None, learning_rate: float, epochs: int, seed: int,
           weights: Path | None) -> Recipe:
    """The Graft recipe of a training job: as the Keras script trains, with a constant learning rate; the rest is at
    its default."""
    return Recipe.parse({
        "data": {"image_size": SIZE},
        "model": {"backbone": BACKBONE, "alpha": ALPHA, "weights": "imagenet" if weights else "none",
                  "hidden": [{"units": hidden}] if hidden else [], "dropout": 0.2},
        "train": {"batch_size": BATCH, "seed": seed, "phases": [
            {"epochs": epochs, "freeze": freeze, "optimizer": "adam", "learning_rate": learning_rate,
             "schedule": "constant"}]},
    })


def freeze_layer(freeze: str) -> str:
    """The last frozen Keras layer for a freeze point of the recipe; all and none stay as they are."""
    if freeze in ("all", "none"):
        return freeze
    _, variant = get(BACKBONE, ALPHA)
    return variant.blocks[resolve_freeze(variant, freeze) - 1].layer
