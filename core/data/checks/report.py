"""What the checks of a dataset have found: findings with a severity, the images concerned, and what mends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "hint"]
Depth = Literal["quick", "all"]


@dataclass(frozen=True)
class Mend:
    """A change that would put a finding right."""

    kind: str
    """A function of `core.data.mending`, or `set` for fields of the recipe."""
    text: str
    """What a button for it says."""
    values: Mapping[str, Any]
    """What the function takes beside workspace and dataset; for `set` values by dotted path."""


@dataclass(frozen=True)
class Finding:
    """Something that may be wrong."""

    kind: str
    """Names the check that found it."""
    severity: Severity
    message: str
    """One or two sentences. Names in it are as they are: escape it."""
    paths: tuple[str, ...] = ()
    """Of the images concerned, the most important first."""
    groups: tuple[tuple[str, ...], ...] = ()
    """Images that belong together, where that is what was found."""
    mends: tuple[Mend, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    """More on single images, each with its `path`."""


@dataclass(frozen=True)
class Report:
    """All findings, the most severe first."""

    findings: tuple[Finding, ...]
    checks: Depth
    seconds: float
    fingerprint: str
    """Of the dataset when it was checked."""
    left_out: tuple[str, ...] = field(default=())
    """Sentences on checks that could not be made, and why."""

    def of(self, *kinds: str) -> list[Finding]:
        """The findings of some kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]
