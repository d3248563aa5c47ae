"""A training that has blown up is said to have failed, whether its numbers are finite or not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.engine.callbacks.callback import Callback, PhaseFit
from core.errors import TrainingDivergedError
from core.scoring.intervals import wilson_interval

FAR, LEARNED = 10.0, 0.9
"""Times the loss of equal guesses (for two classes 6.9 and 0.62): above the one a training may have blown up, below the
other it surely learns."""
DEVIATIONS = 1.0
"""How far an accuracy must be above chance, in its standard deviations: of six images two answers for everything get
half right by luck."""
MOST_EPOCHS = 5
LEAST_STEPS = 100


class Divergence(Callback):
    """Ends a training whose loss is not a number, or which has blown up with finite ones.

    Neither a large loss nor bad answers mean that by themselves. Frozen features at a rate of 10 give losses of 30 to
    200 and a model that is right nine times in ten; batch normalisation that is learned from random weights gives one
    answer for everything in its first epochs; a small network at a rate of 1 was seen at 400 and recovered within
    three epochs of four steps. So a training has blown up when

    - in some epoch its loss, without penalties, was `FAR` above that of equal guesses, and the validation answers were
      not clearly better than naming the most frequent class would be,
    - and since then no epoch's answers were, nor its loss below that of equal guesses, for `MOST_EPOCHS` epochs and
      `LEAST_STEPS` steps, or to the end of the last phase. The loss may fall as far as that meanwhile: a network whose
      units all died says log(classes).

    The models of such epochs are not kept (`fit.worthless`); what was best before stays.

    Args:
        chance_loss: Loss of equal guesses.
        chance_accuracy: Share of the most frequent class among the validation images; 1: answers tell nothing.
        images: Validation images.
    """

    def __init__(self, chance_loss: float, chance_accuracy: float, images: int) -> None:
        self.chance_loss, self.chance_accuracy, self.images = chance_loss, chance_accuracy, images
        self._penalty = 0.0

    def on_epoch_begin(self, fit: PhaseFit) -> None:
        """Note what penalties add to the loss."""
        self._penalty = _penalty(fit)

    def on_step_end(self, fit: PhaseFit, step: int, logs: Mapping[str, float]) -> None:
        """Fail as soon as the loss is no number."""
        if not np.isfinite(logs["loss"]):
            self._fail(fit, f"The loss became {'not a number' if np.isnan(logs['loss']) else 'infinite'}")

    def on_epoch_end(self, fit: PhaseFit, logs: Mapping[str, float]) -> None:
        """Fail when the scores are no numbers; count the epochs since a blow-up that were all in vain."""
        assert fit.scores is not None
        if not np.isfinite(fit.scores.loss):
            return self._fail(fit, "The loss became not a number")
        loss = logs["loss"] - max(self._penalty, _penalty(fit))
        at_least, _ = wilson_interval(round(fit.scores.accuracy * self.images), self.images, DEVIATIONS)
        state = fit.state
        suspicious = loss > (LEARNED if state.blown_epochs else FAR) * self.chance_loss
        fit.worthless = suspicious and at_least <= self.chance_accuracy < 1
        state.blown_epochs = state.blown_epochs + 1 if fit.worthless else 0
        state.highest_loss = max(state.highest_loss, float(loss)) if fit.worthless else 0.0

    def on_state(self, fit: PhaseFit) -> None:
        """Fail when it does not recover; the epoch that shows it has its row in the history."""
        blown = fit.state.blown_epochs  # of this phase: every one has its own rate, and its own chance to recover
        if blown >= MOST_EPOCHS and blown * fit.batches.steps >= LEAST_STEPS:
            self._blown_up(fit)

    def on_phase_end(self, fit: PhaseFit) -> None:
        """Fail when it has not recovered to the end."""
        if fit.failure is None and fit.last and fit.state.blown_epochs and not (fit.stopped or fit.paused):
            self._blown_up(fit)

    def _blown_up(self, fit: PhaseFit) -> None:
        self._fail(fit, f"The training has blown up: the loss rose to {fit.state.highest_loss:,.0f}, where guessing "
                        f"gives {self.chance_loss:.2f}, and the answers are no better than one answer for everything",
                   fit.state.epoch)

    @staticmethod
    def _fail(fit: PhaseFit, what: str, epoch: int | None = None) -> None:
        rate = fit.phase.learning_rate
        fit.failure = TrainingDivergedError(f"{what}, in epoch {epoch or fit.epoch}.",
                                            f"Lower the learning rate (it is {rate:g}; try a tenth, {rate / 10:g}).")


def _penalty(fit: PhaseFit) -> float:
    """What penalties on weights add to the loss now."""
    return float(sum(float(loss) for loss in fit.model.losses))
