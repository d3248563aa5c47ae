"""Labels that may be wrong, by confident learning: Northcutt, Jiang, Chuang, "Confident Learning: Estimating
Uncertainty in Dataset Labels", JAIR 70 (2021).

A picture is judged by a classifier that has not seen it (cross-validation on the backbone's features; near-copies of it
are kept from the classifier as well). Another class is suggested where its probability reaches the mean that pictures
of that class have for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core.data.checks import features
from core.data.checks.deep import Deep
from core.data.checks.report import Finding
from core.data.checks.seen import Seen

FOLDS = 5
LEAST_IMAGES = 4
"""Classes with fewer pictures are neither judged nor suggested."""
STRENGTH = 0.02
"""`C` of the regression, on components scaled to unit mean variance; the best on the photos that were tried of 0.002,
0.02, 0.2 and 2."""
SURE = 0.7
"""Probability of the suggested class below which nothing is said: of those suspects most labels are right."""
MOST = 500


def look(deep: Deep) -> list[dict[str, Any]]:
    """`[{path, given, suggested, probability}]`, the most suspicious first."""
    probability, classes = out_of_fold(deep)
    return [{"path": str(deep.paths[row]), "given": str(deep.labels[row]), "suggested": str(classes[suggested]),
             "probability": round(float(probability[row, suggested]), 4)}
            for row, suggested in suspects(probability, classes, deep.labels)][:MOST]


def tell(seen: Seen, found: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Those that still have the label which was doubted."""
    label = dict(zip(seen.good["path"], seen.good["class"], strict=True))
    left = [one for one in found if label.get(one["path"]) == one["given"] and one["suggested"] in seen.classes]
    if left:
        count = len(left)
        yield Finding(
            "label_suspects", "warning",
            f"{count:,} {'label looks' if count == 1 else 'labels look'} wrong: a model that had not seen the picture "
            f"is sure of another class. Look at {'it' if count == 1 else 'them'}, the most suspicious first.",
            tuple(one["path"] for one in left), (), (), tuple(dict(one) for one in left))


def out_of_fold(deep: Deep) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each class for each picture, by classifiers that have seen neither it nor its near-copies.

    Returns:
        float32 [n, k], NaN for pictures that are not judged; and the k classes that are judged, in order.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    names, counts = np.unique(deep.labels, return_counts=True)
    classes = names[counts >= LEAST_IMAGES]
    judged = np.flatnonzero(np.isin(deep.labels, classes))
    result = np.full((len(deep.labels), len(classes)), np.nan, np.float32)
    if len(classes) < 2:
        return result, classes
    rows, label, unit = features.components(deep.features[judged]), deep.labels[judged], deep.unit[judged]
    folds = min(FOLDS, int(counts[counts >= LEAST_IMAGES].min()), len(np.unique(unit)))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for number, (train, held) in enumerate(splitter.split(rows, label, unit)):
        deep.tell("Looking for wrong labels", number, folds)
        if len(np.unique(label[train])) < 2:
            continue
        model = LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-3).fit(rows[train], label[train])
        where = np.searchsorted(classes, model.classes_)
        found = np.zeros((len(held), len(classes)), np.float32)
        found[:, where] = model.predict_proba(rows[held])
        result[judged[held]] = found
    return result, classes


def suspects(probability: np.ndarray, classes: np.ndarray, labels: np.ndarray, sure: float = SURE
             ) -> list[tuple[int, int]]:
    """Rows whose label is doubted, with the number of the suggested class; the most suspicious first.

    Args:
        probability: float [n, k]; rows of NaN are not judged.
        classes: The k classes, in order.
        labels: The class of each of the n images.
        sure: The least probability of a suggestion.
    """
    judged = np.flatnonzero(~np.isnan(probability).any(1))
    own = np.searchsorted(classes, labels[judged])
    seen = probability[judged]
    expected = np.array([seen[own == number, number].mean() if (own == number).any() else 1.0
                         for number in range(len(classes))])
    others = np.where(seen >= expected, seen, 0.0)
    suggested = others.argmax(1)
    doubted = (others.max(1) >= sure) & (suggested != own)
    margin = seen[np.arange(len(seen)), own] - seen[np.arange(len(seen)), suggested]
    order = np.argsort(margin, kind="stable")
    return [(int(judged[row]), int(suggested[row])) for row in order if doubted[row]]


def suspicion(probability: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """All rows, from the most suspicious label to the least: by the probability of the given class less that of the
    likeliest other ("normalised margin", as Northcutt et al.). int [n]; what is not judged comes last."""
    known = np.isin(labels, classes) & ~np.isnan(probability).any(1)
    margin = np.full(len(labels), np.inf)
    own = np.searchsorted(classes, labels[known])
    seen = probability[known].copy()
    given = seen[np.arange(len(seen)), own].copy()
    seen[np.arange(len(seen)), own] = -1
    margin[known] = given - seen.max(1)
    return np.argsort(margin, kind="stable")
