"""Near-copies: the same picture cropped, mirrored, compressed again, tinted or scaled.

Who may be a copy of whom, the backbone's features say, and a glance at light and dark; whether it is one, the pixels:
the normalised cross-correlation of one picture with every window of the other (Lewis, "Fast Normalized
Cross-Correlation", 1995), over scales and with the mirrored one. It asks for the same forms in the same places, not for
the same light or colour. Other photos of the same thing are no copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.data.checks.small import EDGE, SmallPictures
from core.store.processes import cores

NEIGHBOURS, LEAST_COSINE = 5, 0.5
"""How many of the nearest in features are looked at for each picture, and the least cosine, of features whose mean was
taken off."""
LOOK_ALIKES, LEAST_GLANCE, _GLANCE = 2, 0.9, 8
"""The same for luma, averaged to so many pixels a side."""
SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
"""How much of the wider or higher side of the whole a crop may have."""
FINE_STEPS = (0.0, -0.0125, 0.0125, -0.025, 0.025)
"""Tried around a scale that fits roughly."""
ALIKE = 0.82
"""Correlation of luma from which two may be one: of crops of photos 99 in 100 have more."""
ALIKE_FINE, FINE_PIXELS = 0.65, 1.0
"""Correlation of their details, what a Gaussian blur by so many pixels takes away: daisies on black and hills under a
sky correlate in luma without being one. Of 320 copies of flowers none had less than 0.84, of 120 pairs of other daisies
and hills none more than 0.42."""
_COARSE, _COARSE_ALIKE, _PLACES = 24, 0.8, 4
"""Pixels of the first look, what it must find, and how many scales the second one tries."""
_BLOCK, _AT_ONCE = 2048, 256

Between = Callable[[int, int], None]


def near_copies(features: np.ndarray, small: SmallPictures, between: Between = lambda done, total: None
                ) -> list[tuple[int, int]]:
    """The pairs of pictures of which one is a near-copy of the other.

    Args:
        features: float32 [n, width], of the backbone.
        small: The same pictures, small.
        between: Told how many pairs of how many were looked at; what it raises ends the work.
    """
    pairs = np.array(sorted(candidates(features) | look_alikes(small)), np.int64).reshape(-1, 2)
    found: list[tuple[int, int]] = []
    parts = [pairs[start:start + _AT_ONCE] for start in range(0, len(pairs), _AT_ONCE)]
    with ThreadPoolExecutor(cores()) as pool:
        tasks = [pool.submit(copies, small, part) for part in parts]
        try:
            for number, (part, task) in enumerate(zip(parts, tasks, strict=True)):
                between(number * _AT_ONCE, len(pairs))
                found += [(int(one), int(other)) for one, other in part[task.result()]]
        finally:
            for task in tasks:
                task.cancel()
    return found


def candidates(features: np.ndarray) -> set[tuple[int, int]]:
    """Pairs that are near in features, the smaller row first: copies of which a part is missing, among others."""
    rows = _normal(features - features.mean(0))
    return _nearest(rows, rows, NEIGHBOURS, LEAST_COSINE)


def look_alikes(small: SmallPictures) -> set[tuple[int, int]]:
    """Pairs of the same light and dark at a glance, as they are or mirrored (a perceptual hash, but of real numbers):
    copies in other colours, which a backbone takes for something else."""
    glance = _averages(EDGE, _GLANCE)
    seen = glance @ small.gray.astype(np.float32) @ glance.T
    plain = seen.reshape(len(seen), -1)
    mirrored = seen[:, :, ::-1].reshape(len(seen), -1)
    plain, mirrored = (_normal(rows - rows.mean(1, keepdims=True)) for rows in (plain, mirrored))
    return _nearest(plain, plain, LOOK_ALIKES, LEAST_GLANCE) | _nearest(mirrored, plain, LOOK_ALIKES, LEAST_GLANCE)


def _normal(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _nearest(rows: np.ndarray, among: np.ndarray, most: int, least: float) -> set[tuple[int, int]]:
    """Each row's nearest others, by cosine."""
    near, found = min(most, len(rows) - 1), set()
    for start in range(0, len(rows), _BLOCK):
        cosine = rows[start:start + _BLOCK] @ among.T
        cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = -1
        nearest = np.argpartition(cosine, -near, axis=1)[:, -near:]
        for index, others in enumerate(nearest):
            found |= {(min(start + index, int(other)), max(start + index, int(other)))
                      for other in others[cosine[index, others] >= least]}
    return found


