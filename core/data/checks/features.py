"""What a backbone made of a dataset's pictures when they were checked, kept beside it in few numbers: for a score in a
moment, and for the map."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.store.files import replacing

if TYPE_CHECKING:
    from core.data.dataset import Dataset

FILE = Path("checks") / "features.npz"
"""In a dataset's folder."""
WIDTH = 128
"""Principal components that are kept."""
ON_THE_MAP = 1500
"""Pictures whose place on the map is computed; the others are placed among the three that are nearest to them."""
_BLOCK = 2048


@dataclass(frozen=True)
class Features:
    """A row for each picture that was checked."""

    paths: np.ndarray
    """The manifest's, text [n]."""
    components: np.ndarray
    """float16 [n, up to WIDTH]: principal components, the largest first, whose variances come to one on average."""
    places: np.ndarray
    """float32 [n, 2]: pictures that the backbone finds alike are near one another. Each direction from 0 to 1."""
    light: np.ndarray | None = None
    """float32 [n, 3]: brightness, contrast and sharpness, as in `small.SmallPictures`; None: an older check kept none.
    """

    def of(self, paths: Sequence[str]) -> np.ndarray:
        """The rows of these pictures, -1 for those that were not checked: int [n]."""
        row = {path: index for index, path in enumerate(self.paths.tolist())}
        return np.array([row.get(path, -1) for path in paths], int)


def keep(dataset: Dataset, paths: Sequence[str], features: np.ndarray, light: np.ndarray | None = None,
         between: Callable[[], None] = lambda: None) -> None:
    """Reduce features and keep them beside the dataset.

    Args:
        paths: The pictures.
        features: float32 [n, width], of the backbone.
        light: As in `Features`.
        between: Called between the steps; what it raises ends the work.

    Raises:
        OSError: they cannot be kept.
    """
    rows = components(features)
    between()
    placed = places(rows)
    between()
    (dataset.path / FILE).parent.mkdir(exist_ok=True)
    with replacing(dataset.path / FILE) as aside:
        with open(aside, "wb") as file:
            arrays = {"paths": np.array(list(paths), str), "components": rows[:, :WIDTH].astype(np.float16),
                      "places": placed.astype(np.float32)}
            if light is not None:
                arrays["light"] = light.astype(np.float32)
            np.savez(file, allow_pickle=False, **arrays)


def read(dataset: Dataset) -> Features | None:
    """What is kept; None: nothing that can be read."""
    try:
        found = (dataset.path / FILE).stat()
        return _read(dataset.path / FILE, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


@lru_cache(maxsize=2)
def _read(path: Path, *stamp: int) -> Features:
    with np.load(path, allow_pickle=False) as archive:
        return Features(archive["paths"], archive["components"], archive["places"],
                        archive["light"] if "light" in archive else None)


def components(features: np.ndarray, most: int = 256) -> np.ndarray:
    """Principal components, scaled so that their variances come to one on average: float32 [n, up to `most`]."""
    from sklearn.decomposition import PCA

    count = min(most, *features.shape)
    rows = PCA(count, svd_solver="randomized", random_state=0).fit_transform(features.astype(np.float32))
    return np.asarray(rows / max(float(np.sqrt((rows**2).mean())), 1e-9), np.float32)


def places(rows: np.ndarray) -> np.ndarray:
    """A place in the plane for each row, by t-SNE (van der Maaten, Hinton, JMLR 2008) on its first components."""
    from sklearn.manifold import TSNE

    near = rows[:, :32]
    chosen = np.random.default_rng(0).permutation(len(near))[:ON_THE_MAP]
    if len(near) < 5:
        return np.pad(near[:, :2], ((0, 0), (0, max(0, 2 - near.shape[1]))))
    perplexity = min(30, (len(chosen) - 1) / 3)
    plane = TSNE(perplexity=perplexity, init="pca", random_state=0, max_iter=350).fit_transform(near[chosen])
    placed = np.empty((len(near), 2), np.float32)
    placed[chosen] = plane
    rest = np.setdiff1d(np.arange(len(near)), chosen)
    for start in range(0, len(rest), _BLOCK):
        some = rest[start:start + _BLOCK]
        distance = -2 * near[some] @ near[chosen].T + (near[chosen]**2).sum(1)
        placed[some] = plane[np.argpartition(distance, 3, axis=1)[:, :3]].mean(1)
    low, high = placed.min(0), placed.max(0)
    return np.asarray((placed - low) / np.maximum(high - low, 1e-9), np.float32)
