"""Small things to train on: coloured pictures, and a recipe that takes seconds. And a small file of a huge picture."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.dataset import Dataset
from core.recipe.fields import Recipe
from core.store.workspace import Workspace

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


def copied(dataset: Dataset, workspace: Workspace) -> Dataset:
    """The same dataset in another workspace: reading an archive starts a process, a copy takes milliseconds."""
    shutil.copytree(dataset.path, workspace.datasets / dataset.id)
    return Dataset.load(workspace.datasets / dataset.id)


def tiny_recipe(*assignments: str) -> Recipe:
    """The small network of our own, 32 px, random weights, two epochs of plain SGD; then what the assignments say."""
    return Recipe().override([
        "model.backbone=SmallNet", "model.weights=none", "model.dropout=0", "data.image_size=32",
        "train.batch_size=8", "train.phases.0.epochs=2", "train.phases.0.schedule=constant",
        "train.phases.0.optimizer=sgd", "train.phases.0.learning_rate=0.01", *assignments,
    ])


def huge_png(side: int) -> bytes:
    """An RGBA PNG of one colour, made a row at a time."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\xc8\x0a\x0a\x80" * side
    data = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", data) + chunk(b"IEND", b""))
