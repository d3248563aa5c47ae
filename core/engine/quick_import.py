"""Importing Keras in less time.

Half of a short run is this import. Two things in it are of no use here: garbage collection, which searches hundreds of
thousands of new objects again and again and finds nothing to free, and scikit-learn, which Keras imports for wrappers
that nobody here calls and does without where it is missing.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = "sklearn"


@contextmanager
def quickly() -> Iterator[None]:
    """Import Keras, or what imports it, inside this block. Afterwards scikit-learn can be imported as always."""
    hidden = UNUSED not in sys.modules
    collecting = gc.isenabled()
    gc.disable()
    if hidden:
        sys.modules[UNUSED] = None  # type: ignore[assignment]  # importing it now raises ImportError
    try:
        yield
    finally:
        if hidden:
            del sys.modules[UNUSED]
        if collecting:
            gc.freeze()  # what was imported stays; later collections need not look at it
            gc.enable()
