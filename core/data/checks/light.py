"""Pictures on which little can be seen: blurred, too dark, too bright."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.data.checks.deep import Deep
from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

DARK, BRIGHT = 0.10, 0.93
"""Mean luma, from 0 to 1."""
FLAT = 0.12
"""Spread of the luma below which a dark or bright picture shows little; a bright thing on a dark ground has more."""
BLURRED = 0.02
"""Sharpness (see `small.SmallPictures`) of a picture brought to 160 pixels: a sharp photo has 0.1 and more."""
MUCH_LESS = 4.0
"""How many times less sharp than the median of the dataset it must be besides: some subjects are smooth."""
_WORDS = {
    "blurred": ("blurred", "blurred"),
    "dark": ("nearly black", "too dark"),
    "bright": ("nearly white", "too bright"),
}


def look(deep: Deep) -> dict[str, list[str]]:
    """`{blurred, dark, bright}`: paths, the worst first."""
    small = deep.small
    flat = small.contrast < FLAT
    dark, bright = (small.brightness < DARK) & flat, (small.brightness > BRIGHT) & flat
    blurred = (small.sharpness < BLURRED) & (small.sharpness * MUCH_LESS < np.median(small.sharpness)) & ~dark & ~bright

    def listed(which: np.ndarray, by: np.ndarray) -> list[str]:
        rows = np.flatnonzero(which)
        return [str(deep.paths[row]) for row in rows[np.argsort(by[rows])]]

    return {"blurred": listed(blurred, small.sharpness), "dark": listed(dark, small.brightness),
            "bright": listed(bright, -small.brightness)}


def tell(seen: Seen, found: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Those that are still there."""
    there = set(seen.good["path"])
    for kind, (what, reason) in _WORDS.items():
        if left := [path for path in found[kind] if path in there]:
            count = len(left)
            yield Finding(
                kind, "hint", f"{count:,} {'picture is' if count == 1 else 'pictures are'} {what}: little can be seen.",
                tuple(left), (), (Mend("exclude", "Leave them out", {"paths": left, "reason": reason}),))
