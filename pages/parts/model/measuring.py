"""How quick backbones are on this machine: measuring them from the table, with progress and a way out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import escape
from core.backbones import measuring
from core.backbones.catalogue import Variant
from core.backbones.speeds import Speed, subject
from core.jobs.job import Job
from pages.parts.session import state
from pages.parts.widgets import errors, job_progress, wording

_FOLLOWED = "followed-measurement"
"""Whose progress was shown here: how older ones ended is of no interest any more."""


def panel(chosen: Variant, title: str, shown: Sequence[Variant], known: dict[str, Speed]) -> None:
    """Measure the chosen backbone, or those that the table shows and nobody has measured; the progress meanwhile.

    Args:
        title: What the chosen one is called.
        shown: What the filter leaves.
        known: What was measured already.
    """
    job = measuring.latest(state.workspace())
    if job is not None and job.status().active:
        state.put(_FOLLOWED, job.id)
        job_progress.follow(job, measuring.latest, "measure", counted=True)
        return
    missing = [variant for variant in shown if subject(variant).key not in known]
    with st.container(horizontal=True, vertical_alignment="center"):
        again = " again" if subject(chosen).key in known else ""
        st.button(f"Measure {title} here{again}", key="measure-chosen", icon=":material/speed:",
                  on_click=_start, args=([chosen],), help=_help([chosen]))
        if len(missing) > 1:
            st.button(f"Measure all {len(missing)} estimates", key="measure-shown", on_click=_start,
                      args=(missing,), help=_help(missing))
    if job is not None and state.get(_FOLLOWED) == job.id:
        _how_it_ended(job)


def _help(variants: Sequence[Variant]) -> str:
    takes = wording.duration(measuring.about_seconds([subject(one) for one in variants], state.workspace()))
    return (f"Takes about {takes}. Needs no weights: random ones are as quick. Waits for a training that runs, and is "
            "kept for all datasets on this machine.")


@errors.guarded
def _start(variants: Sequence[Variant]) -> None:
    measuring.start([subject(variant) for variant in variants], state.workspace())


def _how_it_ended(job: Job) -> None:
    """What went wrong; nothing where all went well, as the table has it then."""
    status = job.status()
    if status.state == "failed" or "memory" in status.message:
        st.caption(f":orange[{escape.markdown(status.message)}]")
    elif status.state == "interrupted":
        st.caption(":orange[Measuring was ended from outside. What had been measured is kept.]")
    elif status.state == "stopped":
        st.caption(escape.markdown(status.message))
