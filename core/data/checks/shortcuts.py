"""Shortcuts: what has nothing to do with what a picture shows, and still tells its class.

A model takes the easiest way. Where all pictures of one class come from one camera, or have a border, it learns that,
and fails on other pictures (Geirhos et al., "Shortcut learning in deep neural networks", 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core.data.checks.deep import Deep
from core.data.checks.report import Finding
from core.data.checks.seen import Seen
from core.data.splits import shots

LEAST_IMAGES = 8
"""Of a class; smaller ones are left out."""
ABOVE_CHANCE = 0.6
"""How far from chance (0) to certainty (1) the balanced accuracy by one property alone must be."""
ONE_CLASS = 0.9
"""F1 of a class that is recognised by the property alone: one class with a mark of its own is a shortcut as well."""
FOLDS = 5
_MOST_CLASSES = 200


def look(deep: Deep) -> list[dict[str, Any]]:
    """`[{property, accuracy, chance, classes}]`: properties that alone tell the classes apart, by cross-validated
    balanced accuracy; `classes`: those that are recognised best."""
    names, counts = np.unique(deep.labels, return_counts=True)
    names = names[counts >= LEAST_IMAGES]
    if not 2 <= len(names) <= _MOST_CLASSES:
        return []
    chosen = np.flatnonzero(np.isin(deep.labels, names))
    labels, found = deep.labels[chosen], []
    for number, (name, values_of) in enumerate(PROPERTIES.items()):
        deep.tell("Looking for shortcuts", number, len(PROPERTIES))
        values = values_of(deep)[chosen]
        if len(np.unique(values, axis=0)) < 2:
            continue
        told = told_by(values, labels, deep.unit[chosen])
        marked, chance = [label for label in names if f1(told, labels, label) >= ONE_CLASS], 1 / len(names)
        accuracy = float(np.mean([(told[labels == label] == label).mean() for label in names]))
        if (accuracy - chance) / (1 - chance) >= ABOVE_CHANCE or marked:
            found.append({"property": name, "accuracy": round(accuracy, 4), "chance": round(chance, 4),
                          "classes": [str(label) for label in marked]})
    return found


def told_by(values: np.ndarray, labels: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """The class of each picture as a property alone tells it, cross-validated with a small decision tree; near-copies
    stay together.

    Args:
        values: float [n, k].
        labels: The class of each.
        unit: int [n]: the same number for near-copies.
    """
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    least = max(1, len(labels) // 200)
    tree = DecisionTreeClassifier(max_leaf_nodes=4 * len(np.unique(labels)), min_samples_leaf=least,
                                  class_weight="balanced", random_state=0)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    told: np.ndarray = cross_val_predict(tree, values, labels, groups=unit, cv=splitter)
    return told


def f1(told: np.ndarray, labels: np.ndarray, label: str) -> float:
    """Harmonic mean of precision and recall of one class."""
    both = int(((told == label) & (labels == label)).sum())
    return 2 * both / max(int((told == label).sum()) + int((labels == label).sum()), 1)


def tell(seen: Seen, found: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """The properties, as they were when the check was made."""
    for one in found:
        which = [label for label in one["classes"] if label in seen.classes][:3]
        more = " and others" if len(one["classes"]) > 3 else ""
        told = f"gives {', '.join(which)}{more} away" if which else "tells the classes apart"
        yield Finding(
            "shortcut", "warning",
            f"{_TITLES.get(one['property'], one['property'])} alone {told}: "
            f"{one['accuracy']:.0%} right by it, {one['chance']:.0%} by chance. The model may learn that instead of "
            "what the pictures show, and fail on others. Bring pictures of every class from the same sources.")


def _columns(*names: str) -> Callable[[Deep], np.ndarray]:
    return lambda deep: np.log1p(deep.seen.good[list(names)].to_numpy(np.float64))


def _numbered(values: Sequence[str]) -> np.ndarray:
    """A column for each of the most frequent values: 1 where it is so."""
    names, counts = np.unique(values, return_counts=True)
    frequent = names[np.argsort(-counts, kind="stable")][:32]
    return (np.asarray(values)[:, None] == frequent[None, :]).astype(np.float32)


def _camera(deep: Deep) -> np.ndarray:
    taken = shots.shots(deep.dataset)
    return _numbered([taken.get(file, "").rpartition(", ")[0] for file in deep.seen.good["file"]])


PROPERTIES: dict[str, Callable[[Deep], np.ndarray]] = {
    "file_size": _columns("bytes"),
    "resolution": _columns("width", "height"),
    "proportions": lambda deep: deep.small.ratio[:, None],
    "file_type": lambda deep: _numbered([str(file).rpartition(".")[2].lower() for file in deep.seen.good["file"]]),
    "camera": _camera,
    "border": lambda deep: deep.small.border,
    "mean_colour": lambda deep: deep.small.mean,
    "brightness": lambda deep: np.stack([deep.small.brightness, deep.small.contrast], 1),
    "sharpness": lambda deep: np.log1p(deep.small.sharpness)[:, None],
}
"""Numbers [n, k] by name. A further property is a row, with its title."""
_TITLES = {
    "file_size": "The size of the file", "resolution": "The size in pixels", "proportions": "The shape of the picture",
    "file_type": "The type of the file", "camera": "The camera", "border": "The border",
    "mean_colour": "The mean colour", "brightness": "Light and contrast", "sharpness": "The sharpness",
}
