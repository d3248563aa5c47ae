"""Ingestion beside the page: a thread per workspace, so that a reload or a click elsewhere does not end it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.data.dataset import Dataset
from core.data.library import ingest, ingest_sample
from core.data.samples import SAMPLES
from core.data.unpacking import Progress
from core.errors import DataError, EmptyClassError, GraftError, TooManyBadFilesError
from core.store.workspace import Workspace
from pages.parts.app import memory
from pages.parts.session import state
from pages.parts.widgets import errors

log = logging.getLogger("graft.pages")
_tasks: dict[Path, Ingestion] = {}
GO_ON: dict[type[GraftError], tuple[str, str]] = {
    TooManyBadFilesError: ("accept_bad", "Use the readable images"),
    EmptyClassError: ("accept_empty", "Leave out what is empty"),
}
"""Errors after which one may go on: what `ingest` is told then, and the button for it."""


class Cancelled(Exception):
    """Raised inside the ingestion when somebody pressed Cancel."""


class Ingestion:
    """One ingestion: how far it is, and what came of it."""

    def __init__(self, title: str, work: Callable[[Progress], Dataset], upload: Path | None = None,
                 accepted: frozenset[str] = frozenset()) -> None:
        self.title = title
        self.upload = upload
        self.accepted = accepted
        self.message, self.fraction = "Starting", 0.0
        self.dataset_id: str | None = None
        self.error: GraftError | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name="ingestion", daemon=True)
        self._thread.start()

    @property
    def working(self) -> bool:
        """True until there is a dataset or an error."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ask for the end, and wait until what was half-made is gone."""
        self._cancelled.set()
        self._thread.join(timeout=5)

    def discard_upload(self) -> None:
        """Remove the spooled archive."""
        if self.upload is not None:
            self.upload.unlink(missing_ok=True)

    def _progress(self, message: str, fraction: float) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self.message, self.fraction = message, min(max(fraction, 0.0), 1.0)

    def _run(self, work: Callable[[Progress], Dataset]) -> None:
        try:
            self.dataset_id = work(self._progress).id
        except Cancelled:
            pass
        except GraftError as error:
            kept = self.upload.name if self.upload else self.title
            self.error = errors.renamed(error, kept, self.title + (self.upload.suffix if self.upload else ""))
        except Exception as error:  # a thread's boundary: logged, and shown by whoever looks
            log.error("ingestion of %s", self.title, exc_info=error)
            self.error = DataError(f"{self.title} could not be read.", "The terminal in which Graft runs says why.")
        if type(self.error) not in GO_ON:
            self.discard_upload()
        memory.trim()


def from_upload(path: Path, name: str, workspace: Workspace, accepted: frozenset[str] = frozenset()) -> None:
    """Start on a spooled archive. Raises DataError while another one is being read.

    Args:
        accepted: What of it is to be passed over: names of `ingest`'s arguments.
    """
    _free(workspace, path)
    _tasks[workspace.root] = Ingestion(name, lambda progress: ingest(
        path, workspace, name=name, progress=progress, accept_bad="accept_bad" in accepted,
        accept_empty="accept_empty" in accepted), path, accepted)


def from_sample(name: str, workspace: Workspace) -> None:
    """Start on a sample that comes with Graft. Raises DataError while an archive is being read."""
    _free(workspace)
    _tasks[workspace.root] = Ingestion(
        SAMPLES[name].title, lambda progress: ingest_sample(name, workspace, progress)
    )


def _free(workspace: Workspace, upload: Path | None = None) -> None:
    """Make way for another ingestion; one that is at work goes first, and `upload` is then let go."""
    before = _tasks.get(workspace.root)
    if before is None or (upload is not None and before.upload == upload):
        return  # nothing there, or the same once more, without its unreadable files
    if before.working:
        if upload is not None:
            upload.unlink(missing_ok=True)
        raise DataError(f"{before.title} is still being read, in another tab or window.",
                        "Wait until it is done, then add the next.")
    before.discard_upload()


def current(workspace: Workspace) -> Ingestion | None:
    """The ingestion of this workspace whose outcome nobody has taken yet."""
    return _tasks.get(workspace.root)


def clear(workspace: Workspace) -> None:
    """Forget the ingestion: its outcome was taken."""
    _tasks.pop(workspace.root, None)


@st.fragment(run_every=0.4)
@errors.guarded
def follow() -> None:
    """Progress of the ingestion with a way to cancel it; on success the new dataset becomes the chosen one."""
    workspace = state.workspace()
    task = current(workspace)
    if task is None:
        st.rerun()
    if task.working:
        with st.container(border=True):
            st.markdown(f"**Reading {errors.plain(task.title)}**")
            st.progress(task.fraction, text=errors.plain(task.message))
            if st.button("Cancel", icon=":material/close:", key="cancel-ingestion"):
                task.cancel()
                clear(workspace)
                st.toast("Cancelled. Nothing was kept.")
                st.rerun()
        return
    if task.dataset_id is not None:
        state.choose_dataset(task.dataset_id)
    if task.error is None:
        clear(workspace)
    st.rerun()


def outcome(task: Ingestion) -> None:
    """Show why an ingestion ended without a dataset; asks whether to go on where that can be."""
    workspace = state.workspace()
    if task.error is None or type(task.error) not in GO_ON or task.upload is None:
        errors.show(task.error or DataError("Nothing was read."))
        clear(workspace)
        return
    st.warning(errors.plain(task.error.hint), title=errors.plain(task.error.message), icon=":material/broken_image:")
    with st.container(horizontal=True):
        argument, label = GO_ON[type(task.error)]
        if st.button(label, type="primary"):
            from_upload(task.upload, task.title, workspace, task.accepted | {argument})
            st.rerun()
        if st.button("Discard"):
            task.discard_upload()
            clear(workspace)
            st.rerun()
