"""What is a blow-up and what is not, by courses of loss and accuracy that trainings took."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.engine.callbacks.callback import PhaseFit
from core.engine.callbacks.divergence import Divergence
from core.engine.feed.batches import Batches
from core.engine.training.state import Best, TrainState
from core.recipe.fields import Phase
from core.scoring.task import Scores

Course = list[tuple[float, float]]
HYMENOPTERA = 0.5425
"""Share of the larger class among its validation photos."""

# MobileNetV2 at width 0.35 on hymenoptera unless said otherwise: (training loss, validation accuracy) of each epoch.
BLOWN_UP: dict[str, Course] = {
    "block 12 on, SGD at 10": [(64524.7, 0.5425), (78589.2, 0.5425), (49731.2, 0.4575), (34058.7, 0.4575)],
    "all layers, SGD at 10": [(72972.3, 0.4575), (75733.6, 0.5425), (27567.4, 0.5425)],
    "all layers, SGD at 1": [(4877.3, 0.5425), (4941.9, 0.5425), (2236.2, 0.4575)],
    "a hidden layer whose units died": [(685183.4, 0.5033), (18.4, 0.5686), (33.8, 0.5425), (4.4, 0.5425),
                                        (3.5, 0.4575), (3.3, 0.5425), (13.1, 0.5425), (0.7, 0.5425)],
    "after good epochs": [(0.5, 0.88), (0.4, 0.9), (9000.0, 0.5425), (30000.0, 0.5425)],
}
LEGITIMATE: dict[str, Course] = {
    "frozen, SGD at 10": [(115.9, 0.8758), (78.3, 0.8954), (60.1, 0.9085), (81.1, 0.8824), (67.9, 0.8889)],
    "frozen and flat, SGD at 10": [(9728.5, 0.8824), (1327.5, 0.8889), (669.7, 0.8889), (247.1, 0.8954)],
    "frozen and flat, Adam at 0.1": [(145.4, 0.902), (48.1, 0.8758), (29.7, 0.8431), (2.0, 0.8954)],
    "from random weights": [(0.853, 0.5425), (0.827, 0.5425), (0.71, 0.5425), (0.684, 0.5425)],
    "one answer at first, at a rate of 1": [(5.6, 0.3333), (34.6, 0.3333), (15.6, 0.6667), (421.0, 0.3333),
                                            (17.7, 0.3333), (1.3, 0.3333), (2.6, 0.6), (0.6, 1.0)],
    "a loss that falls before few validation images show it": [(64.0, 0.5), (40.0, 0.5), (0.5, 0.5425)],
    "a first epoch of fine-tuning that throws all over": [(12.0, 0.5425), (3.0, 0.5425), (0.6, 0.8)],
}


def follow(course: Course, steps: int = 8, chance: float = HYMENOPTERA, **more: Any) -> tuple[PhaseFit, list[int]]:
    """Go through epochs as the loop does; gives the phase and the epochs whose models may be kept."""
    rows = np.arange(32 * steps)
    batches = Batches([lambda found: found], rows, np.zeros((len(rows), 2), np.float32), None, 32, 0)
    fit = PhaseFit(TrainState(Best("val_accuracy")), 0, Phase(epochs=len(course), learning_rate=10), True,
                   SimpleNamespace(losses=more.pop("penalties", [])), batches, [], None, None)  # type: ignore[arg-type]
    for name, value in more.items():
        setattr(fit, name, value)
    divergence, kept = Divergence(math.log(2), chance, 153), []
    divergence.on_phase_begin(fit)
    for loss, accuracy in course:
        divergence.on_epoch_begin(fit)
        fit.scores = Scores(1.0, accuracy)
        divergence.on_epoch_end(fit, {"loss": loss})
        if fit.failure is None:
            if not fit.worthless:
                kept.append(fit.epoch)
            fit.state.epoch += 1
            divergence.on_state(fit)
        if fit.failure is not None:
            return fit, kept
    divergence.on_phase_end(fit)
    return fit, kept


@pytest.mark.parametrize("course", BLOWN_UP.values(), ids=BLOWN_UP)
def test_a_blow_up_fails_with_advice(course):
    fit, kept = follow(course)
    assert fit.failure is not None
    assert "blown up" in fit.failure.message and "guessing gives 0.69" in fit.failure.message
    assert "it is 10; try a tenth, 1)" in fit.failure.hint
    assert kept == [epoch + 1 for epoch, (loss, accuracy) in enumerate(course) if accuracy > 0.6]


@pytest.mark.parametrize("course", LEGITIMATE.values(), ids=LEGITIMATE)
def test_a_training_that_only_looks_like_one_goes_on(course):
    chance = 1 / 3 if "0.3333" in str(course) else HYMENOPTERA
    fit, kept = follow(course, chance=chance)
    assert fit.failure is None
    assert len(course) in kept


def test_it_is_not_waited_for_the_end_of_a_long_training():
    fit, _ = follow([(64524.7, 0.5)] * 50, steps=20)
    assert fit.failure is not None and fit.state.epoch == 5 and "epoch 5" in fit.failure.message


def test_epochs_of_few_steps_have_more_of_them():
    fit, _ = follow([(64524.7, 0.5)] * 50, steps=4)
    assert fit.failure is not None and fit.state.epoch == 25


def test_a_phase_before_the_last_may_be_put_right():
    fit, kept = follow([(64524.7, 0.5)] * 3, last=False)
    assert fit.failure is None and not kept


def test_who_stops_it_needs_no_advice():
    assert follow([(64524.7, 0.5)] * 3, stopped=True)[0].failure is None


def test_penalties_on_weights_are_no_loss():
    """An L2 penalty of 1 on a wide layer begins in the thousands."""
    assert follow([(2214.0, 0.5)] * 4, penalties=[np.float32(2213.0)])[0].failure is None


def test_validation_images_of_one_class_tell_nothing():
    assert follow([(64524.7, 0.0)] * 4, chance=1.0)[0].failure is None


@pytest.mark.parametrize(("loss", "said"), [(float("nan"), "not a number"), (float("inf"), "infinite")])
def test_a_loss_that_is_no_number_ends_it_at_once(loss, said):
    fit, _ = follow([(0.7, 0.6)])
    Divergence(math.log(2), HYMENOPTERA, 153).on_step_end(fit, 1, {"loss": loss})
    assert fit.failure is not None and said in fit.failure.message
