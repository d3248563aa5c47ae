"""Training: the phases of a recipe, one after the other, on cached activations wherever layers are frozen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.callbacks.divergence import Divergence
from core.engine.callbacks.evaluate import Evaluate
from core.engine.callbacks.keep_best import KeepBest
from core.engine.callbacks.order import in_order
from core.engine.callbacks.patience import Patience
from core.engine.callbacks.remaining import PhaseCost, Remaining
from core.engine.callbacks.report import Report
from core.engine.callbacks.stop import Stop
from core.engine.feed.examples import Examples
from core.engine.feed.feeds import Feed, Feeds, Reader
from core.engine.model.network import Network
from core.engine.reporter import Reporter
from core.engine.training.checkpoint import Checkpoint
from core.engine.training.optimizers import build_optimizer
from core.engine.training.plan import PhasePlan, apply_freezing
from core.engine.training.state import Best, TrainState
from core.recipe.fields import Recipe
from core.scoring.task import Scores, Task

LOSSES: Mapping[str, Callable[..., keras.losses.Loss]] = {
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
}
"""Keras's losses by the names that a `Task` uses."""


class Trainer:
    """Trains a network as a recipe says, from where `state` stands.

    Args:
        plans: One a phase, from `plan_phases`.
        costs: One a phase: what it is expected to take.
        about: What is noted with the best state on disk.
    """

    def __init__(self, network: Network, recipe: Recipe, task: Task, plans: Sequence[PhasePlan], feeds: Feeds,
                 reporter: Reporter, checkpoint: Checkpoint, costs: Sequence[PhaseCost],
                 about: Callable[[], Mapping[str, Any]]) -> None:
        self.network, self.recipe, self.task, self.plans, self.feeds = network, recipe, task, plans, feeds
        self.reporter = reporter
        self.state = TrainState(Best(recipe.train.monitor))
        self.variables = self._ever_trained()
        labels = feeds.validation.labels
        self.callbacks: list[Callback] = in_order([
            Evaluate(), Patience(), Stop(), Report(Remaining(costs)), KeepBest(checkpoint, about),
            Divergence(task.chance_loss(feeds.classes), np.bincount(labels).max() / len(labels), len(labels)),
        ])
        self._reader: Reader | None = None
        self._feed: Feed | None = None
        self.stopped = False
        """True when a request ended the training before its last step."""

    @property
    def best(self) -> Best:
        """The best state so far."""
        return self.state.best

    def fit(self) -> None:
        """Run the phases that are left, then put the best state back. After StopRequested the best so far counts."""
        while self.state.phase < len(self.plans) and not self.stopped:
            self._run_phase(self.state.phase)
            if not self.stopped:
                self.state.phase, self.state.phase_epoch, self.state.since_better = self.state.phase + 1, 0, 0
        self.restore_best()

    def restore_best(self) -> None:
        """Put the best state back, if there is one."""
        if self.best.epoch:
            self.best.restore(self.variables)

    def take_up(self, best: Best) -> None:
        """Go to the end of a training whose best state is known, without training. Raises ValueError when the state is
        that of another network."""
        self.state = TrainState(best, phase=best.phase)
        self.restore_best()
        plan = self.plans[best.phase]
        apply_freezing(self.network, plan, self.recipe.model.trains_batch_norm)
        self._reader, _ = self.feeds.reader(plan, best.phase)

    def snapshot(self) -> bytes:
        """The state as it is now, between two epochs; `TrainState.from_bytes` reads it."""
        assert self._feed is not None
        self.state.capture(self._feed.model, self.variables)
        return self.state.to_bytes()

    def outputs(self, examples: Examples) -> np.ndarray:
        """float32 [n, units] with the weights as they are now."""
        assert self._reader is not None
        return self._reader.outputs(examples.rows)

    def evaluate(self) -> Scores:
        """Scores on the validation images."""
        validation = self.feeds.validation
        return self.task.scores(self.outputs(validation), validation.labels)

    def _ever_trained(self) -> list[Any]:
        """All weights outside what every phase leaves as it is."""
        always = frozenset.intersection(*(plan.frozen for plan in self.plans))
        return [variable for layer in self.network.whole.layers if layer.name not in always
                for variable in layer.weights if "seed_generator" not in variable.path]

    def _run_phase(self, index: int) -> None:
        plan, state = self.plans[index], self.state
        if not state.phase_epoch:
            self.restore_best()
        apply_freezing(self.network, plan, self.recipe.model.trains_batch_norm)
        feed = self._open_feed(plan, index)
        self._compile(feed, plan)
        if state.phase_epoch:
            state.restore(feed.model, self.variables)
            feed.batches.begin_at(state.phase_epoch)
        if self.reporter.stop_requested():
            self.stopped = True
            return
        fit = PhaseFit(state, index, plan.phase, index == len(self.plans) - 1, feed.model, feed.batches,
                       self.variables, self.evaluate, self.reporter)
        _run(fit, self.callbacks)
        self.stopped = fit.stopped
        if fit.failure is not None:
            self.restore_best()
            raise fit.failure

    def _open_feed(self, plan: PhasePlan, index: int) -> Feed:
        before = self._feed
        feed = self.feeds.open(plan, index, self.state.epoch - self.state.phase_epoch)
        self.feeds.pixels.cancel()  # where nothing had to be decoded after all
        if before is not None:
            before.close()
        self._feed, self._reader = feed, feed.evaluation
        return feed

    def _compile(self, feed: Feed, plan: PhasePlan) -> None:
        feed.model.compile(
            optimizer=build_optimizer(plan.phase, feed.batches.steps * plan.phase.epochs),
            loss=LOSSES[self.task.loss](label_smoothing=self.recipe.train.label_smoothing),
            metrics=["accuracy"],
            jit_compile=False,  # XLA takes longer to compile than it saves on CPUs
            steps_per_execution=feed.steps_per_call,
        )


