"""The same picture more than once: the same bytes, by hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

if TYPE_CHECKING:
    import pandas as pd

Group = tuple[str, ...]
HELD_BACK = ("validation", "test")


def copies(seen: Seen) -> pd.DataFrame:
    """The rows of images that are there more than once, those with the same bytes one after the other."""
    good = seen.good
    several = good[good.duplicated("hash", keep=False)]
    return several.sort_values(["hash", "split", "path"], kind="stable")


def leaks(seen: Seen) -> Iterator[Finding]:
    """The same image for training and for checking."""
    rows = copies(seen)
    held = rows.groupby("hash")["split"].transform(lambda splits: splits.nunique() > 1).astype(bool)
    torn = rows[held]
    if torn.empty:
        return
    groups = grouped(torn)
    copy = torn[(torn["split"] == "train")]["path"].tolist()
    yield Finding(
        "leaks", "error",
        f"{_pictures(len(groups), 'is', 'are')} in more than one split: a model that has seen a picture in training "
        "knows its answer, and the score says too much.",
        tuple(torn["path"]), groups,
        (Mend("exclude", "Leave the training copies out", {"paths": copy, "reason": "a copy is held back"}),)
        if copy else ())


def two_classes(seen: Seen) -> Iterator[Finding]:
    """The same image under two labels."""
    rows = copies(seen)
    torn = rows[rows.groupby("hash")["class"].transform(lambda labels: labels.nunique() > 1).astype(bool)]
    if not torn.empty:
        groups = grouped(torn)
        yield Finding(
            "two_classes", "error",
            f"{_pictures(len(groups), 'is', 'are')} in more than one class: at most one of the labels is right.",
            tuple(torn["path"]), groups,
            (Mend("exclude", "Leave them all out",
                  {"paths": torn["path"].tolist(), "reason": "the same picture in two classes"}),))


def duplicates(seen: Seen) -> Iterator[Finding]:
    """The same image several times in one class and split: it counts more than the others."""
    rows = copies(seen)
    same = rows[~rows.groupby("hash")["class"].transform(lambda labels: labels.nunique() > 1).astype(bool)]
    same = same[~same.groupby("hash")["split"].transform(lambda splits: splits.nunique() > 1).astype(bool)]
    if not same.empty:
        groups, spare = grouped(same), same[same.duplicated("hash")]["path"].tolist()
        yield Finding(
            "duplicates", "hint", f"{_pictures(len(groups), 'is', 'are')} there more than once. Copies count twice.",
            tuple(same["path"]), groups,
            (Mend("exclude", "Keep one of each", {"paths": spare, "reason": "a copy"}),))


def grouped(rows: pd.DataFrame) -> tuple[Group, ...]:
    """The paths of rows with the same bytes, together."""
    return tuple(tuple(paths) for _, paths in rows.groupby("hash", sort=False)["path"])


def _pictures(count: int, one: str, many: str) -> str:
    return f"1 picture {one}" if count == 1 else f"{count:,} pictures {many}"
