"""One training run from the recipe to the finished folder."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import escape
from core.backbones.catalogue import Variant
from core.engine.callbacks.remaining import PhaseCost
from core.engine.feed.activations import ActivationCache, Trunk
from core.engine.feed.examples import Examples
from core.engine.feed.feeds import Feeds
from core.engine.feed.identity import identity
from core.engine.feed.pixels import Pixels
from core.engine.model.boundary import Boundary
from core.engine.model.network import build_network
from core.engine.reporter import Reporter, StopRequested
from core.engine.training.checkpoint import Checkpoint, read_best
from core.engine.training.loop import Trainer
from core.engine.training.plan import plan_phases
from core.engine.training.saving import CHECK_IMAGES, room_for, save_model, save_scores, save_twin
from core.engine.training.state import TrainState
from core.errors import RunError
from core.estimates import BACKWARD, START, TRAINING, record
from core.jobs.status import PAUSED, SAVE, SCORE
from core.plan import estimate, trunk_and_tail
from core.recipe.fields import Recipe
from core.runs import states
from core.runs.results import publishing
from core.runs.run import Run
from core.scoring.metrics import evaluate_predictions
from core.scoring.task import TASKS
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


class TrainingSession:
    """Holds together what a run needs while it trains.

    Args:
        began: When the work on it began, by `time.monotonic`.
    """

    def __init__(self, run: Run, recipe: Recipe, variant: Variant, weights: Path | None, examples: Examples,
                 pixels: Pixels, workspace: Workspace, reporter: Reporter, began: float | None = None) -> None:
        self.run, self.recipe, self.examples = run, recipe, examples
        self.pixels, self.workspace, self.reporter = pixels, workspace, reporter
        self.began = time.monotonic() if began is None else began
        self.task = TASKS[recipe.model.output]
        self.network = build_network(recipe.model, pixels.size, len(run.classes), weights, recipe.train.seed)
        self.cache = ActivationCache(workspace, pixels, reporter)
        self.identity = identity(recipe, variant, weights)
        self.plans = plan_phases(self.network, variant, recipe, self._fits)
        self.feeds = Feeds(self.network, recipe, self.task, len(run.classes), examples, pixels, self.cache, reporter,
                           self.trunk)
        self.checkpoint = Checkpoint(run.path)
        self.trainer = Trainer(self.network, recipe, self.task, self.plans, self.feeds, reporter, self.checkpoint,
                               self._costs(), self._about)

    def run_to_end(self) -> tuple[str, str]:
        """Train and save; gives the final state and its message."""
        if self.recipe.model.weights == "none":
            self.reporter.note("Random starting weights: the backbone was not pretrained.")
        if self.network.match is not None:
            self.reporter.note(self.network.match.sentence)
        self.checkpoint.reserve(room_for(self.network.whole, len(self.examples), len(self.run.classes)))
        taken_up = self._take_up()
        ended_early = False
        try:
            self.trainer.fit()
        except StopRequested:
            ended_early = True
        except Exception:
            self._save_what_there_is()
            raise
        if self.trainer.paused:
            self.checkpoint.release()
            return PAUSED, f"Paused in epoch {self.trainer.state.epoch + 1}."
        if not self.trainer.best.epoch:
            self.checkpoint.discard()
            raise StopRequested
        self.save()
        state = "stopped" if ended_early or self.trainer.stopped else "completed"
        self._record_training_speed()
        if state == "completed" and not taken_up:  # else an epoch that counts nowhere is part of the time
            self._record_start(time.monotonic() - self.began)
        return state, self._verdict()

    def _take_up(self) -> bool:
        """Go to the last state that an earlier process left in the folder; False: there is none, it begins anew.

        Raises:
            RunError: the state is of another network, or the pretrained weights are others now.
        """
        found = states.latest(self.run.path)
        if found is None:
            if not self.run.history().empty:
                self.reporter.go_on(0, 0.0)
            return False
        if found.about["identity"] != self.identity:
            raise RunError("The training cannot go on: the pretrained weights have changed since.", "Start a new run.")
        state = TrainState.from_bytes(found.numbers.read_bytes())
        if found.about.get("continued"):  # under a recipe that goes on where this one had ended
            state.done, state.since_better = False, 0
        self.trainer.state = state
        rate = self.plans[min(state.phase, len(self.plans) - 1)].phase.learning_rate
        self.trainer.rate_factor = rate / found.about["learning_rate"]
        self.began = time.monotonic() - found.about["seconds"]
        self.reporter.go_on(state.epoch, found.about["seconds"])
        self.reporter.note(f"Goes on after epoch {state.epoch}.")
        return True

    def recover(self) -> str:
        """Make the model of a run whose process is gone, from the best state that it left; gives a message.

        Raises:
            RunError: it left none, or the pretrained weights are others now.
        """
        try:
            best, about = read_best(self.checkpoint.path)
            if about["identity"] != self.identity:
                raise ValueError("the pretrained weights have changed since")
            self.trainer.take_up(best)
        except ValueError as error:
            raise RunError(f"The model of the run {self.run.id} cannot be made: {error}.", "Train it again.") from error
        self.began = time.monotonic() - about["seconds"]
        self.save()
        return self._verdict()

    def save(self) -> None:
        """Write model, labels, predictions and metrics for the best state; they become visible in one step."""
        self.reporter.update(force=True, stage=SCORE, message="Scoring the model", eta_s=None)
        self.trainer.restore_best()
        table = self._predictions()
        rows = table.pop("row").to_numpy()
        images = self.pixels.read(rows[:CHECK_IMAGES])
        units = self.network.whole.output_shape[-1]  # one sigmoid unit gives the last class's probability
        expected = table.filter(regex=r"^p\d+$").to_numpy()[:CHECK_IMAGES, -units:]
        self.reporter.update(force=True, stage=SAVE, message="Saving the model")
        self.checkpoint.release()
        with publishing(self.run.path) as folder:
            save_model(self.network.whole, folder, self.run.classes)
            save_scores(folder, table, self._metrics(table))
            save_twin(self.network.whole, folder, images, expected, self._mention)
        self.checkpoint.discard()

    def _metrics(self, table: pd.DataFrame) -> dict[str, Any]:
        best, whole = self.trainer.best, self.network.whole
        return {
            **evaluate_predictions(table, self.run.classes),
            "best_epoch": best.epoch, "val_accuracy": best.accuracy, "val_loss": best.loss,
            "parameters": whole.count_params(),
            "trainable_parameters": int(sum(np.prod(variable.shape) for variable in whole.trainable_variables)),
            "random_weights": self.recipe.model.weights == "none",
            "seconds": round(time.monotonic() - self.began, 2),
        }

    def _save_what_there_is(self) -> None:
        """Keep the best model of a run that fails; the failure that is being handled stays the one that is told."""
        self.checkpoint.release()
        if not self.trainer.best.epoch:
            return self.checkpoint.discard()
        try:
            self.save()
        except Exception as error:  # such as a full disk, which may be why the run fails
            escape.print_trace(error)
            with contextlib.suppress(OSError):  # the model can be made later
                self.checkpoint.flush()

    def _mention(self, text: str) -> None:
        """A note that may be lost: on a full disk the model is worth more."""
        with contextlib.suppress(OSError):
            self.reporter.note(text)

    def _verdict(self) -> str:
        best = self.trainer.best
        return f"Best epoch {best.epoch}: {best.accuracy:.1%} of the validation images are right."

    def _about(self) -> dict[str, Any]:
        """What `recover` needs to know beside the best state."""
        return {"identity": self.identity, "seconds": round(time.monotonic() - self.began, 2)}

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

    def _predictions(self) -> pd.DataFrame:
        import pandas as pd

        classes = np.array(self.run.classes, object)
        parts = []
        for split in ("validation", "test"):
            examples = self.examples.of(split)
            if not len(examples):
                continue
            found = self.task.probabilities(self.trainer.outputs(examples))
            parts.append(pd.DataFrame({
                "row": examples.rows, "path": examples.table["path"], "file": examples.table["file"], "split": split,
                "true": examples.table["class"], "predicted": classes[found.argmax(1)],
                "probability": found.max(1), **{f"p{index}": found[:, index] for index in range(len(classes))},
            }))
        return pd.concat(parts, ignore_index=True)

    def _costs(self) -> list[PhaseCost]:
        """What each phase is expected to take; a trunk that an earlier phase has run is not run again."""
        expected = estimate(self.recipe, len(self.examples), len(self.examples.of("train")), self.workspace,
                            len(self.run.classes))
        return [PhaseCost(phase.epochs, phase.epoch_s, phase.prepare_s) for phase in expected.phases]

    def _fits(self, boundary: Boundary) -> bool:
        views = self.recipe.augment.views if self.recipe.augment.active else 1
        return self.cache.fits(boundary, len(self.examples), views if isinstance(views, int) else 1)

    def trunk(self, phase: int) -> Trunk:
        """The frozen layers before the boundary of a phase, by its index."""
        boundary = self.plans[phase].boundary
        assert boundary is not None
        trunk, _ = trunk_and_tail(self.recipe, phase)
        return Trunk(self.network, boundary, self.identity, trunk)
