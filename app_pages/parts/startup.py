"""What happens once per page server."""

from __future__ import annotations

import streamlit as st

from core import jobs
from app_pages.parts import errors, network, state


@st.cache_resource(show_spinner=False)
def once() -> None:
    """Start runs that wait, and find out in the background whether weights can be downloaded."""
    network.can_download()
    with errors.shown():
        jobs.tick(state.workspace())
