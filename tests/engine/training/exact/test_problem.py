"""The head as a convex problem, and its solution, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.engine.training.exact import solver
from core.engine.training.exact.problem import Problem, Scaled


def rows(count: int, width: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features whose directions differ much in size, and classes that overlap."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    centres = random.normal(size=(classes, width))
    return ((centres[labels] + 2 * random.normal(size=(count, width))) * np.geomspace(0.1, 3, width) + 5), labels


def problem_of(features, targets, weights=None) -> tuple[Scaled, Problem]:
    scaled = Scaled.of(features)
    each = np.ones(len(features), np.float32) if weights is None else weights
    return scaled, Problem(scaled.rows, targets.astype(np.float32), each)


@pytest.mark.parametrize("count, width", [(300, 12), (20, 60)])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("balanced", [False, True])
def test_it_is_the_solution_of_scikit_learn(count, width, classes, balanced):
    features, labels = rows(count, width, classes)
    weights = (count / (classes * np.bincount(labels)))[labels].astype(np.float32) if balanced else None
    scaled, problem = problem_of(features, np.eye(classes)[labels], weights)
    kernel, bias = scaled.layer(solver.solve(problem, 3.0, 2000, tolerance=1e-8), classes)
    # Of two classes scikit-learn has one column of weights: the difference of two, whose squares are half of its own.
    once = 2 if classes == 2 else 1
    theirs = LogisticRegression(C=once * scaled.scale**-2 / 3.0, tol=1e-8, max_iter=5000)
    theirs.fit(features, labels, weights)
    logits = features @ kernel + bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    assert np.abs(shares - theirs.predict_proba(features)).max() < 2e-3


def test_one_unit_is_scikit_learns_two_classes():
    features, labels = rows(300, 12, 2)
    scaled, problem = problem_of(features, labels[:, None])
    kernel, bias = scaled.layer(solver.solve(problem, 3.0, 2000, tolerance=1e-8), 1)
    theirs = LogisticRegression(C=scaled.scale**-2 / 3.0, tol=1e-8, max_iter=5000).fit(features, labels)
    ours = 1 / (1 + np.exp(-(features @ kernel + bias)))[:, 0]
    assert np.abs(ours - theirs.predict_proba(features)[:, 1]).max() < 2e-3


@pytest.mark.parametrize("units", [1, 3])
def test_the_gradient_is_that_of_the_value(units):
    features, labels = rows(40, 6, 3)
    targets = np.eye(3)[labels] * 0.9 + 0.1 / 3 if units == 3 else (labels[:, None] == 1) * 0.9 + 0.05
    _, problem = problem_of(features, targets, np.linspace(0.5, 2, 40, dtype=np.float32))
    at = np.random.default_rng(1).normal(size=problem.unknowns)
    value, gradient = problem.value(at, 2.0)
    for index in range(0, problem.unknowns, 5):
        step = np.zeros_like(at)
        step[index] = 1e-2
        slope = (problem.value(at + step, 2.0)[0] - problem.value(at - step, 2.0)[0]) / 2e-2
        assert slope == pytest.approx(gradient[index], abs=2e-3)


def test_turning_few_rows_changes_no_answer():
    features, labels = rows(30, 200, 3)
    scaled = Scaled.of(features)
    assert scaled.rows.shape[1] < 30 and np.abs(np.corrcoef(scaled.rows.T) - np.eye(scaled.rows.shape[1])).max() < 1e-3
    solution = np.random.default_rng(0).normal(size=((scaled.rows.shape[1] + 1) * 3))
    kernel, bias = scaled.layer(solution, 3)
    table = solution.reshape(-1, 3)
    assert np.allclose(features @ kernel + bias, scaled.rows @ table[:-1] + table[-1], atol=1e-3)


def test_folds_have_the_classes_shares_and_keep_together_what_belongs_together():
    labels = np.repeat([0, 1], [80, 20])
    names = [f"{row // 2 if row < 40 else row}-{labels[row]}" for row in range(100)]
    fold = solver.folds(labels, names, 0)
    for one in range(solver.FOLDS):
        assert (labels[fold == one] == 1).sum() == 4
    assert all(fold[row] == fold[row + 1] for row in range(0, 40, 2))
    assert np.array_equal(fold, solver.folds(labels, names, 0))


def test_the_strength_is_the_one_that_answers_best_and_follows_from_the_seed():
    """Of features that are mostly noise a strong penalty is right, of clear ones a weak one is as good."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 120)
    noisy = random.normal(size=(120, 300)) + 0.25 * labels[:, None] * (np.arange(300) < 20)
    _, problem = problem_of(noisy, np.eye(2)[labels])
    names = [str(row) for row in range(120)]
    found = solver.strength(problem, labels, names, 0)
    assert found in solver.PENALTIES and found >= 100
    assert solver.strength(problem, labels, names, 0) == found
    seen: list[tuple[int, int]] = []
    solver.strength(problem, labels, names, 0, lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 11) and [done for done, _ in seen] == list(range(len(seen)))
