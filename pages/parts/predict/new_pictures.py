"""Pictures brought to the Predict page: spooled to disk at once, archives among them looked through."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from core.data.images import formats
from core.data.sources import pictures
from core.data.sources.members import Notes
from core.data.uploads import save_upload
from core.errors import DataError, GraftError
from core.store.files import disk_errors
from core.store.workspace import Workspace
from pages.parts.app import memory
from pages.parts.session import state
from pages.parts.widgets import errors

MOST = 2000
_PROBLEMS = "picture-problems"


def ask() -> None:
    """The uploader; what it takes in replaces the pictures before."""
    uploads = st.file_uploader(
        "Drop pictures here, or a zip of them", accept_multiple_files=True,
        key=f"pictures-{state.get('picture-uploads', 0)}",
        help=f"Several at once. {', '.join(kind.title for kind in formats.FORMATS.values())}.",
    )
    for error in state.get(_PROBLEMS) or []:
        errors.show(error)
    if not uploads:
        return
    folder = state.workspace().incoming / f"predict-{secrets.token_hex(8)}"
    with disk_errors():
        folder.mkdir()
    with st.spinner("Reading the pictures"):
        taken, problems = take_in(((upload.name, upload) for upload in uploads), folder, state.workspace())
    memory.release(*uploads)
    if taken:
        clear()
        state.put("pictures", {"folder": folder.name, "taken": taken})
    else:
        shutil.rmtree(folder, ignore_errors=True)
    state.put(_PROBLEMS, problems)
    state.put("picture-uploads", state.get("picture-uploads", 0) + 1)  # a new key: an empty uploader
    st.rerun()


def current() -> list[tuple[str, Path]]:
    """The pictures at hand: name as it was brought, file on disk."""
    kept = state.get("pictures")
    if not kept:
        return []
    folder = state.workspace().incoming / kept["folder"]
    return [(name, folder / file) for name, file in kept["taken"]] if folder.is_dir() else []


def clear() -> None:
    """Let go of the pictures."""
    kept = state.get("pictures")
    if kept:
        shutil.rmtree(state.workspace().incoming / kept["folder"], ignore_errors=True)
    state.put("pictures", None)
    state.put("predictions", None)
    state.put("prediction-pictures", None)
    state.put(_PROBLEMS, None)


def take_in(uploads: Iterable[tuple[str, BinaryIO]], folder: Path,
            workspace: Workspace) -> tuple[list[tuple[str, str]], list[GraftError]]:
    """Bring pictures, and the pictures in archives, into a folder.

    Returns:
        (name as it was brought, file name in the folder) of each picture; and why archives among the uploads could not
        be read, and what was left out and why.
    """
    taken: list[tuple[str, str]] = []
    problems: list[GraftError] = []
    for name, stream in uploads:
        kept, notes = folder / name, Notes()
        try:
            spooled = save_upload(stream, name, workspace)
            with disk_errors():
                kept = spooled.rename(folder / spooled.name)
            for picture in pictures.collect([kept], folder, workspace.limits, notes):
                inside = picture.name.removeprefix(str(kept)).removeprefix(kept.name)
                taken.append((name + inside, picture.path.name))
        except GraftError as error:
            problems.append(errors.renamed(error, kept.name, name))
        problems += [DataError(f"{name}: {line[:1].lower()}{line[1:]}.") for line in notes.lines()]
    if len(taken) > MOST:
        problems.append(DataError(f"Only the first {MOST:,} of {len(taken):,} pictures are answered here.",
                                  "For more at once: `python -m core predict`."))
    return taken[:MOST], problems
