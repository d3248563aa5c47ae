"""How many images the classes have."""

from __future__ import annotations

from collections.abc import Iterator

from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

FEW = 5
"""With fewer images than this a class can hardly be learned, and one for checking says nothing."""
UNEVEN = 5.0
"""The largest class has so many times as many images as the smallest: from here on accuracy alone misleads."""


def few(seen: Seen) -> Iterator[Finding]:
    """Classes with hardly any images."""
    counts = seen.good["class"].value_counts()
    small = [label for label in seen.classes if counts.get(label, 0) < FEW]
    if small:
        rows = seen.good[seen.good["class"].isin(small)]
        listed = ", ".join(f"{label} ({counts[label]})" for label in small[:5])
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        left = len(seen.classes) - len(small)
        yield Finding(
            "few", "warning",
            f"{'One class has' if len(small) == 1 else f'{len(small)} classes have'} fewer than {FEW} pictures: "
            f"{listed}{more}. Bring more, or leave {'it' if len(small) == 1 else 'them'} out.",
            tuple(rows["path"]), (),
            tuple(Mend("exclude_class", f"Leave {label} out", {"label": label}) for label in small[:3] if left >= 2))


def imbalance(seen: Seen) -> Iterator[Finding]:
    """Classes of very different size."""
    counts = seen.good["class"].value_counts()
    counts = counts[counts >= FEW]
    if len(counts) > 1 and counts.iloc[0] >= UNEVEN * counts.iloc[-1]:
        yield Finding(
            "imbalance", "warning",
            f"The classes are of very different size: {counts.index[0]} has {counts.iloc[0]:,} pictures, "
            f"{counts.index[-1]} has {counts.iloc[-1]:,}. Let rare classes count more, and look at the "
            "balanced accuracy.",
            (), (), (Mend("set", "Let rare classes count more",
                          {"train.class_weights": "balanced", "train.monitor": "val_balanced_accuracy"}),))
