"""What happens once per page server."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.data.datasets import clean_incoming
from pages.parts import errors, memory, network, state


@st.cache_resource(show_spinner=False)
def once() -> None:
    """Start runs that wait, remove old uploads, find out in the background whether weights can be downloaded."""
    memory.few_arenas()
    network.can_download()
    with errors.shown():
        clean_incoming(state.workspace())
        jobs.tick(state.workspace())
