"""The floor: one forward pass with Keras, then scikit-learn's logistic regression on the pooled features.

    python features_script.py FOLDER OUT FEATURES

FEATURES is an .npz file with the pooled features: used when it is there, else written.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STRENGTH = 0.001
"""Inverse of the L2 penalty: with 1,280 features and few thousand images, scikit-learn's 1.0 over-fits."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("features", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--alpha", type=float, default=0.35)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()
    if not args.features.is_file():
        pooled: dict[str, Any] = pooled_features(args)
        np.savez(args.features, **pooled)
    data = np.load(args.features)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))
    model.fit(data["train"], data["train_labels"])
    joblib.dump(model, f"{args.out}/model.joblib")
    with open(f"{args.out}/report.json", "w", encoding="utf-8") as handle:
        json.dump({"val_accuracy": float(model.score(data["val"], data["val_labels"]))}, handle)


def pooled_features(args: argparse.Namespace) -> dict[str, np.ndarray]:
    """One pass over both folders: features float32 [n, channels] and class numbers [n] of each."""
    import keras

    shape = (args.size, args.size)
    backbone = keras.applications.MobileNetV2(
        input_shape=(*shape, 3), alpha=args.alpha, include_top=False, weights=args.weights, pooling="avg")
    inputs = keras.Input((*shape, 3))
    model = keras.Model(inputs, backbone(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs), training=False))
    found = {}
    for split in ("train", "val"):
        images = keras.utils.image_dataset_from_directory(
            f"{args.folder}/{split}", image_size=shape, batch_size=args.batch, shuffle=False)
        found[split] = model.predict(images, verbose=2)
        found[f"{split}_labels"] = np.array(
            [images.class_names.index(Path(path).parent.name) for path in images.file_paths])
    return found


if __name__ == "__main__":
    main()
