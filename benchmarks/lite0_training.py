"""What the defaults make of the backbone that comes along, beside the usual one and logistic regression.

    python -m benchmarks.lite0_training [ARCHIVE ...] [--seeds 0,1,2] [--json FILE]

EfficientNetLite0 and MobileNetV2 (alpha 0.35), every other setting at its default, on hymenoptera.zip, flowers128.zip
and catsdogs.zip of $GRAFT_REAL_DATA. Beside each: scikit-learn's logistic regression on the same pooled features and
the same split, at several strengths of its penalty (the best of them is chosen on the validation images, which flatters
it). Folders `training_set` and `test_set` inside an archive are taken for `train` and `val`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.accuracy import PENALTIES, logistic_regression, trained
from benchmarks.results import machine
from core.data.library import ingest
from core.store.files import write_json
from core.store.workspace import Workspace

ARCHIVES = ("hymenoptera.zip", "flowers128.zip", "catsdogs.zip")
BACKBONES: tuple[tuple[str, float | None], ...] = (("EfficientNetLite0", None), ("MobileNetV2", 0.35))
SPLITS = {"training_set": "train", "test_set": "val"}
RESULTS = Path(__file__).with_name("results") / "lite0_training.json"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    real = os.environ.get("GRAFT_REAL_DATA")
    usual = [Path(real, name) for name in ARCHIVES] if real else []
    parser.add_argument("archives", nargs="*", type=Path, default=usual)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--json", type=Path, default=RESULTS)
    args = parser.parse_args()
    if not args.archives:
        parser.error("name an archive, or set GRAFT_REAL_DATA")
    found = json.loads(args.json.read_text("utf-8")) if args.json.is_file() else {}
    for archive in args.archives:
        with tempfile.TemporaryDirectory() as folder:
            for name, result in compared(archive, Path(folder), args.seeds):
                found.setdefault(archive.stem, {})[name] = result
                print(f"{archive.stem:14} {name:22} {json.dumps(result)}", flush=True)
                write_json(args.json, {**found, "machine": machine()})


def compared(archive: Path, folder: Path, seeds: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Validation accuracies on one archive, backbone by backbone."""
    workspace = Workspace(folder / "workspace")
    dataset = ingest(laid_out(archive, folder / archive.stem), workspace)
    for name, alpha in BACKBONES:
        load = os.getloadavg()[0]
        runs = [trained(dataset, workspace, seed, exact=False, name=name, alpha=alpha) for seed in seeds]
        accuracies = [run[0] for run in runs]
        features, train, validation = runs[0][1:]
        regression = {str(penalty): logistic_regression(penalty, features, train, validation)
                      for penalty in PENALTIES}
        yield name if alpha is None else f"{name} {alpha:g}", {
            "training_images": len(train[0]), "validation_images": len(validation[0]), "seeds": seeds,
            "graft": accuracies, "graft_mean": round(sum(accuracies) / len(accuracies), 4),
            "logistic_regression": regression, "best_logistic_regression": max(regression.values()),
            "load_when_it_began": round(load, 1),
        }


def laid_out(archive: Path, folder: Path) -> Path:
    """The archive itself, or a folder of its pictures as train and val where it names its splits otherwise."""
    with zipfile.ZipFile(archive) as file:
        parts = {name: PurePosixPath(name).parts for name in file.namelist() if not name.endswith("/")}
        if not any(set(path) & set(SPLITS) for path in parts.values()):
            return archive
        for name, path in parts.items():
            split = next((SPLITS[part] for part in path if part in SPLITS), None)
            if split:
                target = folder / split / path[-2] / path[-1]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read(name))
    return folder


if __name__ == "__main__":
    main()