def _run(fit: PhaseFit, callbacks: Sequence[Callback]) -> None:
    """The epochs of a phase that are left."""
    for callback in callbacks:
        callback.on_phase_begin(fit)
    # Batches come shuffled; Keras would shuffle their order once more, in another way for each size of call.
    fit.model.fit(fit.batches, initial_epoch=fit.state.phase_epoch, epochs=fit.phase.epochs, verbose=0, shuffle=False,
                  callbacks=[_Moments(fit, callbacks)])
    for callback in callbacks:
        callback.on_phase_end(fit)


class _Moments(keras.callbacks.Callback):
    """Calls the callbacks, in order, until one has found a failure; counts epochs, and ends the fit."""

    def __init__(self, fit: PhaseFit, callbacks: Sequence[Callback]) -> None:
        super().__init__()
        self.fit, self.callbacks = fit, callbacks
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.monotonic()
        self.fit.scores, self.fit.worthless, self.fit.notes = None, False, []
        self._each(lambda callback: callback.on_epoch_begin(self.fit))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        fit, now = self.fit, logs or {}
        fit.epoch_seconds = time.monotonic() - self._began
        step = min((batch + 1) * fit.batches.group, fit.batches.steps)
        self._each(lambda callback: callback.on_step_end(fit, step, now))
        self.model.stop_training = fit.stopped or fit.failure is not None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        fit, now = self.fit, logs or {}
        if fit.failure is not None:
            return
        fit.epoch_seconds = time.monotonic() - self._began
        self._each(lambda callback: callback.on_epoch_end(fit, now))
        if not fit.stopped and fit.failure is None:
            fit.state.epoch, fit.state.phase_epoch = fit.state.epoch + 1, fit.state.phase_epoch + 1
            self._each(lambda callback: callback.on_state(fit))
        self.model.stop_training = fit.stopped or fit.finished or fit.failure is not None

    def _each(self, call: Callable[[Callback], None]) -> None:
        for callback in self.callbacks:
            call(callback)
            if self.fit.failure is not None:
                return
