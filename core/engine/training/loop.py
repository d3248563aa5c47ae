"""Training: the phases of a recipe, one after the other, on cached activations wherever layers are frozen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np

from core.engine.feed import resident
from core.engine.feed.activations import ActivationCache, Trunk
from core.engine.feed.augment import Augmenter
from core.engine.feed.batches import Batches, Change, Read, balanced_weights
from core.engine.feed.examples import Examples
from core.engine.feed.pixels import Pixels
from core.engine.feed.row_store import MEMORY_BUDGET, RowStore
from core.engine.model.network import Network
from core.engine.reporter import Reporter
from core.engine.training.optimizers import build_optimizer
from core.engine.training.plan import PhasePlan, apply_freezing
from core.errors import TrainingDivergedError
from core.recipe.fields import Recipe
from core.scoring.metrics import log_loss

PREDICT_BATCH = 64
PREDICT_VECTORS = 1024
"""Rows at a time where a row is one vector of features, and a call costs more than its arithmetic."""


@dataclass
class Best:
    """The best state so far, by the recipe's monitor."""

    monitor: str
    key: tuple[float, float] | None = None
    epoch: int = 0
    loss: float = float("nan")
    accuracy: float = float("nan")
    weights: list[np.ndarray] = field(default_factory=list)

    def offer(self, epoch: int, loss: float, accuracy: float, variables: list[Any]) -> bool:
        """Keep this state if it is better; ties in accuracy go to the lower loss."""
        key = (-accuracy, loss) if self.monitor == "val_accuracy" else (loss, -accuracy)
        if self.key is not None and key >= self.key:
            return False
        self.key, self.epoch, self.loss, self.accuracy = key, epoch, loss, accuracy
        self.weights = [np.array(variable) for variable in variables]
        return True

    def restore(self, variables: list[Any]) -> None:
        """Put the kept state back into the same variables."""
        for variable, value in zip(variables, self.weights, strict=True):
            variable.assign(value)


