"""What the model says of image files: python predict.py photo.jpg ... [--json]"""

import json
import sys
from pathlib import Path

import numpy as np
from preprocess import load_image
from runtime import load_model

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "model.json").read_text("utf-8"))


def predict(files):
    """A row a file: float32 [n, classes], in the order of ABOUT["classes"]."""
    run = load_model(HERE)
    rows = []
    for file in files:
        pixels = load_image(file, ABOUT["image_size"], ABOUT["resize"])
        output = np.asarray(run(pixels[None].astype(np.float32)), np.float32)[0]
        rows.append(np.array([1 - output[0], output[0]]) if len(output) == 1 else output)
    return np.stack(rows)


def main(arguments):
    """Print the answers."""
    files = [argument for argument in arguments if argument != "--json"]
    answers = [{"file": file, "label": ABOUT["classes"][int(row.argmax())], "probability": float(row.max()),
                "probabilities": dict(zip(ABOUT["classes"], map(float, row), strict=True))}
               for file, row in zip(files, predict(files), strict=True)]
    if "--json" in arguments:
        print(json.dumps(answers))
    else:
        for answer in answers:
            print(f"{answer['file']}: {answer['label']} {answer['probability']:.0%}")


if __name__ == "__main__":
    main(sys.argv[1:])
