"""One way to read the paths of a source: which images are of which class and in which split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.data.sources.names import LONGEST, natural, tidy

SPLITS = ("train", "validation", "test")
TITLES = {"train": "training", "validation": "validation", "test": "test"}
"""How people read a split."""
_NAMED = 4

Place = tuple[str, str]
"""(class, split); the split is "" where the source has none."""


@dataclass(frozen=True)
class Reading:
    """A way to read a source. Plain values all through, so that it can be stored with a dataset and in its log."""

    id: str
    """What `--layout` takes."""
    text: str
    """What was understood, in one line."""
    places: Mapping[str, Place] = field(repr=False)
    """Folders, and images by their whole path: what lies there is of this class, in this split."""
    certain: bool = True
    """May be taken without asking; `text` says it then."""
    question: str = ""
    """Why it has to be asked for."""
    tables: tuple[str, ...] = ()
    """Names of the files other than images that it rests on."""

    def class_of(self, path: str) -> Place | None:
        """(class, split) of an image by its path in the source; None: outside of every class."""
        while path:
            if (place := self.places.get(path)) is not None:
                return place
            path = path.rpartition("/")[0]
        return None

    def doubted(self, question: str) -> Reading:
        """The same reading, to be asked for."""
        return replace(self, certain=False, question=self.question or question)

    def as_dict(self) -> dict[str, Any]:
        """As it is stored: the places are gathered by class and split."""
        gathered: dict[Place, list[str]] = {}
        for at, place in self.places.items():
            gathered.setdefault(place, []).append(at)
        return {"id": self.id, "text": self.text, "certain": self.certain, "question": self.question,
                "tables": list(self.tables),
                "places": [{"class": label, "split": split, "at": at} for (label, split), at in gathered.items()]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Reading:
        """Back from `as_dict`. Raises KeyError, TypeError."""
        places = {str(at): (str(group["class"]), str(group["split"]))
                  for group in document["places"] for at in group["at"]}
        return cls(str(document["id"]), str(document["text"]), places, bool(document["certain"]),
                   str(document["question"]), tuple(map(str, document["tables"])))


def counts(reading: Reading, paths: Iterable[str]) -> dict[str, dict[str, int]]:
    """`{class: {split: images}}` of some images, classes in natural order; the split is "" where there is none."""
    found: dict[str, dict[str, int]] = {}
    for path in paths:
        if place := reading.class_of(path):
            of_class = found.setdefault(place[0], {})
            of_class[place[1]] = of_class.get(place[1], 0) + 1
    return {label: found[label] for label in sorted(found, key=natural)}


def label_text(value: str) -> str:
    """A class label out of a file's text: what cannot be seen, and what would be a folder, is taken out."""
    return " ".join(tidy(value.replace("\\", "/").replace("/", "-")).split())[:LONGEST]


def classes_said(classes: Iterable[str]) -> str:
    """`3 classes (ants, bees, wasps)`, with the first few named."""
    ordered = sorted(classes, key=natural)
    more = f" and {len(ordered) - _NAMED:,} more" if len(ordered) > _NAMED else ""
    number = "1 class" if len(ordered) == 1 else f"{len(ordered):,} classes"
    return f"{number} ({', '.join(ordered[:_NAMED])}{more})"


def splits_said(folders: Sequence[tuple[str, str]]) -> str:
    """`2 splits: training_set → training, test_set → test`, from (folder, split) in the order to say them in."""
    parts = ", ".join(f"{folder} → {TITLES[split]}" for folder, split in folders[:6])
    more = f" and {len(folders) - 6:,} more" if len(folders) > 6 else ""
    number = "1 split" if len(folders) == 1 else f"{len(folders):,} splits"
    return f"{number}: {parts}{more}"
