"""What is shown of archives that are being read: how far each is, what came of it, and the questions it ended with."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

from core import escape
from core.data.layouts import HOW_TO
from core.data.staging import held
from core.errors import (
    ArchivesInsideError,
    DataError,
    EmptyClassError,
    GraftError,
    TooManyBadFilesError,
    UnclearLayoutError,
)
from core.store.workspace import Workspace
from pages.parts.data import ingestion, reading_preview
from pages.parts.data.ingestion import Ingestion
from pages.parts.session import state
from pages.parts.widgets import errors

GO_ON: dict[type[GraftError], tuple[str, str]] = {
    TooManyBadFilesError: ("accept_bad", "Use the readable images"),
    EmptyClassError: ("accept_empty", "Leave out what is empty"),
    ArchivesInsideError: ("archives_inside", "Read the archives inside, too"),
}
"""Errors after which one may go on: what `go_on`, or who reads it again, is told then, and the button for it."""


def going_on() -> list[str]:
    """The ids of the archives that are read or wait. Tells first what has ended: with a dataset, or why without."""
    tasks = ingestion.line(state.workspace())
    ended = [task for task in tasks if task.ended]
    left = [task.id for task in tasks if task not in ended]
    followed = set(state.get("followed-readings", ())) | set(left)
    told = [task for task in ended if not task.question and (task.id in followed or not task.taken)]
    state.put("followed-readings", followed - {task.id for task in told})
    _tell(told, bool(left))
    for task in ended:
        if task.question:
            _ask(task)
    return left


def follow(seen: list[str]) -> None:
    """Progress of what is read, and what waits, each with a way to cancel it; ends with the first that ends.

    Args:
        seen: From `going_on`; what has ended since is not taken for told.
    """
    st.fragment(_follow, run_every=0.4)(seen)


@errors.guarded
def _follow(seen: list[str]) -> None:
    workspace = state.workspace()
    tasks = [task for task in ingestion.line(workspace) if not task.ended]
    if [task.id for task in tasks] != seen:
        st.rerun()
    for task in tasks:
        with st.container(border=True):
            if task.waiting:
                st.markdown(f"**{escape.markdown(task.title)}** waits for its turn")
            else:
                st.markdown(f"**Reading {escape.markdown(task.title)}**")
                st.progress(task.fraction, text=escape.markdown(task.message))
            if st.button("Cancel", icon=":material/close:", key=f"cancel-{task.id}"):
                task.cancel()
                ingestion.remove(workspace, task)
                st.toast("Cancelled. Nothing was kept.")
                st.rerun()


def _tell(tasks: list[Ingestion], more: bool) -> None:
    """Say what came of those that have ended: to every page that followed them, else to the first that looks."""
    errors_so_far = [*state.get("failed-readings", ()),
                     *(task.error or DataError("Nothing was read.") for task in tasks if task.dataset_id is None)]
    state.put("failed-readings", errors_so_far)
    made = [task.dataset_id for task in tasks if task.dataset_id is not None]
    for task in tasks:
        task.taken = True
        if task.added is not None:
            state.put("added", task.added)
    if made:
        state.choose_dataset(made[-1])
        st.rerun()  # the sidebar was drawn with the dataset before
    for error in errors_so_far:
        errors.show(error)
    if not more:  # stays in view while the page does
        state.put("failed-readings", [])


def _ask(task: Ingestion) -> None:
    """Show why it ended without a dataset, and ask how to go on."""
    if isinstance(task.error, UnclearLayoutError):
        with st.container(border=True), errors.shown():
            _ask_layout(task, task.error)
        return
    workspace, error = state.workspace(), task.error or DataError("Nothing was read.")
    argument, label = GO_ON[type(error)]
    st.warning(escape.markdown(error.hint), title=escape.markdown(error.message), icon=":material/broken_image:")
    with st.container(horizontal=True):
        if st.button(label, key=f"accept-{task.id}"):
            ingestion.answered(task, workspace, **{argument: True})
            st.rerun()
        _discard_button(task)


def _ask_layout(task: Ingestion, error: UnclearLayoutError) -> None:
    """The ways to read the folders, with a preview of the one that is pointed at."""
    workspace = state.workspace()
    st.markdown(f"**How is {escape.markdown(task.title)} meant?**")
    st.caption(escape.markdown(error.readings[0].question))
    st.caption(f"None of these? Discard it. {escape.markdown(HOW_TO)} A table that names the class of every image does "
               "as well.")
    chosen = reading_preview.choice(error.readings, _staged_images(workspace.root, task.staged),
                                    workspace.staged_dir(task.staged), f"layout-{task.id}",
                                    max_pixels=workspace.limits.image_pixels)
    with st.container(horizontal=True):
        if st.button("Read it so", key=f"read-so-{task.id}") and chosen is not None:
            ingestion.answered(task, workspace, layout=chosen.id)
            st.rerun()
        _discard_button(task)


@functools.lru_cache(maxsize=2)
def _staged_images(root: Path, staged: str) -> list[tuple[str, str]]:
    """(path, file) of the good images that were read; they do not change any more."""
    _, unpacked, _ = held(Workspace(root), staged)
    return [(row["path"], row["file"]) for row in unpacked.rows if row["status"] == "ok"]


def _discard_button(task: Ingestion) -> None:
    if st.button("Discard", key=f"discard-{task.id}"):
        task.discard()
        ingestion.remove(state.workspace(), task)
        st.rerun()
