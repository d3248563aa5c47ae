"""Small things to train on: coloured pictures, and a recipe that takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from core.recipe.fields import Recipe

COLOURS = {"blue": (40, 80, 200), "green": (50, 160, 60), "red": (200, 60, 50)}


def coloured_folder(path: Path, per_class: int = 12, side: int = 40) -> Path:
    """A folder of noisy PNGs for each colour."""
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (path / name).mkdir(parents=True)
        for index in range(per_class):
            pixels = np.clip(random.normal(0, 40, (side, side, 3)) + colour, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path / name / f"{index:02d}.png")
    return path


def tiny_recipe(*assignments: str) -> Recipe:
    """The small network of our own, 32 px, random weights, two epochs of plain SGD; then what the assignments say."""
    return Recipe().override([
        "model.backbone=SmallNet", "model.weights=none", "model.dropout=0", "data.image_size=32",
        "train.batch_size=8", "train.phases.0.epochs=2", "train.phases.0.schedule=constant",
        "train.phases.0.optimizer=sgd", "train.phases.0.learning_rate=0.01", *assignments,
    ])