def groups(pairs: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """The pictures that hang together by pairs, each list in order. count: how many pictures there are."""
    if not pairs:
        return []
    one, other = np.array(pairs).T
    _, label = connected_components(coo_matrix((np.ones(len(pairs)), (one, other)), (count, count)), directed=False)
    members: dict[int, list[int]] = {}
    for index in np.unique([one, other]):
        members.setdefault(int(label[index]), []).append(int(index))
    return list(members.values())


def copies(small: SmallPictures, pairs: np.ndarray) -> np.ndarray:
    """Of which pairs one picture is in the other, or the other in it: bool [n].

    Args:
        pairs: int [n, 2]: rows of `small`.
    """
    found = np.zeros(len(pairs), bool)
    for whole, part in (pairs.T, pairs.T[::-1]):
        rough = _roughly(small, whole, part)
        for row in np.flatnonzero(~found & (rough >= _COARSE_ALIKE).any((1, 2))):
            best = np.argsort(-rough[row], axis=None)[:_PLACES]
            places = [(SCALES[at // 2], bool(at % 2)) for at in best if rough[row].flat[at] >= _COARSE_ALIKE]
            found[row] = _within(small, int(whole[row]), int(part[row]), places)
    return found


def _roughly(small: SmallPictures, whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """The best correlation of each part with its whole, by scale and whether it is mirrored: float [n, scales, 2]. All
    pairs at once, at a quarter of the pixels."""
    edge, best = _COARSE, np.full((len(whole), len(SCALES), 2), -1.0)
    shrink = _averages(EDGE, edge)
    values = (shrink @ small.gray[whole].astype(np.float32) @ shrink.T).astype(np.float64)
    spectra = _Spectra.of(values - values.mean((1, 2), keepdims=True))
    parts = small.gray[part].astype(np.float32)
    for number, scale in enumerate(SCALES):
        size = np.array([_window(scale, *ratios) for ratios in zip(small.ratio[whole], small.ratio[part], strict=True)])
        pixels = np.maximum(np.rint(size * edge).astype(int), 4)
        for high, wide in np.unique(pixels, axis=0):
            rows = np.flatnonzero((pixels == (high, wide)).all(1))
            template = _averages(EDGE, high) @ parts[rows] @ _averages(EDGE, wide).T
            best[rows, number, 0] = spectra.at(rows).correlation(template)
            best[rows, number, 1] = spectra.at(rows).correlation(template[:, :, ::-1])
    return best


def _within(small: SmallPictures, whole: int, part: int, places: Sequence[tuple[float, bool]]) -> bool:
    """Whether a picture, or its mirror image, is a window of another, at the scales that fit roughly."""
    picture = small.gray[whole].astype(np.float64)
    luma, fine = (_Spectra.of((values - values.mean())[None]) for values in (picture, details(picture)))
    for scale, mirrored in places:
        for step in FINE_STEPS:
            if scale + step <= 1:
                high, wide = (max(4, round(side * EDGE)) for side in _window(
                    scale + step, small.ratio[whole], small.ratio[part]))
                template = _averages(EDGE, high) @ small.gray[part].astype(np.float64) @ _averages(EDGE, wide).T
                template = template[:, ::-1] if mirrored else template
                if (luma.correlation(template[None])[0] >= ALIKE
                        and fine.correlation(details(template)[None])[0] >= ALIKE_FINE):
                    return True
    return False


def _window(scale: float, whole_ratio: float, part_ratio: float) -> tuple[float, float]:
    """Height and width of a window with the part's proportions, in shares of the whole; the larger is `scale`."""
    relative = part_ratio / whole_ratio
    return (scale / relative, scale) if relative > 1 else (scale, scale * relative)


@lru_cache(maxsize=256)
def _averages(before: int, after: int) -> np.ndarray:
    """The matrix that shrinks a side by averaging over areas: float32 [after, before], rows of sum 1."""
    bounds = np.linspace(0, before, after + 1)
    covered = np.minimum(bounds[1:, None], np.arange(1, before + 1)) - np.maximum(bounds[:-1, None], np.arange(before))
    return (np.maximum(covered, 0) * after / before).astype(np.float32)


@dataclass(frozen=True)
class _Spectra:
    """What is needed of pictures for every window of them: spectra, and sums of values and squares from the corner."""

    spectrum: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> _Spectra:
        """Of pictures [n, edge, edge] whose mean was taken off."""
        sums = np.zeros((2, len(values), values.shape[1] + 1, values.shape[2] + 1))
        sums[:, :, 1:, 1:] = np.stack([values, values**2]).cumsum(2).cumsum(3)
        return cls(np.asarray(fft.rfft2(values)), *sums)

    def at(self, rows: np.ndarray) -> _Spectra:
        """Some of them."""
        return _Spectra(self.spectrum[rows], self.sums[rows], self.squares[rows])

    def correlation(self, templates: np.ndarray) -> np.ndarray:
        """The best normalised cross-correlation of each template [n, high, wide] with a window of its picture, from -1
        to 1: float [n]. 0 where a template is of one shade."""
        edge, (high, wide) = self.sums.shape[1] - 1, templates.shape[1:]
        plain = templates - templates.mean((1, 2), keepdims=True)
        norm = np.sqrt((plain**2).sum((1, 2)))
        products = np.asarray(fft.irfft2(self.spectrum * np.conj(fft.rfft2(plain, (edge, edge))), (edge, edge)))
        products = products[:, :edge - high + 1, :edge - wide + 1]
        spread = np.maximum(_windows(self.squares, high, wide) - _windows(self.sums, high, wide)**2 / (high * wide),
                            high * wide)  # a window of one shade, give or take one of 256, is like nothing
        found = (products / np.sqrt(spread)).max((1, 2)) / np.maximum(norm, 1e-6)
        return np.where(norm < np.sqrt(high * wide), 0.0, found)


def _windows(table: np.ndarray, high: int, wide: int) -> np.ndarray:
    """The sum over every window, of sums from the corner."""
    return table[:, high:, wide:] - table[:, :-high, wide:] - table[:, high:, :-wide] + table[:, :-high, :-wide]


def details(gray: np.ndarray) -> np.ndarray:
    """Luma without what a blur leaves of it: float64, of the same shape."""
    values = gray.astype(np.float64)
    return values - np.asarray(ndimage.gaussian_filter(values, FINE_PIXELS))
