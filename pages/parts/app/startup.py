"""What happens once per page server."""

from __future__ import annotations

import logging
import threading
import time

import streamlit as st

from core import escape
from core.backbones import kept_files
from core.data.uploads import clean_incoming
from core.jobs import queue as jobs
from core.store.workspace import Workspace
from pages.parts.app import connection, memory
from pages.parts.session import state
from pages.parts.widgets import errors

TICK_SECONDS = 3.0
CLEAN_SECONDS = 3600.0
log = logging.getLogger("graft.pages")


@st.cache_resource(show_spinner=False)
def once() -> None:
    """Start runs that wait, now and from now on; remove old uploads; find out whether weights can be downloaded."""
    memory.few_arenas()
    connection.can_download()
    with errors.shown():
        workspace = state.workspace()
        threading.Thread(target=tend, args=(workspace, threading.Event()), name="tend", daemon=True).start()
        clean(workspace)
        jobs.rebuild(workspace.machine)
        jobs.tick(workspace.machine)


def clean(workspace: Workspace) -> None:
    """Remove what uploads left behind, and weights files that nothing was begun with."""
    clean_incoming(workspace)
    kept_files.clean(workspace)


def tend(workspace: Workspace, ended: threading.Event, every: float = TICK_SECONDS) -> None:
    """Keep the queue moving and the incoming folder small while no page is open, until `ended` is set."""
    cleaned, told = time.monotonic(), ""
    while not ended.wait(every):
        try:
            jobs.tick(workspace.machine)
            if time.monotonic() - cleaned >= CLEAN_SECONDS:
                cleaned = time.monotonic()
                clean(workspace)
            told = ""
        except Exception as error:  # the boundary of the thread: the next round may go well
            if repr(error) != told:  # said once, not every few seconds
                log.error("The queue could not be looked after.\n%s", escape.trace(error))
            told = repr(error)
