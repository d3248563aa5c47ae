"""A random order of images that holds: each image has a place of its own, given by its content and the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np


def draws(hashes: Sequence[str], seed: int, purpose: str) -> np.ndarray:
    """A random number for each image; equal content, equal number.

    A split that takes the images with the smallest numbers changes by about one image when one comes or goes: nobody
    else's number changes. An order drawn anew for each set of images would deal all of them out again.

    Args:
        hashes: Content of each image.
        purpose: Different purposes have numbers that have nothing to do with each other.

    Returns:
        uint64 [n].
    """
    start = blake2b(f"{seed}/{purpose}/".encode(), digest_size=8)
    return np.array([_number(start, text) for text in hashes], np.uint64)


def _number(start: blake2b, text: str) -> int:
    digest = start.copy()
    digest.update(text.encode("utf-8", "surrogateescape"))
    return int.from_bytes(digest.digest(), "big")


def drawn(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Rows in the order of their numbers; those with equal ones in the order they stand in."""
    return rows[np.argsort(numbers[rows], kind="stable")]
