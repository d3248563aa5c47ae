"""Reading archives beside the page: one after the other in a thread, so that a reload or a click elsewhere
does not end it. An archive that comes while another is read waits for its turn.
"""

from __future__ import annotations

import functools
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core import escape
from core.data import library
from core.data.additions import add_captures
from core.data.dataset import Dataset
from core.data.layouts import HOW_TO
from core.data.library import go_on, ingest, ingest_captures, ingest_sample
from core.data.samples import SAMPLES
from core.data.sources import names
from core.data.sources.captures import Captures
from core.data.staging import held
from core.data.unpacking import Progress
from core.errors import (
    DataError,
    EmptyClassError,
    GraftError,
    QuestionError,
    TooManyBadFilesError,
    UnclearLayoutError,
)
from core.store.workspace import Workspace
from pages.parts.app import memory
from pages.parts.data import reading_preview
from pages.parts.session import state
from pages.parts.widgets import errors

log = logging.getLogger("graft.pages")
GO_ON: dict[type[GraftError], tuple[str, str]] = {
    TooManyBadFilesError: ("accept_bad", "Use the readable images"),
    EmptyClassError: ("accept_empty", "Leave out what is empty"),
}
"""Errors after which one may go on: what `go_on` is told then, and the button for it."""
_lines: dict[Path, list[Reading]] = {}
"""By workspace: what is read, what waits, and what has ended and was not looked at yet."""
_changing = threading.RLock()


class Cancelled(Exception):
    """Raised inside the reading when somebody pressed Cancel."""


class Reading:
    """An archive that becomes a dataset: how far it is, and what came of it."""

    def __init__(self, title: str, work: Callable[[Progress], Dataset], workspace: Workspace,
                 upload: Path | None = None, answers: Mapping[str, Any] | None = None) -> None:
        self.id = secrets.token_hex(4)
        self.title = title
        self.upload = upload
        self.answers = dict(answers or {})
        self.staged = ""
        self.message, self.fraction = "Starting", 0.0
        self.dataset_id: str | None = None
        self.error: GraftError | None = None
        self.taken = False
        self.added: dict[str, Any] | None = None
        """Of an addition: what came of it."""
        self._work, self._workspace = work, workspace
        self._began, self._ended, self._cancelled = threading.Event(), threading.Event(), threading.Event()

    @property
    def waiting(self) -> bool:
        """True until it has its turn."""
        return not self._began.is_set()

    @property
    def ended(self) -> bool:
        """True once there is a dataset or an error."""
        return self._ended.is_set()

    @property
    def question(self) -> bool:
        """True when it ended with a question: how is it meant, or go on without what?"""
        return self.ended and bool(self.staged)

    def start(self, then: Callable[[], None]) -> None:
        """Begin, in a thread; `then` is called at the end, whatever it is."""
        self._began.set()
        threading.Thread(target=self._run, args=(then,), name="reading", daemon=True).start()

    def cancel(self) -> None:
        """Ask for the end, and wait until what was half-made is gone."""
        self._cancelled.set()
        if not self.waiting:
            self._ended.wait(timeout=5)
        self.discard()

    def discard(self) -> None:
        """Remove the spooled archive, and what was read of it."""
        if self.upload is not None:
            self.upload.unlink(missing_ok=True)
        if self.staged:
            library.discard(self._workspace, self.staged)

    def _progress(self, message: str, fraction: float) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self.message, self.fraction = message, min(max(fraction, 0.0), 1.0)

    def _run(self, then: Callable[[], None]) -> None:
        try:
            self.dataset_id = self._work(self._progress).id
        except Cancelled:
            pass
        except GraftError as error:
            kept = self.upload.name if self.upload else self.title
            self.staged = error.staged if isinstance(error, QuestionError) else ""
            self.error = errors.renamed(error, kept, self.title + (self.upload.suffix if self.upload else ""))
        except Exception as error:  # a thread's boundary: logged, and shown by whoever looks
            log.error("reading %s\n%s", escape.terminal(self.title), escape.trace(error))
            self.error = DataError(f"{self.title} could not be read.", "The terminal in which Graft runs says why.")
        if self.upload is not None:  # what a question is about has been read
            self.upload.unlink(missing_ok=True)
        memory.trim()
        self._ended.set()
        then()


