"""Deleting a run that has ended."""

from __future__ import annotations

import streamlit as st

from core import escape
from core.runs.run import Run
from pages.parts.session import state
from pages.parts.widgets import errors, wording


def button(run: Run) -> None:
    """A button that deletes the run after a confirmation."""
    if st.button("Delete", key=f"delete-{run.id}", icon=":material/delete:",
                 help="Remove this run from the workspace."):
        confirm(run)


@st.dialog("Delete the run?")
@errors.guarded
def confirm(run: Run) -> None:
    """Delete after a confirmation."""
    st.markdown(f"**{escape.markdown(wording.run_option(run))}** is removed from the workspace, with its model and its "
                "scores. The pictures stay.")
    with st.container(horizontal=True):
        if st.button("Delete it", icon=":material/delete:"):
            run.delete()
            state.forget("run")
            state.forget("result")
            st.rerun()
        if st.button("Keep it", type="primary"):
            st.rerun()
