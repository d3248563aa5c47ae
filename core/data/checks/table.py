"""What is looked for in every dataset. A further check is a function, in a module of its own, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.data.checks.copies import torn_copies

Check = Callable[[Sequence[Mapping[str, Any]]], list[str]]
"""From the rows of a manifest to sentences on what is wrong; none when nothing is."""

CHECKS: dict[str, Check] = {
    "copies": torn_copies,
}


def findings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What all checks find, in the order of the table."""
    return [sentence for check in CHECKS.values() for sentence in check(rows)]