class Trainer:
    """Trains a network as a recipe says.

    Args:
        plans: One a phase, from `plan_phases`.
        trunk_of: Makes the trunk for a phase's boundary.
    """

    def __init__(self, network: Network, recipe: Recipe, plans: list[PhasePlan], examples: Examples, pixels: Pixels,
                 cache: ActivationCache, reporter: Reporter, trunk_of: Callable[[PhasePlan], Trunk]) -> None:
        self.network, self.recipe, self.plans = network, recipe, plans
        self.examples, self.train, self.validation = examples, examples.of("train"), examples.of("validation")
        self.pixels, self.cache, self.reporter, self._trunk_of = pixels, cache, reporter, trunk_of
        self.classes = network.whole.output_shape[-1]
        self.best = Best(recipe.train.monitor)
        self.variables = self._ever_trained()
        self._tail: tuple[keras.Model, Read] | None = None
        self._stores: list[RowStore] = []
        self._phase = self._done = 0
        self.stopped = False
        """True when a request ended the training before its last step."""

    def fit(self) -> None:
        """Run all phases, then put the best state back. After StopRequested in an epoch the best so far counts."""
        done = 0
        for index, plan in enumerate(self.plans):
            self._phase, self._done = index, done
            if self.best.weights:
                self.best.restore(self.variables)
            apply_freezing(self.network, plan, self.recipe.model.trains_batch_norm)
            before, self._stores = self._stores, []
            model, batches, self._tail = self._prepare(plan)
            self.pixels.cancel()  # where nothing had to be decoded after all
            for store in before:
                store.close()
            watcher = _Watcher(self, plan, batches, done)
            self._compile(model, plan, batches)
            if self.reporter.stop_requested():
                self.stopped = True
                break
            # Batches come shuffled; Keras would shuffle their order once more, in another way for each size of call.
            model.fit(batches, epochs=plan.phase.epochs, verbose=0, callbacks=[watcher], shuffle=False)
            if watcher.failure is not None:
                self.restore_best()
                raise watcher.failure
            done = watcher.last_epoch  # patience may have ended the phase early
            if watcher.stopped:
                self.stopped = True
                break
        self.restore_best()

    def restore_best(self) -> None:
        """Put the best state back, if there is one."""
        if self.best.weights:
            self.best.restore(self.variables)

    def probabilities(self, examples: Examples) -> np.ndarray:
        """float32 [n, classes] with the weights as they are now."""
        assert self._tail is not None
        model, read = self._tail
        return predict_rows(model, read, examples.rows)

    def evaluate(self) -> tuple[float, float]:
        """Loss (cross-entropy) and accuracy on the validation images."""
        found = self.probabilities(self.validation)
        if not np.isfinite(found).all():
            return float("nan"), float("nan")
        labels = self.validation.labels
        return float(log_loss(found, labels)), float((found.argmax(1) == labels).mean())

    def _ever_trained(self) -> list[Any]:
        """All weights outside what every phase leaves as it is."""
        always = frozenset.intersection(*(plan.frozen for plan in self.plans))
        return [variable for layer in self.network.whole.layers if layer.name not in always
                for variable in layer.weights if "seed_generator" not in variable.path]

    def _prepare(self, plan: PhasePlan) -> tuple[keras.Model, Batches, tuple[keras.Model, Read]]:
        """The model to fit, its batches, and (model, reader) for evaluation."""
        whole, augment = self.network.whole, self.recipe.augment
        changing = augment.active
        cached = self._cached_views(plan) if plan.boundary is not None and plan.cached else None
        if cached is not None:
            assert plan.boundary is not None
            tail = keras.Model(plan.boundary.tensor, whole.output)
            evaluation = (_compiled(keras.Model(plan.boundary.tensor, whole.output)), cached[0].read)
            if not changing or augment.views != "fresh":
                if resident.fits(cached):
                    model, reads = resident.resident(cached, tail, self.recipe.train.batch_size)
                    return model, self._batches(reads, group=self._group()), evaluation
                return tail, self._batches([store.read for store in cached]), evaluation
        if plan.boundary is not None and cached is None:
            self.reporter.note("There is no room to keep what the frozen layers give: they run in every epoch.")
        self.pixels.keep(self.examples.rows, partial(self.reporter.progress, "Decoding the images once"))
        model = _from_pixels(whole, plan)
        batches = self._batches([self.pixels.read], ahead=True, change=self._change() if changing else None)
        if cached is not None:
            return model, batches, evaluation
        return model, batches, (_compiled(keras.Model(whole.input, whole.output)), self.pixels.read)

    def _cached_views(self, plan: PhasePlan) -> list[RowStore] | None:
        """The stores of all views, the images themselves first; None when there is no room after all."""
        trunk, augment = self._trunk_of(plan), self.recipe.augment
        fresh = augment.active and augment.views == "fresh"
        held_back = [self.validation.rows, self.examples.of("test").rows]
        first = self.cache.open(trunk, np.concatenate(held_back) if fresh else self.examples.rows)
        if first is None:
            return None
        stores = [first]
        if augment.active and augment.views != "fresh":
            if min(augment.views, plan.phase.epochs) > 2:
                self.pixels.keep(self.examples.rows, partial(self.reporter.progress, "Decoding the images once"))
            for view in range(1, min(augment.views, plan.phase.epochs)):
                store = self.cache.open(trunk, self.train.rows, view, augment, self.recipe.train.seed)
                if store is None:
                    self.reporter.note(f"Only {view} of {augment.views} views fit into the cache.")
                    break
                stores.append(store)
        for store in stores:
            store.keep_in_memory(MEMORY_BUDGET // len(stores))
        self._stores = stores
        return stores

    def _change(self) -> Change:
        """Another view of every image in every epoch; view 0 is the image itself."""
        first, augmenter = 1 + self._done, Augmenter(self.recipe.augment, self.pixels.size, self.recipe.train.seed)
        return lambda images, rows, epoch: augmenter(images, self.pixels.contents_of(rows), first + epoch)

    def _group(self) -> int:
        """Batches a call; fewer where an epoch has so few that the curve would hardly move inside it."""
        steps = -(-len(self.train) // self.recipe.train.batch_size)
        return max(1, min(resident.GROUP, steps // 4))

    def _batches(self, views: list[Read], ahead: bool = False, group: int = 1,
                 change: Change | None = None) -> Batches:
        settings = self.recipe.train
        weights = balanced_weights(self.train.labels, self.classes) if settings.class_weights == "balanced" else None
        return Batches(views, self.train.rows, self.train.one_hot(self.classes), weights, settings.batch_size,
                       settings.seed + 7919 * self._phase, ahead, group, change)

    def _compile(self, model: keras.Model, plan: PhasePlan, batches: Batches) -> None:
        vectors = len(model.input_shape) == 2
        model.compile(
            optimizer=build_optimizer(plan.phase, batches.steps * plan.phase.epochs),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=self.recipe.train.label_smoothing),
            metrics=["accuracy"],
            jit_compile=False,  # XLA takes longer to compile than it saves on CPUs
            # Where features are too large to be resident, several short steps still share a call.
            steps_per_execution=self._group() if vectors and batches.group == 1 else 1,
        )


class _Watcher(keras.callbacks.Callback):
    """Reports steps and epochs, evaluates, keeps the best state, and ends the fit when asked."""

    def __init__(self, trainer: Trainer, plan: PhasePlan, batches: Batches, epochs_before: int) -> None:
        super().__init__()
        self.trainer, self.plan, self.batches, self.before = trainer, plan, batches, epochs_before
        self.stopped = False
        self.failure: TrainingDivergedError | None = None
        self.last_epoch = epochs_before
        self._since_better = 0
        self._epoch_seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch, self._began = self.before + epoch + 1, time.monotonic()
        self.last_epoch = self._epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        steps = self.batches.steps
        step = min((batch + 1) * self.batches.group, steps)
        elapsed = time.monotonic() - self._began
        rate = min(step * self.batches.batch_size, len(self.batches.rows)) / max(elapsed, 1e-6)
        per_epoch = float(np.median(self._epoch_seconds)) if self._epoch_seconds else elapsed * steps / step
        left = per_epoch * (self.trainer.recipe.train.epochs - self._epoch) + max(per_epoch - elapsed, 0)
        self.trainer.reporter.batch(self.plan.phase.name, self._epoch, step, steps, float(logs["loss"]),
                                    float(logs["accuracy"]), rate, left)
        if not np.isfinite(logs["loss"]):
            self._diverged()
        elif self.trainer.reporter.stop_requested():
            self.stopped = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.failure is not None:
            return
        logs = logs or {}
        seconds = time.monotonic() - self._began
        trainer = self.trainer
        loss, accuracy = trainer.evaluate()
        if not np.isfinite(loss):
            return self._diverged()
        better = trainer.best.offer(self._epoch, loss, accuracy, trainer.variables)
        self._since_better = 0 if better else self._since_better + 1
        self._epoch_seconds.append(time.monotonic() - self._began)
        if self.stopped:
            return trainer.reporter.note(f"Stopped in epoch {self._epoch}.")
        trainer.reporter.epoch({
            "epoch": self._epoch, "phase": self.plan.phase.name, "loss": round(float(logs["loss"]), 6),
            "accuracy": round(float(logs["accuracy"]), 6), "val_loss": round(loss, 6),
            "val_accuracy": round(accuracy, 6),
            "learning_rate": float(f"{float(self.model.optimizer.learning_rate):.6g}"),
            "seconds": round(self._epoch_seconds[-1], 3),
            "images_per_second": round(len(self.batches.rows) / max(seconds, 1e-6), 1),
        })
        if self.plan.phase.patience and self._since_better >= self.plan.phase.patience:
            trainer.reporter.note(f"No improvement for {self._since_better} epochs: the phase ends early.")
            self.model.stop_training = True

    def _diverged(self) -> None:
        self.failure = TrainingDivergedError(
            f"The loss became {'not a number'} in epoch {self._epoch}.",
            f"Lower the learning rate (it is {self.plan.phase.learning_rate:g}; try a tenth).")
        self.model.stop_training = True


class _FrozenTrunk(keras.layers.Layer):
    """A trunk inside a model that is being trained: always in inference mode."""

    def __init__(self, trunk: keras.Model) -> None:
        super().__init__(name="frozen_trunk")
        self.trunk = trunk

    def call(self, images: Any) -> Any:
        """Raw images to activations."""
        return self.trunk(images, training=False)


def predict_rows(model: keras.Model, read: Read, rows: np.ndarray) -> np.ndarray:
    """Outputs for rows, float32 [n, ...], in batches of one size so that one compiled graph serves all."""
    found = []
    at_once = PREDICT_VECTORS if len(model.input_shape) == 2 else PREDICT_BATCH
    size = min(at_once, len(rows))
    for start in range(0, len(rows), at_once):
        part = rows[start:start + at_once]
        filled = np.concatenate([part, np.repeat(part[:1], size - len(part))]) if len(part) < size else part
        x = read(filled)
        x = x if x.dtype == np.uint8 else x.astype(np.float32)
        found.append(np.asarray(model.predict_on_batch(x), np.float32)[:len(part)])
    return np.concatenate(found) if found else np.zeros((0, model.output_shape[-1]), np.float32)


def _from_pixels(whole: keras.Model, plan: PhasePlan) -> keras.Model:
    """A model to fit on raw images: frozen trunk, tail."""
    image = keras.Input(whole.input_shape[1:])
    if plan.boundary is None:
        return keras.Model(image, keras.Model(whole.input, whole.output)(image))
    activations = _FrozenTrunk(keras.Model(whole.input, plan.boundary.tensor))(image)
    return keras.Model(image, keras.Model(plan.boundary.tensor, whole.output)(activations))


def _compiled(model: keras.Model) -> keras.Model:
    model.compile(jit_compile=False)
    return model
