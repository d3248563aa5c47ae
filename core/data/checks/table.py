"""What is looked for in a dataset. A further check is a function, in a module of its own, and a row here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.data.checks import (
    balance,
    class_names,
    copies,
    evidence,
    labels,
    light,
    near,
    odd,
    shortcuts,
    sizes,
    unusable,
)
from core.data.checks.evidence import Evidence
from core.data.checks.report import Finding, Report
from core.data.checks.seen import Seen, look_at
from core.data.dataset import Dataset
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    from core.data.checks.deep import Deep

Check = Callable[[Seen], Iterable[Finding]]


@dataclass(frozen=True)
class Thorough:
    """A check that needs the pictures themselves, and a backbone's features of them."""

    look: Callable[[Deep], Any]
    """What is seen, as JSON takes it; in a process of its own."""
    tell: Callable[[Seen, Any], Iterable[Finding]]
    """What that means for the dataset as it is labelled and split now."""

QUICK: dict[str, Check] = {
    "unusable": unusable.unusable,
    "unsplit": unusable.unsplit,
    "leaks": copies.leaks,
    "two_classes": copies.two_classes,
    "duplicates": copies.duplicates,
    "few": balance.few,
    "imbalance": balance.imbalance,
    "class_names": class_names.alike,
    "tiny": sizes.tiny,
    "extreme_aspect": sizes.extreme_aspect,
}
"""Checks that need the manifest alone, by name. What they find has that name as its kind."""
THOROUGH: dict[str, Thorough] = {
    evidence.NEAR: Thorough(near.look, near.tell),
    "labels": Thorough(labels.look, labels.tell),
    "shortcuts": Thorough(shortcuts.look, shortcuts.tell),
    "outliers": Thorough(odd.look, odd.tell),
    "light": Thorough(light.look, light.tell),
}
"""By the name of what was seen in the evidence. Kinds of what they find stand in their modules."""
_GRAVITY = ("error", "warning", "hint")


def quick(dataset: Dataset, settings: DataSettings | None = None) -> Report:
    """What the quick checks find.

    Args:
        settings: How the data is split. None: as a new recipe does.
    """
    began = time.monotonic()
    return Report(in_order(_quick(look_at(dataset, settings))), "quick", round(time.monotonic() - began, 3),
                  dataset.fingerprint)


def _quick(seen: Seen) -> list[Finding]:
    return [finding for check in QUICK.values() for finding in check(seen)]


def report(dataset: Dataset, settings: DataSettings | None = None) -> Report:
    """What the quick checks find, and what was seen when the dataset was last checked thoroughly, if it ever was.

    Args:
        settings: How the data is split. None: as a new recipe does.
    """
    found = evidence.read(dataset)
    return quick(dataset, settings) if found is None else with_evidence(dataset, found, settings)


def with_evidence(dataset: Dataset, seen: Evidence, settings: DataSettings | None = None) -> Report:
    """What the quick checks find, and what the evidence says of the dataset as it is now."""
    began, known = time.monotonic(), look_at(dataset, settings)
    told = [finding for name, check in THOROUGH.items() if name in seen.seen
            for finding in check.tell(known, seen.seen[name])]
    return Report(in_order([*_quick(known), *told]), "all", round(time.monotonic() - began + seen.seconds, 3),
                  dataset.fingerprint, seen.left_out)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the most severe first, otherwise as they come."""
    return tuple(sorted(findings, key=lambda finding: _GRAVITY.index(finding.severity)))
