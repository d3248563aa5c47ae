"""Predicting with Graft: a client of its prediction process, as the pages are.

    python -m benchmarks.graft_predict RUN_DIR FOLDER REPORT [--warm]

REPORT gets the seconds and the label given to each file. With --warm the process has answered once before.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from core.inference import Predictor


def main() -> None:
    """Predict every file of the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--warm", action="store_true")
    args = parser.parse_args()
    images = sorted(args.folder.iterdir())
    predictor = Predictor()
    if args.warm:
        predictor.predict(args.run_dir, images, timeout=600)
    began = time.monotonic()
    found = predictor.predict(args.run_dir, images, timeout=600)
    seconds = time.monotonic() - began
    predictor.close()
    args.report.write_text(json.dumps(
        {"seconds": seconds, "answers": {Path(item.path).name: item.label for item in found}}), "utf-8")


if __name__ == "__main__":
    main()
