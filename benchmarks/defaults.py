"""Whether a baseline beats the defaults: the frozen default against a logistic regression on the same features.

    python -m benchmarks.defaults [--seeds 5] [--archives NAME ...] [--tuned]

For each archive of $GRAFT_REAL_DATA, backbone and seed: Graft's default for a frozen backbone (a head that is solved),
the same head trained with Adam, and scikit-learn's logistic regression on the same features, its strength chosen by
cross-validation on the training images alone. A seed gives another split of the same images (80 : 20, by class).
`--tuned` adds the default of two phases, and that with augmentation. Prints a table with the mean difference to the
regression and its 95 % interval (paired, Student's t), and puts the rows that were measured into
`benchmarks/results/defaults.json`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import fitted
from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.data.library import ingest
from core.errors import GraftError
from core.recipe import choices, proposals
from core.recipe.fields import Recipe
from core.store.files import read_json, write_json
from core.store.workspace import Workspace

ARCHIVES = ("hymenoptera", "catsdogs", "flowers128")
BACKBONES = (("MobileNetV2", 0.35), ("EfficientNetLite0", None))
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""scikit-learn's C, on features whose mean variance is one."""
RESULTS = Path(__file__).with_name("results") / "defaults.json"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--archives", nargs="+", default=list(ARCHIVES))
    parser.add_argument("--tuned", action="store_true")
    given = parser.parse_args()
    real = os.environ.get("GRAFT_REAL_DATA")
    if not real:
        parser.error("set GRAFT_REAL_DATA")
    found: dict[str, Any] = read_json(RESULTS) if RESULTS.is_file() else {}
    for name in given.archives:
        with tempfile.TemporaryDirectory() as folder:
            try:
                workspace = Workspace(Path(folder))
                dataset = ingest(Path(real, f"{name}.zip"), workspace)
                for backbone, alpha in BACKBONES:
                    key = f"{name} {backbone}"
                    found[key] = compared(dataset, workspace, backbone, alpha, range(given.seeds), given.tuned)
                    print(f"{key:32} " + "  ".join(f"{way} {line['mean']:.4f} ({_difference(line)})"
                                                   for way, line in found[key].items()), flush=True)
                    write_json(RESULTS, found)
            except GraftError as error:
                parser.error(str(error))


def compared(dataset: Dataset, workspace: Workspace, backbone: str, alpha: float | None, seeds: range,
             tuned: bool) -> dict[str, Any]:
    """`{way: {accuracies, mean, seconds, difference, interval}}`; differences are to the regression."""
    ways: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in seeds:
        for way, recipe in _recipes(backbone, alpha, seed, tuned).items():
            began = time.monotonic()
            accuracy, features, training, validation = fitted(dataset, workspace, recipe)
            ways.setdefault(way, []).append(accuracy)
            seconds.setdefault(way, []).append(time.monotonic() - began)
            if way == "solved":
                began = time.monotonic()
                ways.setdefault("regression", []).append(regression(features, training, validation))
                seconds.setdefault("regression", []).append(time.monotonic() - began)
    return {way: _summary(ways[way], ways["regression"], seconds[way]) for way in ways}


def _recipes(backbone: str, alpha: float | None, seed: int, tuned: bool) -> dict[str, Recipe]:
    _, variant = get(backbone, alpha)
    stepwise = Recipe().override([
        f"model.backbone={backbone}", f"model.alpha={'null' if alpha is None else alpha}", "data.folders=ignore",
        f"data.seed={seed}", f"train.seed={seed}"])
    solved = proposals.solved(stepwise)
    found = {"solved": solved, "adam": stepwise}
    if tuned:
        found["two phases"] = choices.fine_tuned(solved, variant)
        found["two phases, augmented"] = found["two phases"].override(["augment.preset=medium"])
    return found


def regression(features: np.ndarray, train: Any, validation: Any) -> float:
    """Validation accuracy of scikit-learn's logistic regression, its strength by five-fold cross-validation."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    mean = features[train[0]].mean(0)
    scale = float((features[train[0]] - mean).std())
    rows, held = (features[train[0]] - mean) / scale, (features[validation[0]] - mean) / scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = LogisticRegressionCV(Cs=STRENGTHS, cv=5, max_iter=300, tol=1e-3, n_jobs=2).fit(rows, train[1]).C_[0]
        model = LogisticRegression(C=chosen, max_iter=1000).fit(rows, train[1])
    return round(float(model.score(held, validation[1])), 4)


def _summary(accuracies: list[float], beside: list[float], seconds: list[float]) -> dict[str, Any]:
    from scipy.stats import t

    differences = np.array(accuracies) - beside
    half = 0.0
    if len(differences) > 1 and differences.std():
        half = float(t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / len(differences)**0.5)
    middle = float(differences.mean())
    return {"accuracies": accuracies, "mean": round(float(np.mean(accuracies)), 4),
            "median_seconds": round(float(np.median(seconds)), 1), "difference": round(middle, 4),
            "interval": [round(middle - half, 4), round(middle + half, 4)]}


def _difference(line: dict[str, Any]) -> str:
    low, high = line["interval"]
    return f"{line['difference']:+.4f}, {low:+.4f} to {high:+.4f}"


if __name__ == "__main__":
    main()
