"""Pictures that are unlike all others: of something else, of nothing, or by mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.data.checks.deep import Deep
from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

NEIGHBOURS = 5
FAR = 6.0
"""How many times the spread above the median the distance to the nearest others is. The spread is that of a normal
distribution with the same median absolute deviation."""
LEAST_IMAGES = 20
MOST_SHARE = 0.02
"""No more than this share of the pictures is called odd: where many are, none is."""


def look(deep: Deep) -> list[str]:
    """Paths of outliers, the farthest first: by the mean cosine distance to the nearest other pictures (k-nearest
    neighbours as an outlier score: Ramaswamy, Rastogi, Shim, SIGMOD 2000)."""
    if len(deep.paths) < LEAST_IMAGES:
        return []
    distance = isolation(deep.features)
    median = float(np.median(distance))
    spread = 1.4826 * float(np.median(np.abs(distance - median)))
    far = np.flatnonzero(distance > median + FAR * max(spread, 1e-6))
    most = max(1, int(MOST_SHARE * len(deep.paths)))
    return [str(deep.paths[row]) for row in far[np.argsort(-distance[far])][:most]]


def isolation(features: np.ndarray) -> np.ndarray:
    """Mean cosine distance of each picture to its nearest others: float32 [n]."""
    rows = features - features.mean(0)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    near, found = min(NEIGHBOURS, len(rows) - 1), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), 2048):
        cosine = rows[start:start + 2048] @ rows.T
        cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -2
        found[start:start + len(cosine)] = 1 - np.partition(cosine, -near, axis=1)[:, -near:].mean(1)
    return found


def tell(seen: Seen, paths: Sequence[str]) -> Iterator[Finding]:
    """Those that are still there."""
    there = set(seen.good["path"])
    left = [path for path in paths if path in there]
    if left:
        count = len(left)
        yield Finding(
            "outliers", "hint",
            f"{count:,} {'picture is' if count == 1 else 'pictures are'} unlike all others. "
            f"{'Does it' if count == 1 else 'Do they'} belong here?",
            tuple(left), (), (Mend("exclude", "Leave them out", {"paths": left, "reason": "unlike all others"}),))
