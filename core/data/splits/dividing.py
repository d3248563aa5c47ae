"""The split of a dataset: the one way in which pages, command line and runs come by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.data.checks.evidence import clusters as near_copies
from core.data.splits import columns, shots
from core.data.splits.grouping import Known
from core.data.splits.split import split
from core.recipe.fields import DataSettings

if TYPE_CHECKING:
    import pandas as pd

    from core.data.dataset import Dataset


def divided(dataset: Dataset, settings: DataSettings) -> pd.DataFrame:
    """The usable images of a dataset with their `split` and `group`. Raises as `split` and `known`."""
    return split(dataset.usable(), settings, known(dataset, settings))


def known(dataset: Dataset, settings: DataSettings) -> Known:
    """What a split by these settings has to know beside the manifest; nothing is looked up that they do not ask for.

    Raises:
        DataError: what was kept of the table of labels cannot be read.
        WorkspaceError: what was found in the photos' EXIF cannot be kept.
    """
    return Known(
        shots=shots.shots(dataset) if settings.group_by == "shot" else {},
        columns=columns.read(dataset.path) if settings.group_by == "column" else {},
        clusters=near_copies(dataset) if settings.keep_together else {},
    )
