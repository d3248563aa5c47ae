"""Small pictures of a dataset's images, and what of their looks has nothing to do with what they show."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.data.dataset import Dataset
from core.errors import GraftError
from core.store.processes import cores

if TYPE_CHECKING:
    import pandas as pd

EDGE = 48
"""Pixels of a small picture's side: enough to see that two are one, little enough for a hundred thousand of them."""
_BORDER = 0.03
"""Share of the width and height that counts as border."""
_PIECE = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SmallPictures:
    """One row an image, in the order that was asked for. Light goes from 0 to 1."""

    gray: np.ndarray
    """uint8 [n, EDGE, EDGE]: the whole image, its proportions changed to a square."""
    ratio: np.ndarray
    """float32 [n]: width over height of the image."""
    mean: np.ndarray
    """float32 [n, 3]: mean red, green and blue."""
    border: np.ndarray
    """float32 [n, 6]: mean red, green, blue of the outermost pixels, and how much each varies."""
    brightness: np.ndarray
    """float32 [n]: mean luma (ITU-R BT.601)."""
    contrast: np.ndarray
    """float32 [n]: standard deviation of the luma."""
    sharpness: np.ndarray
    """float32 [n]: variance of the Laplacian over that of the luma (Pech-Pacheco et al. 2000, relative to contrast)."""

    def __len__(self) -> int:
        return len(self.gray)

    def of(self, rows: np.ndarray) -> SmallPictures:
        """Some of them, by row."""
        return SmallPictures(*(getattr(self, one.name)[rows] for one in fields(self)))


def small_pictures(dataset: Dataset, rows: pd.DataFrame,
                   progress: Progress = lambda done, total: None) -> SmallPictures:
    """Read the thumbnails of images, made where they are missing. One that cannot be read is gray.

    Args:
        rows: Of the manifest.
        progress: Told how many are done; what it raises ends the work.
    """
    files, total = rows["file"].tolist(), len(rows)
    gray = np.full((total, EDGE, EDGE), 128, np.uint8)
    ratio = (rows["width"] / rows["height"].clip(lower=1)).to_numpy(np.float32)
    looks = np.zeros((total, 12), np.float32)
    looks[:, :3] = looks[:, 3:6] = 0.5
    looks[:, 9] = 0.5
    done = 0
    with ThreadPoolExecutor(cores()) as pool:
        for start, found in _in_order(pool, dataset, files):
            for index, one in enumerate(found, start):
                if one is not None:
                    gray[index], looks[index] = one
            done += len(found)
            progress(done, total)
    return SmallPictures(gray, ratio, looks[:, :3], looks[:, 3:9], looks[:, 9], looks[:, 10], looks[:, 11])


def _in_order(pool: ThreadPoolExecutor, dataset: Dataset, files: list[str]
              ) -> Iterator[tuple[int, list[tuple[np.ndarray, np.ndarray] | None]]]:
    ahead = 4 * cores()  # so that a cancelled check does not leave thousands behind
    starts = list(range(0, len(files), _PIECE))
    for first in range(0, len(starts), ahead):
        tasks = [(start, pool.submit(_piece, dataset, files[start:start + _PIECE]))
                 for start in starts[first:first + ahead]]
        for start, task in tasks:
            yield start, task.result()


def _piece(dataset: Dataset, files: list[str]) -> list[tuple[np.ndarray, np.ndarray] | None]:
    return [_look(dataset, file) for file in files]


def _look(dataset: Dataset, file: str) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        with Image.open(io.BytesIO(dataset.thumbnail(file))) as image:
            picture = image.convert("RGB")
    except (GraftError, OSError):
        return None
    gray = picture.convert("L")
    return np.asarray(gray.resize((EDGE, EDGE), Image.Resampling.BOX)), looks_of(np.asarray(picture),
                                                                                 np.asarray(gray, np.float32) / 255)


def looks_of(picture: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Mean colour, border, brightness, contrast and sharpness of one picture: float32 [12].

    Args:
        picture: uint8 [h, w, 3].
        luma: float32 [h, w] from 0 to 1.
    """
    colours = picture.astype(np.float32) / 255
    edge = np.concatenate([part.reshape(-1, 3) for part in _edges(colours)])
    contrast = float(luma.std())
    bend = (luma[1:-1, :-2] + luma[1:-1, 2:] + luma[:-2, 1:-1] + luma[2:, 1:-1] - 4 * luma[1:-1, 1:-1]
            if min(luma.shape) > 2 else np.zeros(1))
    sharpness = float(bend.var()) / max(contrast**2, 1e-6)
    return np.array([*colours.mean((0, 1)), *edge.mean(0), *edge.std(0), float(luma.mean()), contrast, sharpness],
                    np.float32)


def _edges(colours: np.ndarray) -> list[np.ndarray]:
    high, wide = (max(1, round(side * _BORDER)) for side in colours.shape[:2])
    return [colours[:high], colours[-high:], colours[:, :wide], colours[:, -wide:]]
