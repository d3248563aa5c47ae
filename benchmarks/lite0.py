"""EfficientNetLite0 with the weights that come along, on real photos.

    python -m benchmarks.lite0 HYMENOPTERA.zip [--json FILE]

With its top: the share of photos that are called exactly *ant* or *bee*, as their folder says, among ImageNet's 1,000
classes. Without: what logistic regression (C = 0.1; from 0.01 to 0.3 the same within one photo) on its pooled features
makes of the val folder. The archive's one GIF is no photo but a sign that says that a photo is missing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from core.backbones import lite0
from core.data.images.decode import decode
from core.errors import ImageDecodeError

IMAGENET = {"ants": 310, "bees": 309}
"""Places of the classes *ant* and *bee* among the 1,000 of ImageNet."""
SIZE = 224
BATCH = 32


def measure(archive: Path) -> dict[str, Any]:
    """`{parameters, photos, top1, val_accuracy}` on an archive with train and val, ants and bees."""
    names, images = _photos(archive)
    classes = np.array([IMAGENET[PurePosixPath(name).parent.name] for name in names])
    held_out = np.array(["val" in PurePosixPath(name).parts for name in names])
    parameters, features, probabilities = _run(images)
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=0.1, max_iter=3000).fit(features[~held_out], classes[~held_out])
    return {
        "parameters": parameters, "photos": len(names),
        "top1": float((probabilities.argmax(1) == classes).mean()),
        "val_accuracy": float(regression.score(features[held_out], classes[held_out])),
    }


def _photos(archive: Path) -> tuple[list[str], np.ndarray]:
    names, images = [], []
    with zipfile.ZipFile(archive) as file:
        for name in sorted(file.namelist()):
            path = PurePosixPath(name)
            if path.parent.name not in IMAGENET or path.suffix == ".gif":
                continue
            try:
                images.append(decode(file.read(name), SIZE))
                names.append(name)
            except ImageDecodeError:
                continue
    return names, np.stack(images)


def _run(images: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Parameters with the top; pooled features [n, 1280]; probabilities [n, 1000]."""
    import keras

    from core.engine.model.efficientnet_lite import EfficientNetLite0
    from core.engine.model.network import PREPROCESSING

    image = keras.Input((SIZE, SIZE, 3))
    model = EfficientNetLite0(include_top=True, input_tensor=PREPROCESSING["lite"](image))
    source = lite0.source()
    assert source is not None, f"{lite0.PACKAGE} is not installed"
    with tempfile.TemporaryDirectory() as folder:
        model.load_weights(str(lite0.convert(source, Path(folder) / "top.h5", include_top=True)))
    both = keras.Model(model.input, [model.get_layer("avg_pool").output, model.output])
    features, probabilities = both.predict(images, batch_size=BATCH, verbose=0)
    return model.count_params(), features, probabilities


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = measure(args.archive)
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
