"""One training run from the recipe to the finished folder."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones.catalogue import Variant
from core.engine.feed.activations import ActivationCache, Trunk
from core.engine.feed.examples import Examples
from core.engine.feed.pixels import Pixels
from core.engine.model.boundary import Boundary
from core.engine.model.network import build_network
from core.engine.reporter import Reporter, StopRequested
from core.engine.training.loop import Trainer
from core.engine.training.plan import PhasePlan, plan_phases
from core.engine.training.saving import CHECK_IMAGES, save_model, save_twin
from core.estimates import BACKWARD, START, TRAINING, record, trunk_and_tail
from core.recipe.fields import Recipe
from core.runs.run import Run
from core.scoring.metrics import evaluate_predictions
from core.store.files import digest, replacing, write_json
from core.store.workspace import Workspace


class TrainingSession:
    """Holds together what a run needs while it trains."""

    def __init__(self, run: Run, recipe: Recipe, variant: Variant, weights: Path | None, examples: Examples,
                 pixels: Pixels, workspace: Workspace, reporter: Reporter) -> None:
        self.run, self.recipe, self.examples = run, recipe, examples
        self.pixels, self.workspace, self.reporter = pixels, workspace, reporter
        self.network = build_network(recipe.model, pixels.size, len(run.classes), weights, recipe.train.seed)
        self.cache = ActivationCache(workspace, pixels, reporter)
        self.identity: dict[str, Any] = {
            "backbone": recipe.model.backbone, "alpha": variant.alpha, "pooling": recipe.model.pooling,
            "weights": digest(weights) if weights else f"random-{recipe.train.seed}",
        }
        self.plans = plan_phases(self.network, variant, recipe, self._fits)
        self.trainer = Trainer(self.network, recipe, self.plans, examples, pixels, self.cache, reporter,
                               self.trunk)

    def run_to_end(self, began: float) -> tuple[str, str]:
        """Train and save; gives the final state and its message."""
        if self.recipe.model.weights == "none":
            self.reporter.note("Random starting weights: the backbone was not pretrained.")
        best = self.trainer.best
        ended_early = False
        try:
            self.trainer.fit()
        except StopRequested:
            if not best.weights:
                raise
            ended_early = True
        except Exception:
            self._save_what_there_is(began)
            raise
        if not best.weights:
            raise StopRequested
        self.save(began)
        state = "stopped" if ended_early or self.trainer.stopped else "completed"
        self._record_training_speed()
        if state == "completed":  # else an epoch that counts nowhere is part of the time
            self._record_start(time.monotonic() - began)
        return state, f"Best epoch {best.epoch}: {best.accuracy:.1%} of the validation images are right."

    def _save_what_there_is(self, began: float) -> None:
        """Keep the best model of a run that fails; the failure that is being handled stays the one that is told."""
        if self.trainer.best.weights:
            try:
                self.save(began)
            except Exception:  # such as a full disk, which may be why the run fails
                traceback.print_exc()

    def save(self, began: float) -> None:
        """Write model, labels, predictions and metrics for the best state."""
        self.reporter.update(force=True, phase="save", message="Saving the model", eta_s=None)
        self.trainer.restore_best()
        table = self._predictions()
        rows = table.pop("row").to_numpy()
        save_model(self.network.whole, self.run.path, self.run.classes)
        with replacing(self.run.path / "predictions.parquet") as path:
            table.to_parquet(path, index=False)
        best = self.trainer.best
        write_json(self.run.path / "metrics.json", {
            **evaluate_predictions(table, self.run.classes),
            "best_epoch": best.epoch, "val_accuracy": best.accuracy, "val_loss": best.loss,
            "parameters": self.network.whole.count_params(),
            "trainable_parameters": int(sum(np.prod(variable.shape) for variable in
                                            self.network.whole.trainable_variables)),
            "random_weights": self.recipe.model.weights == "none",
            "seconds": round(time.monotonic() - began, 2),
        })
        save_twin(self.network.whole, self.run.path, self.pixels.read(rows[:CHECK_IMAGES]),
                  table.filter(regex=r"^p\d+$").to_numpy()[:CHECK_IMAGES], self.reporter.note)

    def _record_start(self, took: float) -> None:
        """Remember what start and end of a run cost here: all that it `took`, seconds, less passes and epochs."""
        epochs = float(self.run.history()["seconds"].sum())
        record(self.workspace, START, took - epochs - self.cache.seconds - self.pixels.seconds)

    def _record_training_speed(self) -> None:
        """Remember what training through the backbone's tail cost here, where there was one."""
        history = self.run.history()
        _, tail = trunk_and_tail(self.recipe, len(self.plans) - 1)
        if tail and len(history) and not self.recipe.augment.active:
            per_second = float(history["images_per_second"].iloc[-1])
            record(self.workspace, TRAINING, (1 + BACKWARD) * tail * per_second)

    def _predictions(self) -> Any:
        import pandas as pd

        classes = np.array(self.run.classes, object)
        parts = []
        for split in ("validation", "test"):
            examples = self.examples.of(split)
            if not len(examples):
                continue
            found = self.trainer.probabilities(examples)
            parts.append(pd.DataFrame({
                "row": examples.rows, "path": examples.table["path"], "file": examples.table["file"], "split": split,
                "true": examples.table["class"], "predicted": classes[found.argmax(1)], "probability": found.max(1),
                **{f"p{index}": found[:, index] for index in range(len(classes))},
            }))
        return pd.concat(parts, ignore_index=True)

    def _fits(self, boundary: Boundary) -> bool:
        views = self.recipe.augment.views if self.recipe.augment.active else 1
        return self.cache.fits(boundary, len(self.examples), views if isinstance(views, int) else 1)

    def trunk(self, plan: PhasePlan) -> Trunk:
        """The frozen layers before a phase's boundary."""
        assert plan.boundary is not None
        trunk, _ = trunk_and_tail(self.recipe, self.plans.index(plan))
        return Trunk(self.network, plan.boundary, self.identity, trunk)
