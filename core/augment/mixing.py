"""Pairs of images that are mixed, and their labels with them: how much of whom, drawn by `core.augment.draws`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.augment.draws import generator


class Pairs:
    """Whom each image of a batch is mixed with, and the share that stays of it.

    Every image draws a number; in the order of these each one's partner is the one before it. So who is in a batch
    decides about partners, and nothing else does.

    Args:
        contents: SHA-256 of each image's file.
        alpha: Parameter of the Beta distribution (alpha, alpha) that shares are drawn from.
    """

    def __init__(self, seed: int, view: int, contents: Sequence[str], alpha: float) -> None:
        draws = [generator(seed, view, content, "mix") for content in contents]
        self.shares = np.array([draw.beta(alpha, alpha) for draw in draws], np.float32)
        """float32 [n]."""
        order = np.argsort([draw.random() for draw in draws], kind="stable")
        self.partners = np.empty(len(draws), np.int64)
        """int [n]: places in the batch; nobody's own where there are two or more."""
        self.partners[order] = np.roll(order, 1)
        self.centres = np.array([draw.random(2) for draw in draws]).reshape(-1, 2)
        """Where a piece comes from, as shares of height and width: float [n, 2]."""

    def between(self, values: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """What a share of each and the rest of its partner come to: float32, shaped as `values` [n, ...]."""
        part = shares.reshape(-1, *[1] * (values.ndim - 1))
        return (part * values + (1 - part) * values[self.partners]).astype(np.float32)


Mix = Callable[[np.ndarray, Pairs], tuple[np.ndarray, np.ndarray]]
"""From images or activations [n, ...] to mixed ones, and the share, float32 [n], that stays of each."""


def mixup(x: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Both shine through (H. Zhang et al., arXiv:1710.09412); of activations it is manifold mixup (V. Verma et al.,
    arXiv:1806.05236)."""
    return pairs.between(x, pairs.shares), pairs.shares


def cutmix(x: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """A rectangle of the partner takes the place of one's own (S. Yun et al., arXiv:1905.04899, algorithm A1). What has
    no height and width is mixed as by `mixup`."""
    if x.ndim != 4:
        return mixup(x, pairs)
    height, width = x.shape[1:3]
    mixed, shares = x.copy(), np.empty(len(x), np.float32)
    for index, (partner, share, (down, across)) in enumerate(
            zip(pairs.partners, pairs.shares, pairs.centres, strict=True)):
        half = (1 - float(share)) ** 0.5 / 2
        top, bottom = (round(np.clip(down + side, 0, 1) * height) for side in (-half, half))
        left, right = (round(np.clip(across + side, 0, 1) * width) for side in (-half, half))
        mixed[index, top:bottom, left:right] = x[partner, top:bottom, left:right]
        shares[index] = 1 - (bottom - top) * (right - left) / (height * width)
    return mixed, shares


MIXES: dict[str, Mix] = {"mixup": mixup, "cutmix": cutmix}
"""By the recipe's `train.mix`."""
