"""Reading archives beside the page: one after the other in a thread, so that a reload or a click elsewhere
does not end it. An archive that comes while another is read waits for its turn.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core import escape
from core.data import fetching, library
from core.data.additions import add_captures
from core.data.dataset import Dataset
from core.data.library import go_on, ingest, ingest_captures, ingest_link, ingest_sample
from core.data.samples import SAMPLES
from core.data.sources import names
from core.data.sources.captures import Captures
from core.data.unpacking import Progress
from core.errors import (
    ArchivesInsideError,
    DataError,
    GraftError,
    QuestionError,
)
from core.store.workspace import Workspace
from pages.parts.app import memory
from pages.parts.widgets import errors

log = logging.getLogger("graft.pages")
_lines: dict[Path, list[Ingestion]] = {}
"""By workspace: what is read, what waits, and what has ended and was not looked at yet."""
_changing = threading.RLock()


class Cancelled(Exception):
    """Raised inside the reading when somebody pressed Cancel."""


class Ingestion:
    """An archive that becomes a dataset: how far it is, and what came of it."""

    def __init__(self, title: str, work: Callable[..., Dataset], workspace: Workspace,
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
        return self.ended and (bool(self.staged) or self.reads_again)

    @property
    def reads_again(self) -> bool:
        """True when the answer to its question is to read it once more, otherwise."""
        return isinstance(self.error, ArchivesInsideError)

    def once_more(self, **answer: Any) -> Ingestion:
        """The same archive, read as the answer says."""
        return Ingestion(self.title, partial(self._work, **answer), self._workspace, self.upload)

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
        if self.upload is not None and not self.reads_again:  # what other questions are about has been read
            self.upload.unlink(missing_ok=True)
        memory.trim()
        self._ended.set()
        then()


def from_upload(path: Path, name: str, workspace: Workspace) -> None:
    """Read a spooled archive, as soon as those before it are read."""
    _add(workspace, Ingestion(name, lambda progress, **more: ingest(
        path, workspace, name=name, progress=progress, keep=True, **more), workspace, path))


def from_path(path: Path, workspace: Workspace) -> None:
    """Read an archive or a folder of this machine, which stays as it is."""
    _add(workspace, Ingestion(names.stem(path.name), lambda progress, **more: ingest(
        path, workspace, progress=progress, keep=True, source_text=names.of_path(path), **more), workspace))


def from_link(url: str, workspace: Workspace) -> None:
    """Fetch an archive from the web and read it."""
    _add(workspace, Ingestion(names.stem(fetching.name_of(url)), lambda progress, **more: ingest_link(
        url, workspace, progress=progress, keep=True, **more), workspace))


def from_captures(captures: Captures, name: str, workspace: Workspace) -> None:
    """Make a dataset of what was gathered class by class."""
    _add(workspace, Ingestion(name, lambda progress: ingest_captures(captures, workspace, name=name, progress=progress),
                            workspace))


def from_addition(captures: Captures, dataset: Dataset, workspace: Workspace) -> None:
    """Add what was gathered class by class to a dataset."""
    def work(progress: Progress) -> Dataset:
        added = add_captures(captures, workspace, dataset.id, progress)
        task.added = {"dataset": dataset.id, "part": added.part, "text": added.text, "notes": added.notes}
        return added.dataset

    task = Ingestion(f"pictures for {dataset.name}", work, workspace)
    _add(workspace, task)


def answered(task: Ingestion, workspace: Workspace, **answer: Any) -> None:
    """Go on with what was read, now that its question is answered."""
    remove(workspace, task)
    if task.reads_again:
        return _add(workspace, task.once_more(**answer))
    answers = {**task.answers, **answer}
    _add(workspace, Ingestion(task.title, lambda progress: go_on(workspace, task.staged, **answers), workspace,
                            answers=answers))


def from_sample(name: str, workspace: Workspace) -> None:
    """Make a dataset of a sample, as soon as the archives before it are read."""
    _add(workspace, Ingestion(SAMPLES[name].title, lambda progress: ingest_sample(name, workspace, progress),
                              workspace))


def line(workspace: Workspace) -> list[Ingestion]:
    """What of a workspace is read, waits, or has ended and was not looked at yet."""
    return list(_lines.get(workspace.root, ()))


def remove(workspace: Workspace, task: Ingestion) -> None:
    """Take one out of the line: it was cancelled, or its question was answered."""
    with _changing:
        _lines[workspace.root] = [other for other in line(workspace) if other is not task]
    _advance(workspace)


def _add(workspace: Workspace, task: Ingestion) -> None:
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
