"""Every kind of question: its targets, decisions and scores belong together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.recipe.fields import Recipe
from core.scoring.task import TASKS, Task

LABELS = np.array([2, 0, 1, 2])


@pytest.fixture(params=TASKS.values(), ids=TASKS)
def task(request: pytest.FixtureRequest) -> Task:
    found: Task = request.param
    return found


def test_the_targets_are_answers_without_a_mistake(task):
    targets = task.targets(LABELS, 3)
    assert targets.shape == (4, task.units(3)) and targets.dtype == np.float32
    assert list(task.decide(targets)) == list(LABELS)
    scores = task.scores(targets, LABELS)
    assert scores.accuracy == 1 and scores.loss == pytest.approx(0, abs=1e-5)


def test_one_mistake_of_four(task):
    outputs = task.targets(np.array([2, 0, 1, 1]), 3)
    assert task.scores(outputs, LABELS).accuracy == 0.75
    assert task.scores(outputs, LABELS).loss > 1


def test_answers_that_are_no_numbers_have_no_score(task):
    outputs = task.targets(LABELS, 3)
    outputs[0, 0] = np.nan
    assert math.isnan(task.scores(outputs, LABELS).loss) and math.isnan(task.scores(outputs, LABELS).accuracy)


def test_knowing_nothing_costs_the_logarithm_of_the_classes():
    task = TASKS[Recipe().model.output]
    outputs = np.full((4, 3), 1 / 3, np.float32)
    assert task.scores(outputs, LABELS).loss == pytest.approx(task.chance_loss(3)) == pytest.approx(math.log(3))
