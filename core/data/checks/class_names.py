"""Labels that may mean the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import combinations

from core.data.checks.report import Finding, Mend
from core.data.checks.seen import Seen

_ALIKE = 0.85
"""Ratio of difflib's matcher from which names of five letters or more look misspelled: `forrest`, `forest` 0.92."""
_SHORTEST = 5
_MOST = 300
"""Classes up to which all pairs are compared."""


def alike(seen: Seen) -> Iterator[Finding]:
    """Names that differ in case, blanks, plural or a letter."""
    plain = {label: simplified(label) for label in seen.classes}
    pairs = [(one, other) for one, other in combinations(seen.classes[:_MOST], 2)
             if plain[one] == plain[other] or _misspelled(plain[one], plain[other])]
    for one, other in pairs:
        counts = seen.good["class"].value_counts()
        kept, given_up = sorted((one, other), key=lambda label: -counts.get(label, 0))
        mends = (Mend("merge_classes", f"Merge {given_up} into {kept}", {"old": [given_up], "new": kept}),)
        same = plain[one] == plain[other]
        yield Finding(
            "class_names", "warning" if same else "hint",
            f"The classes {one!r} and {other!r} "
            f"{'differ only in case, blanks or signs' if same else 'are nearly the same name'}. Are they one?",
            (), (), mends if len(seen.classes) > 2 else ())


def simplified(label: str) -> str:
    """A name without case, blanks and signs."""
    plain = unicodedata.normalize("NFKD", label).casefold()
    return "".join(letter for letter in plain if letter.isalnum()) or label


def _misspelled(one: str, other: str) -> bool:
    """One letter more, less or other, in a word that is long enough; numbers differ on purpose."""
    if min(len(one), len(other)) < _SHORTEST or abs(len(one) - len(other)) > 1:
        return False
    if "".join(filter(str.isdigit, one)) != "".join(filter(str.isdigit, other)):
        return False
    return SequenceMatcher(None, one, other).ratio() >= _ALIKE
