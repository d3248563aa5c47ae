"""The mean of many pictures: what they have in common, where they have anything."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from core.data.dataset import Dataset
from core.errors import GraftError
from core.store.processes import cores

EDGE = 96
MOST = 200
"""Pictures that are looked at, spread evenly over those that were asked for: more change the mean by less than a level
of its 256."""


def mean_picture(dataset: Dataset, files: Sequence[str], edge: int = EDGE, most: int = MOST) -> np.ndarray | None:
    """The mean of pictures, each brought to a square: uint8 [edge, edge, 3]; None where none can be read.

    Args:
        files: As in the manifest.
        most: So many of them are looked at, by their thumbnails.
    """
    places = np.unique(np.linspace(0, max(len(files) - 1, 0), min(most, len(files))).astype(int))

    def square(place: int) -> np.ndarray | None:
        try:
            with Image.open(io.BytesIO(dataset.thumbnail(files[place]))) as image:
                return np.asarray(image.convert("RGB").resize((edge, edge), Image.Resampling.BOX), np.float32)
        except (GraftError, OSError):
            return None

    total, count = np.zeros((edge, edge, 3)), 0
    with ThreadPoolExecutor(cores()) as pool:
        for one in pool.map(square, places.tolist()):
            if one is not None:
                total, count = total + one, count + 1
    return np.rint(total / count).astype(np.uint8) if count else None
