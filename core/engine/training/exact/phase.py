"""A phase that solves its head: iterations of L-BFGS stand in the place of steps, and five of them are an epoch.

The curve shows the way, in as many points as the phase has epochs at most; the model is its end alone. An epoch in
between is better on the validation images by chance at most, and to choose it there would flatter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import numpy as np

from core.engine.callbacks.callback import PhaseFit
from core.engine.feed.feeds import Feed, Reader
from core.engine.model.boundary import Boundary
from core.engine.training.exact import solver
from core.engine.training.exact.problem import Problem, Scaled
from core.errors import RecipeError
from core.recipe.fields import Phase
from core.recipe.optimizers import ITERATIONS

PENALTIES = solver.PENALTIES
LARGEST = 4 * 2**30
"""Bytes of features that a head is solved on; twice as much is needed meanwhile."""
MOST_ITERATIONS = 500
_PASS_ON = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.Flatten)
"""Layers that change no number when nothing is trained by steps."""


class Moments(Protocol):
    """What is called at the moments of a training, as a callback of Keras is."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None: ...


class _Ended(Exception):
    """Raised out of the solver when the training is to end here."""


def plain(phase: Phase) -> Phase:
    """The phase without what belongs to steps."""
    return phase.model_copy(update={"patience": None, "schedule": "constant", "warmup": 0.0})


def features_of(feed: Feed, boundary: Boundary, whole: keras.Model, rows: np.ndarray) -> list[np.ndarray]:
    """What the classifier gets for these rows, float32 [n, width]: an array a view.

    Args:
        boundary: Where what the feed reads was cut off.
        whole: The whole network, which ends with the classifier.

    Raises:
        RecipeError: they are too many to lie in memory.
    """
    *before, last = feed.model.layers
    classifier = whole.layers[-1]
    needed = 4 * len(rows) * len(feed.stores) * int(classifier.kernel.shape[0])
    if needed > LARGEST:
        raise RecipeError(f"What the head is solved on takes {needed / 2**30:.1f} GB of memory.",
                          "Choose the pooling average, fewer views, or the optimizer adam.")
    if last is classifier and all(isinstance(layer, _PASS_ON) for layer in before):
        return [np.asarray(store.read(rows), np.float32).reshape(len(rows), -1) for store in feed.stores]
    model = boundary.tail(classifier.input)
    model.compile(jit_compile=False)
    return [Reader(model, store.read).outputs(rows) for store in feed.stores]


def problem_of(features: Sequence[np.ndarray], targets: np.ndarray, weights: np.ndarray | None, smoothing: float
               ) -> tuple[Scaled, Problem]:
    """The features of all views of the training images as a problem, and the way back from it.

    Args:
        features: float32 [n, width], one a view; a single one is written over.
        targets: float32 [n, units].
        weights: float32 [n]; None: all count the same.
        smoothing: As Keras's losses smooth labels.
    """
    scaled = Scaled.of(np.concatenate(features) if len(features) > 1 else features[0])
    units, views = targets.shape[1], len(features)
    smooth = targets * (1 - smoothing) + smoothing / max(units, 2)
    each = np.ones(len(targets), np.float32) if weights is None else weights.astype(np.float32)
    # Views of an image share its weight: the strength of the penalty means the same for any number of them.
    return scaled, Problem(scaled.rows, np.tile(smooth.astype(np.float32), (views, 1)), np.tile(each, views) / views)


def fit(fit: PhaseFit, moments: Moments, scaled: Scaled, problem: Problem, penalty: float) -> None:
    """Solve, and tell of it epoch by epoch; the solution is put into the model's classifier."""
    kernel, bias = fit.model.trainable_variables  # the classifier's, which alone learns
    units, done, closed = problem.targets.shape[1], 0, 0
    current: np.ndarray | None = None

    def close(solution: np.ndarray, last: bool) -> None:
        """End the open epoch at a solution."""
        fit.provisional, fit.finished = not last, last
        for variable, value in zip((kernel, bias), scaled.layer(solution, units), strict=True):
            variable.assign(value)
        loss, _, accuracy = problem.scores(solution)
        logs = {"loss": loss, "accuracy": accuracy}
        moments.on_train_batch_end(fit.batches.steps, logs)
        fit.provisional = fit.provisional and not fit.stopped  # whoever stops it wants what there is
        moments.on_epoch_end(fit.state.phase_epoch, logs)
        if fit.stopped or fit.paused or fit.failure is not None:
            raise _Ended

    def after(solution: np.ndarray) -> None:
        nonlocal done, current, closed
        if done and done % ITERATIONS == 0 and current is not None and closed < fit.phase.epochs - 1:
            closed += 1
            close(current, last=False)
            moments.on_epoch_begin(fit.state.phase_epoch)
        done, current = done + 1, solution.copy()

    moments.on_epoch_begin(fit.state.phase_epoch)
    try:
        close(solver.solve(problem, penalty, MOST_ITERATIONS, after=after), last=True)
    except _Ended:
        pass


def chosen(penalty: float | None, problem: Problem, labels: np.ndarray, contents: Sequence[str], views: int, seed: int,
           tell: Callable[[int, int], None]) -> float:
    """The penalty of the recipe, else the one that cross-validation on the training images finds."""
    if penalty is not None:
        return penalty
    return solver.strength(problem, np.tile(labels, views), list(contents) * views, seed, tell)