def from_upload(path: Path, name: str, workspace: Workspace) -> None:
    """Read a spooled archive, as soon as those before it are read."""
    _add(workspace, Reading(name, lambda progress: ingest(path, workspace, name=name, progress=progress, keep=True),
                            workspace, path))


def from_path(path: Path, workspace: Workspace) -> None:
    """Read an archive or a folder of this machine, which stays as it is."""
    _add(workspace, Reading(names.stem(path.name), lambda progress: ingest(
        path, workspace, progress=progress, keep=True, source_text=names.of_path(path)), workspace))


def from_captures(captures: Captures, name: str, workspace: Workspace) -> None:
    """Make a dataset of what was gathered class by class."""
    _add(workspace, Reading(name, lambda progress: ingest_captures(captures, workspace, name=name, progress=progress),
                            workspace))


def from_addition(captures: Captures, dataset: Dataset, workspace: Workspace) -> None:
    """Add what was gathered class by class to a dataset."""
    def work(progress: Progress) -> Dataset:
        added = add_captures(captures, workspace, dataset.id, progress)
        task.added = {"dataset": dataset.id, "part": added.part, "text": added.text, "notes": added.notes}
        return added.dataset

    task = Reading(f"pictures for {dataset.name}", work, workspace)
    _add(workspace, task)


def answered(task: Reading, workspace: Workspace, **answer: Any) -> None:
    """Go on with what was read, now that its question is answered."""
    remove(workspace, task)
    answers = {**task.answers, **answer}
    _add(workspace, Reading(task.title, lambda progress: go_on(workspace, task.staged, **answers), workspace,
                            answers=answers))


def from_sample(name: str, workspace: Workspace) -> None:
    """Make a dataset of a sample that comes with Graft, as soon as the archives before it are read."""
    _add(workspace, Reading(SAMPLES[name].title, lambda progress: ingest_sample(name, workspace, progress), workspace))


def line(workspace: Workspace) -> list[Reading]:
    """What of a workspace is read, waits, or has ended and was not looked at yet."""
    return list(_lines.get(workspace.root, ()))


def remove(workspace: Workspace, task: Reading) -> None:
    """Take one out of the line: it was cancelled, or its question was answered."""
    with _changing:
        _lines[workspace.root] = [other for other in line(workspace) if other is not task]
    _advance(workspace)


def _add(workspace: Workspace, task: Reading) -> None:
    with _changing:
        _lines[workspace.root] = [*(other for other in line(workspace) if not other.taken), task]
    _advance(workspace)


def _advance(workspace: Workspace) -> None:
    """Start the next one when none is at work."""
    with _changing:
        tasks = line(workspace)
        if all(task.waiting or task.ended for task in tasks):
            for task in [task for task in tasks if task.waiting][:1]:
                task.start(then=lambda: _advance(workspace))


def going_on() -> list[str]:
    """The ids of the archives that are read or wait. Tells first what has ended: with a dataset, or why without."""
    tasks = line(state.workspace())
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
    tasks = [task for task in line(workspace) if not task.ended]
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
                remove(workspace, task)
                st.toast("Cancelled. Nothing was kept.")
                st.rerun()


def _tell(tasks: list[Reading], more: bool) -> None:
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


def _ask(task: Reading) -> None:
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
            answered(task, workspace, **{argument: True})
            st.rerun()
        _discard_button(task)


def _ask_layout(task: Reading, error: UnclearLayoutError) -> None:
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
            answered(task, workspace, layout=chosen.id)
            st.rerun()
        _discard_button(task)


@functools.lru_cache(maxsize=2)
def _staged_images(root: Path, staged: str) -> list[tuple[str, str]]:
    """(path, file) of the good images that were read; they do not change any more."""
    _, unpacked, _ = held(Workspace(root), staged)
    return [(row["path"], row["file"]) for row in unpacked.rows if row["status"] == "ok"]


def _discard_button(task: Reading) -> None:
    if st.button("Discard", key=f"discard-{task.id}"):
        task.discard()
        remove(state.workspace(), task)
        st.rerun()
