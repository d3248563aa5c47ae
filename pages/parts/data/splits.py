"""The split of a dataset as its settings have it, kept while nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.data.checks import evidence
from core.data.dataset import Dataset
from core.data.splits import dividing
from core.errors import DataError
from core.recipe.fields import DataSettings
from pages.parts.widgets import errors

if TYPE_CHECKING:
    import pandas as pd


@st.cache_data(max_entries=4, show_spinner=False)
def _split(path: str, fingerprint: str, classes: tuple[str, ...], settings: str, stamp: int) -> pd.DataFrame:
    from pathlib import Path

    return dividing.divided(Dataset.load(Path(path)), DataSettings.model_validate_json(settings))


def split(dataset: Dataset, settings: DataSettings) -> pd.DataFrame:
    """The images with the split that these settings give them. Raises DataError when they cannot be split so."""
    return _split(str(dataset.path), dataset.fingerprint, tuple(dataset.classes), settings.model_dump_json(),
                  evidence.stamp(dataset))


def split_or_reason(dataset: Dataset, settings: DataSettings) -> pd.DataFrame:
    """As `split`; where that fails the reason is shown, and the folders' own split stands in."""
    try:
        return split(dataset, settings)
    except DataError as error:
        errors.show(error)
        return folders(dataset)


def folders(dataset: Dataset) -> pd.DataFrame:
    """The images with the folders' own split; those of none are for training."""
    table = dataset.usable()
    return table.assign(split=table["split"].replace("", "train"))
