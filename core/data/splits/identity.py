"""When two splits are the same: the same images are held back, each for the same purpose."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

HELD_BACK = ("validation", "test")


def split_id(dataset_id: str, table: pd.DataFrame) -> str:
    """16 hexadecimal digits: equal for splits that hold back the same images of a dataset under the same labels, so
    that runs on them can be compared image by image, whatever part of the rest they were trained on.

    Args:
        table: Columns file, class, split.
    """
    held = table[table["split"].isin(HELD_BACK)]
    rows = sorted(zip(held["file"], held["class"], held["split"], strict=True))
    return hashlib.sha256("\n".join([dataset_id, *("\t".join(row) for row in rows)]).encode()).hexdigest()[:16]
