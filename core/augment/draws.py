"""Random draws that no history can change: each is a function of the seed, the view and the image's content alone.

Neither the order in which images come, nor what is beside them, nor how often a pass was interrupted decides what is
drawn. Whatever is drawn for an image (how it is turned, what is cut out of it, whom it is mixed with) takes its numbers
from here.
"""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, view: int, content: str, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose and one view of one image.

    The SHA-256 of the four, a line each, is the entropy of a PCG64 (`numpy.random.SeedSequence` takes all 256 bits).

    Args:
        seed: The recipe's.
        view: Which changed copy of the image.
        content: SHA-256 of the image's file, as in the manifest; images with the same bytes get the same numbers.
        purpose: What is drawn, by its name in the recipe. Purposes do not disturb each other: what is drawn for one
            stays as it is when another is switched on.
    """
    digest = hashlib.sha256(f"{seed}\n{view}\n{content}\n{purpose}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
