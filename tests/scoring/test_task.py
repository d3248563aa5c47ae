"""Every kind of question: its targets, decisions and scores belong together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.recipe.fields import Recipe
from core.scoring.task import TASKS, Task

LABELS = {"softmax": np.array([2, 0, 1, 2]), "sigmoid": np.array([1, 0, 1, 1])}
MISTAKEN = {"softmax": np.array([2, 0, 1, 1]), "sigmoid": np.array([1, 0, 1, 0])}
CLASSES = {"softmax": 3, "sigmoid": 2}


@pytest.fixture(params=TASKS.values(), ids=TASKS)
def task(request: pytest.FixtureRequest) -> Task:
    found: Task = request.param
    return found


def test_the_targets_are_answers_without_a_mistake(task):
    labels, classes = LABELS[task.name], CLASSES[task.name]
    targets = task.targets(labels, classes)
    assert targets.shape == (4, task.units(classes)) and targets.dtype == np.float32
    assert list(task.decide(targets)) == list(labels)
    assert task.probabilities(targets).shape == (4, classes)
    scores = task.scores(targets, labels)
    assert scores.accuracy == 1 and scores.loss == pytest.approx(0, abs=1e-5)


def test_one_mistake_of_four(task):
    outputs = task.targets(MISTAKEN[task.name], CLASSES[task.name])
    assert task.scores(outputs, LABELS[task.name]).accuracy == 0.75
    assert task.scores(outputs, LABELS[task.name]).loss > 1


def test_answers_that_are_no_numbers_have_no_score(task):
    outputs = task.targets(LABELS[task.name], CLASSES[task.name])
    outputs[0, 0] = np.nan
    scores = task.scores(outputs, LABELS[task.name])
    assert math.isnan(scores.loss) and math.isnan(scores.accuracy)


def test_knowing_nothing_costs_the_logarithm_of_the_classes():
    task = TASKS[Recipe().model.output]
    outputs = np.full((4, 3), 1 / 3, np.float32)
    chance = task.chance_loss(3)
    assert task.scores(outputs, LABELS["softmax"]).loss == pytest.approx(chance) == pytest.approx(math.log(3))
