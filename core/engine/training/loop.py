"""Training: the phases of a recipe, one after the other, on cached activations wherever layers are frozen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from core.engine.callbacks.averaged import Averaged
from core.engine.callbacks.callback import Callback, PhaseFit
from core.engine.callbacks.divergence import Divergence
from core.engine.callbacks.evaluate import Evaluate
from core.engine.callbacks.keep_best import KeepBest
from core.engine.callbacks.keep_state import KeepState
from core.engine.callbacks.order import in_order
from core.engine.callbacks.patience import Patience
from core.engine.callbacks.plateau import Plateau
from core.engine.callbacks.remaining import PhaseCost, Remaining
from core.engine.callbacks.report import Report
from core.engine.callbacks.stop import Stop
from core.engine.feed.examples import Examples
from core.engine.feed.feeds import Feed, Feeds, Reader
from core.engine.model.network import Network
from core.engine.reporter import Reporter
from core.engine.training.checkpoint import Checkpoint
from core.engine.training.exact import phase as solved
from core.engine.training.optimizers import build_optimizer
from core.engine.training.plan import PhasePlan, apply_freezing, variable_rates
from core.engine.training.state import Arrays, Best, TrainState, assign, values
from core.recipe.fields import Recipe
from core.recipe.optimizers import EXACT
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
        self._keeper = KeepState(checkpoint.folder.parent, about)
        self.callbacks: list[Callback] = in_order([
            Averaged(), Evaluate(), Plateau(), Patience(), Stop(), Report(Remaining(costs)),
            KeepBest(checkpoint, about), self._keeper,
            Divergence(task.chance_loss(feeds.classes), np.bincount(labels).max() / len(labels), len(labels)),
        ])
        self._reader: Reader | None = None
        self._feed: Feed | None = None
        self.stopped = self.paused = False
        """True when a request ended the training before its last step; paused: for a time."""
        self.rate_factor = 1.0
        """On the rate of a phase that is taken up in its middle: the recipe's may be another one than before."""

    @property
    def best(self) -> Best:
        """The best state so far."""
        return self.state.best

    def fit(self) -> None:
        """Run the phases that are left, then put the best state back. After StopRequested the best so far counts."""
        if self.state.done:  # it ended before its model was made
            return self.take_up(self.best)
        while self.state.phase < len(self.plans) and not self.stopped and not self.paused:
            self._run_phase(self.state.phase)
            if not self.stopped and not self.paused:
                self._next_phase()
        self.restore_best()

    def _next_phase(self) -> None:
        assert self._feed is not None
        self.state.next_phase(self._feed.model)
        if self.state.phase < len(self.plans):
            self._keeper.write(self.state, self.plans[self.state.phase].phase.learning_rate)

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
        if not (state.phase_epoch or state.step):
            self.restore_best()
        apply_freezing(self.network, plan, self.recipe.model.trains_batch_norm)
        feed = self._open_feed(plan, index)
        self._compile(feed, plan)
        if state.read:
            self._restore(feed)
        if self.reporter.stop_requested():
            self.stopped = True
            return
        exact = plan.phase.optimizer == EXACT
        fit = PhaseFit(state, index, solved.plain(plan.phase) if exact else plan.phase, index == len(self.plans) - 1,
                       feed.model, feed.batches, self.variables, self.evaluate, self.reporter)
        _run(fit, self.callbacks, self._solver(feed, plan) if exact else _fit)
        self.stopped, self.paused = fit.stopped, fit.paused
        if fit.failure is not None:
            self.restore_best()
            raise fit.failure

    def _solver(self, feed: Feed, plan: PhasePlan) -> Epochs:
        """What runs the epochs of a phase that solves its head. Raises StopRequested while the penalty is chosen."""
        settings, train, contents = self.recipe.train, self.feeds.train, self.feeds.pixels.contents_of
        boundary = plan.boundary
        assert boundary is not None

        def tell(done: int, total: int) -> None:
            self.reporter.raise_if_stopped()
            self.reporter.progress("Choosing how simple the head is to be", done, total)

        scaled, problem = solved.problem_of(
            solved.features_of(feed, boundary, self.network.whole, train.rows),
            self.task.targets(train.labels, self.feeds.classes), self.feeds.image_weights(), settings.label_smoothing)
        penalty = solved.chosen(plan.phase.penalty, problem, train.labels, contents(train.rows), len(feed.stores),
                                settings.seed, tell)
        if plan.phase.penalty is None:
            self.reporter.note(f"Penalty {penalty:g} for the head of the phase {plan.phase.name}: the best of "
                               f"{len(solved.PENALTIES)} in cross-validation on the training images.")
        return lambda fit, callbacks, epochs: solved.fit(fit, _Moments.of(fit, callbacks), scaled, problem, penalty)

    def _restore(self, feed: Feed) -> None:
        """Go to where the state stands in a phase."""
        state = self.state
        state.restore(feed.model, self.variables)
        feed.batches.begin_at(state.phase_epoch, state.step)
        optimizer = feed.model.optimizer
        if self.rate_factor != 1 and isinstance(optimizer._learning_rate, keras.Variable):  # else the recipe's schedule
            optimizer.learning_rate = float(optimizer.learning_rate) * self.rate_factor

    def _open_feed(self, plan: PhasePlan, index: int) -> Feed:
        before = self._feed
        feed = self.feeds.open(plan, index, self.state.epoch - self.state.phase_epoch)
        self.feeds.pixels.cancel()  # where nothing had to be decoded after all
        if before is not None:
            before.close()
        self._feed, self._reader = feed, feed.evaluation
        return feed

    def _compile(self, feed: Feed, plan: PhasePlan) -> None:
        settings = self.recipe.train
        feed.model.compile(
            optimizer=build_optimizer(plan.phase, feed.batches.steps * plan.phase.epochs, settings.accumulate,
                                      settings.average, variable_rates(self.network, plan)),
            loss=LOSSES[self.task.loss](label_smoothing=settings.label_smoothing),
            metrics=[keras.metrics.MeanMetricWrapper(_right, name="accuracy")],
            jit_compile=False,  # XLA takes longer to compile than it saves on CPUs
            steps_per_execution=feed.steps_per_call,
        )


