"""The tile of one image of a dataset."""

from __future__ import annotations

from typing import Any

from core.data.dataset import Dataset
from core.errors import GraftError
from pages.parts.widgets.wall import Tile


def tile(dataset: Dataset, row: Any, strong: str = "", text: str | None = None) -> Tile:
    """The tile of one row of a manifest, split or prediction table."""
    path = str(row.path)
    try:
        image = dataset.thumbnail(row.file)
    except (GraftError, OSError):
        image = b""
    return Tile(image, strong, path.rsplit("/", 1)[-1] if text is None else text, path, id=path)
