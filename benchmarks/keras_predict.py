"""Predicting the usual way: load the model, read a folder, predict.

    python keras_predict.py MODEL FOLDER REPORT [--warm]

REPORT gets the seconds and the class number given to each file. With --warm the same is done a second time in the
same process, and the seconds are those of the second time.
"""

import argparse
import json
import time
from pathlib import Path

import keras


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("report")
    parser.add_argument("--warm", action="store_true")
    args = parser.parse_args()
    model = keras.models.load_model(args.model)
    for _ in range(2 if args.warm else 1):
        began = time.monotonic()
        images = keras.utils.image_dataset_from_directory(
            args.folder, labels=None, shuffle=False, image_size=model.input_shape[1:3], batch_size=32)
        classes = model.predict(images, verbose=0).argmax(1)
        seconds = time.monotonic() - began
    answers = {Path(path).name: int(number) for path, number in zip(images.file_paths, classes, strict=True)}
    with open(args.report, "w", encoding="utf-8") as handle:
        json.dump({"seconds": seconds, "answers": answers}, handle)


if __name__ == "__main__":
    main()