def _right(true: Any, predicted: Any) -> Any:
    """Whether each answer is right, float [n]; of mixed labels the larger share counts."""
    if predicted.shape[-1] == 1:
        return keras.ops.cast((true[:, 0] > 0.5) == (predicted[:, 0] > 0.5), "float32")
    return keras.metrics.categorical_accuracy(true, predicted)


Epochs = Callable[[PhaseFit, Sequence[Callback], int], None]
"""Trains a phase up to a number of its epochs, and calls the callbacks."""


def _run(fit: PhaseFit, callbacks: Sequence[Callback], run: Epochs) -> None:
    """The epochs of a phase that are left."""
    for callback in callbacks:
        callback.on_phase_begin(fit)
    if fit.state.step:  # the rest of an epoch is shorter than the others, which one fit takes for equal
        run(fit, callbacks, fit.state.phase_epoch + 1)
        fit.batches.begin_at(fit.state.phase_epoch)
    if not (fit.stopped or fit.paused or fit.finished or fit.failure):
        run(fit, callbacks, fit.phase.epochs)
    for callback in callbacks:
        callback.on_phase_end(fit)


def _fit(fit: PhaseFit, callbacks: Sequence[Callback], epochs: int) -> None:
    # Batches come shuffled; Keras would shuffle their order once more, in another way for each size of call.
    fit.model.fit(fit.batches, initial_epoch=fit.state.phase_epoch, epochs=epochs, verbose=0, shuffle=False,
                  callbacks=[_Moments(fit, callbacks)])


class _Moments(keras.callbacks.Callback):
    """Calls the callbacks, in order, until one has found a failure; counts epochs, and ends the fit."""

    def __init__(self, fit: PhaseFit, callbacks: Sequence[Callback]) -> None:
        super().__init__()
        self.fit, self.callbacks = fit, callbacks
        self._began = 0.0
        self._weights: Arrays = {}
        self._before, self._logs_before = 0, {"loss": 0.0, "accuracy": 0.0}
        """Steps of the open epoch that an earlier process has done, and the means over them."""

    @classmethod
    def of(cls, fit: PhaseFit, callbacks: Sequence[Callback]) -> _Moments:
        """Where it is not Keras that calls them."""
        moments = cls(fit, callbacks)
        moments.set_model(fit.model)
        return moments

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.monotonic()
        self.fit.scores, self.fit.worthless, self.fit.notes = None, False, []
        self._before = self.fit.state.step
        self._logs_before = {"loss": self.fit.state.loss, "accuracy": self.fit.state.accuracy}
        self._each(lambda callback: callback.on_epoch_begin(self.fit))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        fit = self.fit
        fit.epoch_seconds = time.monotonic() - self._began
        step = min(self._before + (batch + 1) * fit.batches.group, fit.batches.steps)
        now = self._over_all(logs, step)
        self._each(lambda callback: callback.on_step_end(fit, step, now))
        self.model.stop_training = fit.stopped or fit.paused or fit.failure is not None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        fit = self.fit
        if fit.failure is not None or fit.paused:
            return
        fit.epoch_seconds = time.monotonic() - self._began
        now = self._over_all(logs, fit.batches.steps)
        self._each(lambda callback: callback.on_epoch_end(fit, now))
        if not fit.stopped and fit.failure is None:
            fit.state.epoch, fit.state.phase_epoch, fit.state.step = fit.state.epoch + 1, fit.state.phase_epoch + 1, 0
            self._each(lambda callback: callback.on_state(fit))
        self.model.stop_training = fit.stopped or fit.paused or fit.finished or fit.failure is not None
        if self.model.optimizer.use_ema:
            self._weights = values(self.model.trainable_variables)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Keras has put the running average into the weights' place; more epochs of the phase may follow."""
        if self._weights:
            assign(self.model.trainable_variables, self._weights)

    def _over_all(self, logs: Mapping[str, float] | None, step: int) -> Mapping[str, float]:
        """Means over all images up to a step of the open epoch; Keras has seen those since this process began."""
        now = logs or {}
        if not self._before:
            return now
        batches = self.fit.batches
        images = min(step * batches.batch_size, len(batches.rows))
        share = self._before * batches.batch_size / images
        return {**now, **{name: share * value + (1 - share) * float(now[name])
                          for name, value in self._logs_before.items()}}

    def _each(self, call: Callable[[Callback], None]) -> None:
        for callback in self.callbacks:
            call(callback)
            if self.fit.failure is not None:
                return
