"""The frame that `app.py` puts around every page, and what happens when a page is opened without it.

Streamlit takes a folder named `pages` for an app of its older kind until `st.navigation` has run for the first time. A
fresh server whose first visitor opens /train would run that page alone, without config, sidebar or workspace. The page
then only announces the navigation, and starts over: from there on Streamlit goes through `app.py`.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.app import sidebar
from pages.parts.session import state

_state = {"announced": False}


def navigation() -> st.Page:
    """Announce the pages; gives the one that was asked for."""
    page = st.navigation([step.page for step in sidebar.STEPS], position="hidden")
    _state["announced"] = True
    return page


def required() -> None:
    """Start over through `app.py` when a page runs before the navigation has ever been announced."""
    if not _state["announced"]:
        navigation()
        st.rerun()
    state.follow_address()
