"""Classes that one of the source's own splits lacks, and the readings that mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.data.layouts.reading import SPLITS, TITLES, Reading, counts
from core.data.sources.names import natural

_MOVED = 5
"""One of so many training images goes to the split that lacks the class."""


@dataclass(frozen=True)
class Gap:
    """A class that has no image in a split that has images of others."""

    label: str
    lacks: str


def gaps(reading: Reading, paths: Sequence[str]) -> list[Gap]:
    """The classes that a split lacks: of training and validation, every class needs images in both. Test may lack one.

    Args:
        paths: Of the images that can be used.
    """
    found = counts(reading, paths)
    given = {split for of_class in found.values() for split in of_class if split}
    return [Gap(label, split) for split in SPLITS[:2] if split in given
            for label, of_class in found.items() if split not in of_class]


def mended(reading: Reading, paths: Sequence[str]) -> list[Reading]:
    """Readings without the gaps: the whole classes alone, some training images moved, or all of it split anew."""
    found = gaps(reading, paths)
    if not found:
        return []
    missing = sorted({gap.label for gap in found}, key=natural)
    named = ", ".join(missing[:4]) + (f" and {len(missing) - 4:,} more" if len(missing) > 4 else "")
    rest = {at: place for at, place in reading.places.items() if place[0] not in missing}
    kept = {place[0] for place in rest.values()}
    offers = [replace(reading, id=f"{_base(reading)}+rest", text=f"{len(kept):,} classes, without {named}",
                      places=rest, certain=True)] if len(kept) >= 2 else []
    moved = _moved(found, reading, paths)
    if moved and not gaps(moved, paths):
        offers.append(moved)
    anew = {at: (label, "") for at, (label, _) in reading.places.items()}
    return [*offers, replace(reading, id=f"{_base(reading)}+anew", places=anew, certain=True,
                             text=f"All images of {len({place[0] for place in anew.values()}):,} classes, to be split "
                                  "anew")]


def _moved(found: Sequence[Gap], reading: Reading, paths: Sequence[str]) -> Reading | None:
    """A fifth of the images that a class has elsewhere, evenly taken, and at least one, goes to the split without."""
    extra = {}
    for gap in found:
        own = sorted((path for path in paths if (reading.class_of(path) or ("",))[0] == gap.label), key=natural)
        if len(own) < 2:
            return None
        every = _MOVED if len(own) >= _MOVED else len(own)
        extra.update({path: (gap.label, gap.lacks) for path in own[every - 1::every]})
    into = ", ".join(f"{gap.label} → {TITLES[gap.lacks]}" for gap in found[:4])
    more = f" and {len(found) - 4:,} more" if len(found) > 4 else ""
    return replace(reading, id=f"{_base(reading)}+moved", places={**reading.places, **extra}, certain=True,
                   text=f"{len(extra):,} images moved to where they lack: {into}{more}")


def _base(reading: Reading) -> str:
    return reading.id.partition("+")[0]
