"""A head without hidden layers on features that do not change is a convex problem: logistic regression with a penalty
on the squared weights. Here it is written down; NumPy alone.

The features are centred and brought to a variance of one on average over all their directions, so that a penalty means
the same whatever the backbone. Directions keep their proportions: large features stay the important ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_AXES = 2500
"""Principal axes that are found: their cost grows with the third power (1,280: half a second on two cores)."""


@dataclass(frozen=True)
class Problem:
    """Rows of features and what they should come to."""

    rows: np.ndarray
    """float32 [n, d], centred and scaled."""
    targets: np.ndarray
    """float32 [n, units]: shares of classes, or for one unit the probability of the second class."""
    weights: np.ndarray
    """float32 [n]: how much each row counts."""

    def steepness(self, penalty: float) -> np.ndarray:
        """Roughly how much the value bends along each unknown, float64 [unknowns]: measured in its square root the
        problem is about as steep in all directions, and solved in a fifth of the iterations. Along principal axes the
        features' variances tell; the factor is that of answers which are right in three of four cases."""
        units = self.targets.shape[1]
        squares = np.einsum("ij,ij->j", self.rows, self.rows).astype(np.float64)
        bends = 0.15 * squares / len(self.rows) + penalty / max(float(self.weights.sum()), 1e-9)
        return np.repeat([*bends, 0.15], units)

    @property
    def unknowns(self) -> int:
        """Of a solution: a column a unit with a weight for each feature, and a bias."""
        return (self.rows.shape[1] + 1) * self.targets.shape[1]

    def of(self, rows: np.ndarray) -> Problem:
        """Some of the rows."""
        return Problem(self.rows[rows], self.targets[rows], self.weights[rows])

    def value(self, flat: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        """The loss, a mean over the rows, with the penalty's share of it; and its gradient.

        Args:
            flat: A solution, float64 [unknowns].
            penalty: Weight of half the sum of the squared weights, biases left out, against the sum of the losses.
        """
        units, total = self.targets.shape[1], float(self.weights.sum())
        solution = flat.reshape(-1, units)
        kernel, bias = solution[:-1], solution[-1]
        outputs = self.rows @ kernel.astype(np.float32) + bias.astype(np.float32)
        losses, off = cross_entropy(outputs, self.targets)
        off *= self.weights[:, None]
        gradient = np.empty_like(solution)
        gradient[:-1] = (self.rows.T @ off + penalty * kernel) / total
        gradient[-1] = off.sum(0, dtype=np.float64) / total
        value = float(self.weights @ losses) + penalty / 2 * float((kernel**2).sum())
        return value / total, gradient.ravel()

    def scores(self, flat: np.ndarray) -> tuple[float, float, float]:
        """Mean loss without the penalty, the share of right answers with the rows' weights, and that without them."""
        solution = flat.reshape(-1, self.targets.shape[1])
        outputs = self.rows @ solution[:-1].astype(np.float32) + solution[-1].astype(np.float32)
        losses, _ = cross_entropy(outputs, self.targets)
        total = float(self.weights.sum())
        are_right = right(outputs, self.targets)
        return float(self.weights @ losses) / total, float(self.weights @ are_right) / total, float(are_right.mean())


def cross_entropy(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Losses, float32 [n], of what units give before their activation, and what they are off by, float32 [n, units].
    One unit: a sigmoid; several: a softmax."""
    if outputs.shape[1] == 1:
        z, y = outputs[:, 0], targets[:, 0]
        losses = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
        return losses, (1 / (1 + np.exp(-np.clip(z, -60, 60))) - y)[:, None]
    shifted = outputs - outputs.max(1, keepdims=True)
    shares = np.exp(shifted)
    sums = shares.sum(1, keepdims=True)
    losses = (targets.sum(1) * np.log(sums[:, 0]) - (targets * shifted).sum(1))
    return losses, shares / sums * targets.sum(1, keepdims=True) - targets


def right(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Whether each answer is right, float32 [n]; of mixed targets the larger share counts."""
    if outputs.shape[1] == 1:
        return ((outputs[:, 0] > 0) == (targets[:, 0] > 0.5)).astype(np.float32)
    return (outputs.argmax(1) == targets.argmax(1)).astype(np.float32)


@dataclass(frozen=True)
class Scaled:
    """Features as a `Problem` has them, and the way back to a layer on the features themselves."""

    mean: np.ndarray
    """float64 [width]."""
    scale: float
    rows: np.ndarray
    """float32 [n, d], along their principal axes, d at most the smaller one of n and width: which changes no solution,
    as squared weights stay the same and none leads out of the rows. Beyond `MOST_AXES` they stay as they are."""
    turn: np.ndarray | None
    """float32 [width, d] of the turn."""

    @classmethod
    def of(cls, features: np.ndarray) -> Scaled:
        """Features, float [n, width]; where they are float32 they are written over."""
        mean = features.mean(0, dtype=np.float64)
        rows = np.asarray(features, np.float32)
        rows -= mean.astype(np.float32)
        scale = float(np.sqrt(np.einsum("ij,ij->j", rows, rows).sum(dtype=np.float64) / rows.size)) or 1.0
        rows /= scale
        if min(rows.shape) > MOST_AXES:
            return cls(mean, scale, rows, None)
        few = len(rows) < rows.shape[1]
        values, vectors = np.linalg.eigh((rows @ rows.T if few else rows.T @ rows).astype(np.float64))
        kept = values > 1e-6 * max(float(values.max()), 1e-12)
        turn = vectors[:, kept]
        if few:
            turn = rows.T.astype(np.float64) @ (turn / np.sqrt(values[kept]))
        turn = np.ascontiguousarray(turn, np.float32)
        return cls(mean, scale, rows @ turn, turn)

    def layer(self, flat: np.ndarray, units: int) -> tuple[np.ndarray, np.ndarray]:
        """A solution as a layer on the features themselves: kernel float32 [width, units], bias float32 [units]."""
        solution = flat.reshape(-1, units)
        kernel = (solution[:-1] if self.turn is None else self.turn @ solution[:-1]) / self.scale
        return kernel.astype(np.float32), (solution[-1] - self.mean @ kernel).astype(np.float32)
