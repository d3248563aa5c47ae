"""What cannot be used at all."""

from __future__ import annotations

from collections.abc import Iterator

from core.data.checks.report import Finding
from core.data.checks.seen import Seen


def unusable(seen: Seen) -> Iterator[Finding]:
    """Files that are no readable images; they are left out already."""
    if count := len(seen.bad):
        yield Finding("unusable", "hint",
                      f"{count:,} {'file' if count == 1 else 'files'} cannot be read as a picture and "
                      f"{'is' if count == 1 else 'are'} left out.", tuple(seen.bad["path"]))


def unsplit(seen: Seen) -> Iterator[Finding]:
    """Data that cannot be divided as the settings say."""
    if seen.unsplit:
        yield Finding("unsplit", "error", seen.unsplit)
