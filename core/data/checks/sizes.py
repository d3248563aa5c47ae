"""Images that are too small or too long."""

from __future__ import annotations

from collections.abc import Iterator

from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

TINY = 32
"""Pixels of the shorter side below which little can be seen; a set that is all small (digits, CIFAR-10) is meant so."""
LONG = 4.0
"""Longer side over shorter one from which a square of the image shows little of it."""


def tiny(seen: Seen) -> Iterator[Finding]:
    """Images far smaller than the rest."""
    shorter = seen.good[["width", "height"]].min(axis=1)
    small = seen.good[(shorter < TINY) & (shorter * 4 <= shorter.median())]
    if len(small):
        yield _finding("tiny", small["path"].tolist(), f"smaller than {TINY} pixels",
                       "Enlarged, they are little more than blots.", "too small")


def extreme_aspect(seen: Seen) -> Iterator[Finding]:
    """Panoramas, strips and banners."""
    sides = seen.good[["width", "height"]]
    ratio = sides.max(axis=1) / sides.min(axis=1).clip(lower=1)
    long = seen.good[ratio > LONG]
    if len(long):
        yield _finding("extreme_aspect", long["path"].tolist(), f"more than {LONG:.0f} times as long as wide",
                       "The model sees a square: the middle of it, or all of it very small.", "too long")


def _finding(kind: str, paths: list[str], what: str, therefore: str, reason: str) -> Finding:
    count = len(paths)
    return Finding(kind, "hint", f"{count:,} {'picture is' if count == 1 else 'pictures are'} {what}. {therefore}",
                   tuple(paths), (), (Mend("exclude", "Leave them out", {"paths": paths, "reason": reason}),))
