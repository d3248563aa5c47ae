"""Near-copies: the same picture cropped, mirrored, tinted, scaled or compressed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.data.checks.copies import grouped
from core.data.checks.deep import Deep
from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

if TYPE_CHECKING:
    import pandas as pd


def look(deep: Deep) -> list[list[str]]:
    """The paths of images that are near-copies of one another, a list a group; those with equal bytes are among them,
    but a group of nothing else is left to the quick checks."""
    hashes = deep.seen.good["hash"].to_numpy()
    return [[str(path) for path in deep.paths[group]] for group in deep.near if len(set(hashes[group])) > 1]


def tell(seen: Seen, groups: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """What near-copies spoil: the score where they lie in two splits, the labels where they lie in two classes."""
    group_of = {path: number for number, group in enumerate(groups) for path in group}
    rows = seen.good.assign(hash=seen.good["path"].map(group_of)).dropna(subset=["hash"])
    rows = rows[rows.duplicated("hash", keep=False)].sort_values(["hash", "split", "path"], kind="stable")
    if rows.empty:
        return
    leaking, torn = _differ(rows, "split"), _differ(rows, "class")
    if leaking.any():
        yield _leaks(rows[leaking])
    if torn.any():
        yield _two_classes(rows[torn])
    rest = rows[~leaking & ~torn]
    if not rest.empty:
        yield _together(rest)


def _differ(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby("hash")[column].transform(lambda values: values.nunique() > 1).astype(bool)


def _leaks(rows: pd.DataFrame) -> Finding:
    copies = rows[rows["split"] == "train"]["path"].tolist()
    count = rows["hash"].nunique()
    return Finding(
        "near_leaks", "error",
        f"{_groups(count)} nearly the same pictures {'is' if count == 1 else 'are'} in more than one split: cropped, "
        "mirrored or edited copies give the answer away as copies do, and the score says too much.",
        tuple(rows["path"]), grouped(rows),
        (Mend("exclude", "Leave the training copies out", {"paths": copies, "reason": "a near-copy is held back"}),)
        if copies else ())


def _two_classes(rows: pd.DataFrame) -> Finding:
    count = rows["hash"].nunique()
    return Finding(
        "near_two_classes", "warning",
        f"{_groups(count)} nearly the same pictures {'has' if count == 1 else 'have'} more than one label: at most one "
        "of them is right.",
        tuple(rows["path"]), grouped(rows),
        (Mend("exclude", "Leave them all out",
              {"paths": rows["path"].tolist(), "reason": "nearly the same picture in two classes"}),))


def _together(rows: pd.DataFrame) -> Finding:
    count, spare = rows["hash"].nunique(), rows[rows.duplicated("hash")]["path"].tolist()
    return Finding(
        "near_duplicates", "hint",
        f"{_groups(count)} nearly the same pictures: cropped, mirrored or edited copies of one. They stay in one "
        "split, and count as often as they are there.",
        tuple(rows["path"]), grouped(rows),
        (Mend("exclude", "Keep one of each", {"paths": spare, "reason": "a near-copy"}),))


def _groups(count: int) -> str:
    return "One group of" if count == 1 else f"{count:,} groups of"
