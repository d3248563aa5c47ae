"""How far a number seen in few trials may be from the truth."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: 95 % lie within it on both sides."""


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """The interval in which a share lies, seen `successes` times in `trials`.

    Wilson's score interval; unlike the usual one it holds for few trials and for shares near 0 and 1. Formula: Brown,
    Cai, DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001), section 3.1.1.
    """
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)
