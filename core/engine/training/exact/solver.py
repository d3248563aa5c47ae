"""L-BFGS (D. C. Liu, J. Nocedal 1989), by SciPy, and the strength of the penalty by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np

from core.engine.training.exact.problem import Problem
from core.store.processes import cores

PENALTIES = tuple(float(f"{10**(power / 2):.3g}") for power in range(-2, 9))
"""From 0.1 to 10,000. For features of photos the best lies between 1 and 1,000."""
FOLDS = 5
MOST_ROWS = 2000
"""Rows that the strength is chosen on. Of more it hardly changes, as it is weighed against the sum of the losses."""
PATIENCE = 3
"""Strengths that are tried after the best one: the weaker the penalty, the longer it takes."""
_TOLERANCE, _ROUGH = 1e-5, 1e-3
"""Largest component of the gradient at the end, which is a mean over the rows; while strengths are compared a rough one
does."""
_LARGE = 8e6
"""Values of a problem from which on several threads share a product of matrices; below they wait for each other longer
than they work (720 x 720 on two cores: 10 ms an iteration with two threads, 0.5 ms with one)."""
_MOST_ITERATIONS = 60
"""For one strength of one fold; it begins where the one before it ended."""


def solve(problem: Problem, penalty: float, iterations: int, start: np.ndarray | None = None,
          tolerance: float = _TOLERANCE, after: Callable[[np.ndarray], None] = lambda solution: None,
          alone: bool = True) -> np.ndarray:
    """The solution, float64 [unknowns].

    Args:
        iterations: At most.
        start: Where to begin; default: zeros.
        after: Called with the solution so far after every iteration; what it raises ends the work.
        alone: False where several are solved at once, by whom the threads of each are held to one: the limit is the
            process's.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    unit = 1 / np.sqrt(problem.steepness(penalty))

    def value(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        found, gradient = problem.value(scaled * unit, penalty)
        return found, gradient * unit

    free = problem.rows.size > _LARGE or not alone
    with nullcontext() if free else threadpool_limits(1, "blas"):
        found = minimize(
            value, np.zeros(problem.unknowns) if start is None else start / unit, method="L-BFGS-B", jac=True,
            callback=lambda scaled: after(scaled * unit),
            options={"maxiter": iterations, "maxfun": 3 * iterations + 20, "gtol": tolerance, "ftol": 0.0})
    return np.asarray(found.x * unit)


def strength(problem: Problem, labels: np.ndarray, alike: Sequence[str], seed: int,
             tell: Callable[[int, int], None] = lambda done, total: None) -> float:
    """The penalty with the most right answers in cross-validation on these rows alone; of equal ones that with the
    lower loss.

    Args:
        labels: Class of each row, int [n]; the folds have the classes' proportions.
        alike: Rows with the same text stay in one fold: views of one image, or copies.
        tell: Called with the strengths that were tried, and their number; what it raises ends the work.
    """
    from threadpoolctl import threadpool_limits

    chosen = np.arange(len(labels))
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(labels))[:MOST_ROWS])
    fold = folds(labels[chosen], [alike[row] for row in chosen.tolist()], seed)
    parts = [(problem.of(chosen[fold != one]), problem.of(chosen[fold == one])) for one in sorted(set(fold.tolist()))]
    if len(parts) < 2:
        return PENALTIES[len(PENALTIES) // 2]
    found: list[tuple[float, float, float]] = []
    starts: list[np.ndarray | None] = [None] * len(parts)

    def held_out(number: int) -> tuple[float, float]:
        rest, judged = parts[number]
        solution = solve(rest, penalty, _MOST_ITERATIONS, starts[number], _ROUGH, alone=False)
        starts[number] = solution
        loss, accuracy, _ = judged.scores(solution)
        share = len(judged.rows) / len(chosen)
        return share * accuracy, share * loss

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores()) as pool:
        for penalty in reversed(PENALTIES):  # the strongest first: it is solved at once, and the next begins there
            tell(len(found), len(PENALTIES))
            accuracy, loss = (sum(part) for part in zip(*pool.map(held_out, range(len(parts))), strict=True))
            found.append((-round(accuracy, 9), loss, penalty))
            if found.index(min(found)) + PATIENCE < len(found):
                break
    return min(found)[2]


def folds(labels: np.ndarray, alike: Sequence[str], seed: int) -> np.ndarray:
    """The fold of each row, int [n]: as many of each class in each as can be, and what belongs together in one."""
    place: dict[str, int] = {}
    count: dict[int, int] = {}
    for row in np.random.default_rng(seed).permutation(len(labels)).tolist():
        if alike[row] not in place:
            label = int(labels[row])
            place[alike[row]] = count.get(label, 0) % FOLDS
            count[label] = count.get(label, 0) + 1
    return np.array([place[name] for name in alike], int)
