"""What a page needs before it can be drawn; says what is missing, and where to get it."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from core.data.dataset import Dataset
from core.recipe.fields import Recipe
from core.runs.index import list_runs
from core.runs.run import Run
from pages.parts.app import sidebar
from pages.parts.model import proposals
from pages.parts.session import state
from pages.parts.widgets import wording


def dataset_and_recipe() -> tuple[Dataset, Recipe]:
    """The chosen dataset and its recipe; without a dataset the page ends with a hint."""
    dataset = state.dataset()
    if dataset is None:
        empty("There are no pictures yet. Upload an archive, or start from the sample.", 0, "Go to Data")
    recipe = proposals.ensure_recipe(dataset)
    return dataset, recipe


def run_with_model(purpose: str) -> Run:
    """The run chosen among those that have a model; without one the page ends with a hint."""
    runs = {run.id: run for run in list_runs(state.workspace()) if run.has_model and not run.status().active}
    if not runs:
        if state.active_runs():
            empty(f"A run is still training. Its {purpose} can be had here when it ends.", 2, "Watch the training")
        if state.dataset() is None:
            empty(f"There are no {purpose} yet. It begins with pictures.", 0, "Go to Data")
        empty(f"There are no {purpose} yet: no run has ended with a model.", 2, "Train a model")
    looked_at = state.run()
    ids = list(runs)
    index = ids.index(looked_at.id) if looked_at is not None and looked_at.id in runs else 0
    chosen = st.selectbox(
        "Run", ids, index=index, key=f"run-{ids[index]}", format_func=lambda item: wording.run_option(runs[item]),
        width=620, help="One training, from start to end. The newest is on top.",
    )
    changed = looked_at is None or chosen != looked_at.id
    state.choose_run(chosen)
    if changed:
        st.rerun()
    return runs[chosen]


def empty(text: str, step: int, label: str) -> NoReturn:
    """An empty state: what is missing, and the one way on. Ends the page."""
    with st.container(border=True):
        st.markdown(text)
        sidebar.next_step(step, label)
    st.stop()
