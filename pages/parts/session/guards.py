"""What a page needs before it can be drawn; says what is missing, and where to get it."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from core import escape
from core.data.dataset import Dataset
from core.recipe.fields import Recipe
from core.runs.run import Run
from pages.parts.app import footer
from pages.parts.model import proposals
from pages.parts.session import runs, state
from pages.parts.widgets import wording
from pages.parts.widgets.keys import key_for


def dataset_and_recipe(here: str) -> tuple[Dataset, Recipe]:
    """The chosen dataset and its recipe; without a dataset the page ends with a hint.

    Args:
        here: Name of the step that is open.
    """
    dataset = state.dataset()
    if dataset is None:
        footer.empty(here, "There are no pictures yet. Upload an archive, or start from the sample.", 0, "Go to Data")
    recipe = proposals.ensure_recipe(dataset)
    return dataset, recipe


def run_with_model(here: str, purpose: str) -> Run:
    """The run to show, with a choice among those that have a model; without one the page ends with a hint."""
    found = {run.id: run for run in runs.with_model()}
    shown = runs.result()
    if found:
        key = key_for("result-run", shown.id if shown else None)
        st.selectbox(
            "Run", list(found), index=list(found).index(shown.id) if shown else None, key=key, width=620,
            on_change=lambda: state.open_run(st.session_state[key]),
            format_func=lambda item: escape.visible(wording.run_option(found[item])), placeholder="Of another dataset",
            help="One training, from start to end. The best completed one of this dataset, unless you open another.",
        )
    if shown is None:
        _no_run(here, purpose)
    return shown


def _no_run(here: str, purpose: str) -> NoReturn:
    dataset = state.dataset()
    if dataset is None:
        footer.empty(here, f"There are no {purpose} yet. It begins with pictures.", 0, "Go to Data")
    if runs.active_on(dataset):
        footer.empty(here, f"A run is still training. Its {purpose} can be had here when it ends.", 2,
                     "Watch the training")
    footer.empty(here, f"There are no {purpose} yet: no run on these pictures has ended with a model.", 2,
                 "Train a model")
