"""How right the defaults are: Graft against a logistic regression on the same features and the same split.

    python -m benchmarks.accuracy [ARCHIVE ...]      default: hymenoptera.zip and flowers128.zip in $GRAFT_REAL_DATA

For each archive: Graft with every setting at its default, on three seeds; the same with activations in float32, to
see what half precision costs; and scikit-learn's logistic regression on the pooled features of the same training
images, at several strengths of its penalty, each scored on the same validation images (the best of them is chosen
there, which flatters it). Prints a table and writes `benchmarks/results/accuracy.json`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones import weights
from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.data.library import ingest
from core.errors import GraftError
from core.recipe.fields import Recipe
from core.runs.run import Run
from core.store.files import write_json
from core.store.workspace import Workspace

ARCHIVES = ("hymenoptera.zip", "flowers128.zip")
BACKBONE, ALPHA = "MobileNetV2", 0.35
SEEDS = (0, 1, 2)
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""scikit-learn's C: the inverse of the penalty's strength."""
RESULTS = Path(__file__).with_name("results") / "accuracy.json"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    real = os.environ.get("GRAFT_REAL_DATA")
    usual = [Path(real, name) for name in ARCHIVES] if real else []
    parser.add_argument("archives", nargs="*", type=Path, default=usual)
    archives = parser.parse_args().archives
    if not archives:
        parser.error("name an archive, or set GRAFT_REAL_DATA")
    found = {}
    for archive in archives:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found[archive.stem] = compared(archive, Workspace(Path(folder)))
            except GraftError as error:
                parser.error(str(error))
        write_json(RESULTS, found)
        for name, value in found[archive.stem].items():
            print(f"{archive.stem:16} {name:24} {value}", flush=True)


def compared(archive: Path, workspace: Workspace) -> dict[str, Any]:
    """Validation accuracies on one archive."""
    dataset = ingest(archive, workspace)
    half = [trained(dataset, workspace, seed, exact=False) for seed in SEEDS]
    full = [trained(dataset, workspace, seed, exact=True) for seed in SEEDS]
    features, train, validation = full[0][1:]
    regression = {
        str(penalty): logistic_regression(penalty, features, train, validation) for penalty in PENALTIES
    }
    return {
        "validation_images": len(validation[0]), "graft": [item[0] for item in half],
        "graft_float32": [item[0] for item in full], "logistic_regression": regression,
        "best_logistic_regression": max(regression.values()),
    }


def trained(dataset: Dataset, workspace: Workspace, seed: int, exact: bool, name: str = BACKBONE,
            alpha: float | None = ALPHA) -> tuple[float, np.ndarray, Any, Any]:
    """As `fitted`, with every setting but these at its default."""
    width = "null" if alpha is None else alpha
    recipe = Recipe().override([f"model.backbone={name}", f"model.alpha={width}", f"train.seed={seed}"])
    return fitted(dataset, workspace, recipe, exact)


def fitted(dataset: Dataset, workspace: Workspace, recipe: Recipe, exact: bool = False
           ) -> tuple[float, np.ndarray, Any, Any]:
    """Train as the worker does, in this process.

    Args:
        exact: Keep activations as float32.

    Returns:
        (accuracy, features of the first phase [n, k], (rows, labels) of training, and of validation).
    """
    from core.engine.feed.activations import ActivationCache
    from core.engine.feed.examples import load_examples
    from core.engine.feed.pixels import Pixels
    from core.engine.reporter import Reporter
    from core.engine.training.session import TrainingSession

    run = Run.create(dataset, recipe, workspace)
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    file = weights.ensure(backbone, variant, recipe.model.weights)
    examples = load_examples(run, dataset)
    pixels = Pixels(dataset, workspace, backbone.default_size, recipe.data.resize)
    with Reporter(run) as reporter:
        session = TrainingSession(run, recipe, variant, file, examples, pixels, workspace, reporter)
        trainer = session.trainer
        trainer.feeds.cache = session.cache = ActivationCache(workspace, pixels, reporter, exact=exact)
        trainer.fit()
        store = session.cache.open(session.trunk(0), examples.rows)
        assert store is not None and store.dtype == (np.float32 if exact else np.float16)
        features = np.zeros((store.rows, *store.shape), np.float32)
        features[examples.rows] = store.read(examples.rows)
        store.close()
        reporter.finish("completed", "")
    training, validation = ((part.rows, part.labels) for part in (examples.of("train"), examples.of("validation")))
    return round(trainer.best.accuracy, 4), features, training, validation


def logistic_regression(penalty: float, features: np.ndarray, train: Any, validation: Any) -> float:
    """Validation accuracy of scikit-learn's logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, max_iter=1000)
    model.fit(features[train[0]], train[1])
    return round(float(model.score(features[validation[0]], validation[1])), 4)


if __name__ == "__main__":
    main()
