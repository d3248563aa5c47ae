"""The test score: closed until somebody asks for it, and how often that was done."""

from __future__ import annotations

import streamlit as st

from core.runs import looks
from core.runs.run import Run
from pages.parts.widgets import errors, wording

WHY = ("Test images are for one honest number at the very end. Whoever looks, changes something and looks again has "
       "chosen by them, and the number slowly becomes as flattering as the one on validation images. Compare and "
       "improve with validation; open the test score when you are done.")


def closed(run: Run, images: int) -> None:
    """One line where the test score would be, with the button that opens it.

    Args:
        images: Test images there are.
    """
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f":material/lock: {wording.count(images, 'test image')} kept for the end · {looks.counted(run)}",
                    help=WHY)
        if st.button("Open the test score", key=f"open-test-{run.id}"):
            _ask(run)


def opened(run: Run) -> None:
    """How often the test images were looked at."""
    st.caption(f"Test images: {looks.counted(run)}.", help=WHY)


@st.dialog("Open the test score?")
@errors.guarded
def _ask(run: Run) -> None:
    st.markdown(WHY)
    count = looks.counted(run)
    if count.looks:
        st.markdown(f"These images were {count}.")
    st.caption("It stays open for this run, and the look is counted.")
    with st.container(horizontal=True):
        if st.button("Open it", key="open-test"):
            looks.look(run, looks.PAGE)
            st.rerun()
        if st.button("Keep it closed", type="primary"):
            st.rerun()
