"""Adding pictures to the open dataset, into a class that it has or a new one, and what came of it."""

from __future__ import annotations

import streamlit as st

from core import escape
from core.data.additions import take_back
from core.data.dataset import Dataset
from core.data.sources.captures import Captures
from pages.parts.data import by_class, ingestion
from pages.parts.session import state
from pages.parts.widgets import errors, wording

_OPEN = "adding-pictures-to"
_ADDED = "added"
"""Of the last addition: dataset, part, text, notes."""


def opener(dataset: Dataset) -> None:
    """The button that shows the classes to add to."""
    is_open = state.get(_OPEN) == dataset.id
    label, icon = ("Close", "close") if is_open else ("Add pictures", "add_photo_alternate")
    if st.button(label, icon=f":material/{icon}:", key="add-pictures"):
        state.put(_OPEN, None if is_open else dataset.id)
        st.rerun()


def draw(dataset: Dataset) -> None:
    """What was added last, and the classes to add to when they were asked for."""
    with errors.shown():
        _told(dataset)
    if state.get(_OPEN) == dataset.id:
        with st.container(border=True), errors.shown():
            st.subheader("Add pictures", anchor=False)
            captures = Captures(state.workspace(), dataset.id)
            _begin(captures, dataset)
            if captures.classes():
                st.fragment(_panel)(captures, dataset)


def _begin(captures: Captures, dataset: Dataset) -> None:
    begun = {one.label for one in captures.classes()}
    with st.form("class-to-add-to", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox("Class", [label for label in dataset.classes if label not in begun], index=None,
                                 placeholder="Choose one, or type a new one", accept_new_options=True, width=320,
                                 format_func=escape.visible, key=f"class-to-add-to-{len(begun)}")  # anew for each
            asked = st.form_submit_button("Add to this class")
    if asked and label:
        captures.begin(label)
        st.rerun()


@errors.guarded
def _panel(captures: Captures, dataset: Dataset) -> None:
    gathered = captures.classes()
    by_class.cards(captures, gathered)
    pictures = sum(len(one.pictures) for one in gathered)
    with st.container(horizontal=True):
        if st.button(f"Add {wording.count(pictures, 'picture')} to the dataset", icon=":material/check:",
                     disabled=not pictures, key="add-to-the-dataset"):
            ingestion.from_addition(captures, dataset, state.workspace())
            state.put(_OPEN, None)
            st.rerun()
        if st.button("Discard", type="tertiary", key="discard-additions"):
            by_class.start_over(captures)
    st.caption("Pictures that the dataset has already are left out.")


def _told(dataset: Dataset) -> None:
    """What came of the last addition, until it is closed or undone."""
    added = state.get(_ADDED)
    if not added or added["dataset"] != dataset.id:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/check_circle: {escape.markdown(added['text'])}.", width="content")
            if st.button("Undo", type="tertiary", icon=":material/undo:", key="undo-addition"):
                take_back(state.workspace(), dataset.id, added["part"])
                state.put(_ADDED, None)
                st.rerun()
            if st.button("Close", type="tertiary", key="close-addition"):
                state.put(_ADDED, None)
                st.rerun()
        for note in added["notes"]:
            st.caption(escape.markdown(note))
