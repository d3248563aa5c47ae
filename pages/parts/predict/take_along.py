"""The model to take along: a format is chosen, made, checked, and downloaded."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import escape, exporting
from core.exports.formats import FORMATS
from core.runs.run import Run
from pages.parts.app import downloads
from pages.parts.session import state
from pages.parts.widgets import errors, job_progress, wording

_FOLLOWED = "followed-export"


def draw(run: Run) -> None:
    """Choose a format; make it, or download what was made."""
    st.subheader("Take the model along", anchor=False, help="A zip with the model, the class names, the code that "
                 "turns a file into the model's pixels, and ten lines that run it, without Graft.")
    name = st.selectbox("Format", list(FORMATS), format_func=_option, key=f"export-format-{run.id}", width=420)
    job = exporting.latest(state.workspace())
    if job is not None and job.status().active:
        state.put(_FOLLOWED, job.id)
        job_progress.follow(job, exporting.latest, "export")
        return
    found = exporting.found(run, name)
    if found is not None:
        _made(run, name, found)
        return
    st.button("Make it", key="export-make", type="primary", icon=":material/deployed_code:", on_click=_start,
              args=(str(run.path), name))
    st.caption("Takes up to a minute: it is made, then run in a process that knows nothing of Graft, and its answers "
               "are compared with those here.")
    if job is not None and state.get(_FOLLOWED) == job.id and exporting.is_of(job, run, name):
        job_progress.ended(job, "It was ended from outside.")


def _option(name: str) -> str:
    return f"{FORMATS[name].title} · {FORMATS[name].description}"


def _made(run: Run, name: str, found: dict[str, Any]) -> None:
    """What the certificate says, and the file."""
    if found["refused"]:
        st.error(escape.markdown(found["refused"]), icon=":material/block:")
        return
    st.success(escape.markdown(found["sentence"]), icon=":material/verified:")
    with st.container(horizontal=True, vertical_alignment="center"):
        downloads.link(f"Download, {wording.size(exporting.kept(run, name).stat().st_size)}", run, name,
                       wording.file_name(run.dataset["name"], name))
        st.caption("The zip has a README with what to type.")


@errors.guarded
def _start(path: str, name: str) -> None:
    exporting.start(Run.open(path), name, state.workspace())
