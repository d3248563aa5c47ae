"""What the checks of a dataset look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.dataset import Dataset
from core.data.layouts.reading import SPLITS
from core.data.splits.dividing import divided
from core.errors import DataError
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Seen:
    """A dataset, as checks see it."""

    classes: list[str]
    bad: pd.DataFrame
    """Rows of files that cannot be used."""
    good: pd.DataFrame
    """Rows of images that can, with the split that a recipe gives them; "" where it gives none."""
    unsplit: str
    """Why the data cannot be split; "" when it can."""

    @property
    def splits(self) -> dict[str, int]:
        """How many images are in each split."""
        counts = self.good["split"].value_counts()
        return {name: int(counts[name]) for name in (*SPLITS, "") if counts.get(name)}


def look_at(dataset: Dataset, settings: DataSettings | None = None) -> Seen:
    """A dataset with its split.

    Args:
        settings: How it is split. None: as a new recipe does.
    """
    table, good, unsplit = dataset.manifest, dataset.usable(), ""
    try:
        found = divided(dataset, settings or DataSettings()).set_index("path")["split"]
        good = good.assign(split=good["path"].map(found).fillna("") if len(found) < len(good)
                           else good["path"].map(found))
    except DataError as error:
        unsplit = f"{error.message} {error.hint}".strip()
    return Seen(dataset.classes, table[table["status"] == "bad"], good, unsplit)
