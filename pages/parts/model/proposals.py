"""The recipe that is proposed for the chosen dataset, kept with it; what can be had is asked of this machine."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from core.errors import NewerFormatError
from core.recipe import proposals
from core.recipe.fields import Recipe
from pages.parts.app import connection
from pages.parts.session import state
from pages.parts.widgets import errors


def ensure_recipe(dataset: Dataset) -> Recipe:
    """The recipe of the chosen dataset; proposed and kept when there is none yet. One of a newer version ends the page
    with what it says, and stays as it is."""
    try:
        recipe = state.stored_recipe()
    except NewerFormatError as error:
        errors.show(error)
        st.stop()
    if recipe is None:
        recipe = proposals.propose(dataset, _can_download)
        state.set_recipe(recipe)
    return recipe


def reason(recipe: Recipe, dataset: Dataset) -> str:
    """Why the small network is proposed; "" where it is not, or where nothing stands in the way of another."""
    return proposals.reason(recipe, dataset, _can_download)


def obtainable(recipe: Recipe) -> bool:
    """True when the run can start: random weights, a file that is here, or a download that can work."""
    return proposals.obtainable(recipe, _can_download)


def _can_download() -> bool:
    return connection.can_download(wait=2.0)
