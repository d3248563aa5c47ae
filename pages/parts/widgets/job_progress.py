"""A job that somebody waits for on a page: how far it is, and the way to end it."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from core import escape
from core.errors import GraftError
from core.jobs import queue as jobs
from core.jobs.job import Job
from core.store.workspace import Workspace
from pages.parts.session import state
from pages.parts.widgets import errors, wording

Latest = Callable[[Workspace], Job | None]
"""Finds the newest job of a kind."""


def follow(job: Job, latest: Latest, key: str, counted: bool = False) -> None:
    """Draw the progress of a job every second; the whole page is drawn anew when it has ended.

    Args:
        latest: Finds it again.
        key: Of the button that cancels it, before `-cancel`.
        counted: Say which of its steps it is at.
    """
    st.fragment(_follow, run_every=1.0)(job.id, latest, key, counted)


def ended(job: Job, gone: str) -> None:
    """Say how a job ended that was followed here; nothing where all went well.

    Args:
        gone: What is said when its process was ended from outside.
    """
    status = job.status()
    if status.state == "failed":
        error = status.error or {}
        errors.show(GraftError(error.get("message") or status.message or "It failed.", error.get("hint", "")))
    elif status.state == "interrupted":
        st.caption(f":orange[{escape.markdown(gone)}]")
    elif status.state == "stopped":
        st.caption(escape.markdown(status.message))


@errors.guarded
def _follow(job_id: str, latest: Latest, key: str, counted: bool) -> None:
    workspace = state.workspace()
    jobs.tick(workspace.machine)
    job = latest(workspace)
    if job is None or job.id != job_id or not job.status().active:
        st.rerun()
    status = job.status()
    text = "Waits for the job that is at work"
    if status.state != "queued":
        took = max(time.time() - (status.started or time.time()), 1.0)
        count = f" · {min(status.step + 1, status.steps)} of {status.steps}" if counted and status.steps > 1 else ""
        text = f"{escape.markdown(status.message)}{count} · {wording.duration(took)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(status.step / max(status.steps, 1), 1.0), text=text)
        st.button("Cancel", key=f"{key}-cancel", icon=":material/close:", on_click=job.request_stop,
                  disabled=job.stop_requested)
