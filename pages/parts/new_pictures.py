"""Pictures brought to the Predict page: spooled to disk at once, archives among them looked through."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from core import pictures
from core.data.datasets import save_upload
from core.errors import DataError, GraftError
from core.workspace import Workspace
from pages.parts import errors, memory, state

TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "zip", "tar", "gz", "tgz"]
MOST = 2000


def ask() -> None:
    """The uploader; what it takes in replaces the pictures before."""
    uploads = st.file_uploader(
        "Drop pictures here, or a zip of them", type=TYPES, accept_multiple_files=True,
        key=f"pictures-{state.get('picture-uploads', 0)}", help="JPEG, PNG, WebP, GIF, BMP or TIFF; several at once.",
    )
    if not uploads:
        return
    folder = state.workspace().incoming / f"predict-{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        taken = take_in(((upload.name, upload) for upload in uploads), folder, state.workspace())
    except GraftError as error:
        shutil.rmtree(folder, ignore_errors=True)
        errors.show(error)
        return
    clear()
    memory.release(*uploads)
    state.put("pictures", {"folder": folder.name, "taken": taken})
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


def take_in(uploads: Iterable[tuple[str, BinaryIO]], folder: Path, workspace: Workspace) -> list[tuple[str, str]]:
    """Bring pictures, and the pictures in archives, into a folder: (name as it was brought, file name there).

    Raises:
        ArchiveError: an archive cannot be read, or holds no picture.
        DataError: more pictures than can be predicted at once.
    """
    taken: list[tuple[str, str]] = []
    for name, stream in uploads:
        spooled = save_upload(stream, name, workspace)
        kept = spooled.rename(folder / spooled.name)
        for picture in pictures.collect([kept], folder, workspace.limits):
            inside = picture.name.removeprefix(str(kept)).removeprefix(kept.name)
            taken.append((name + inside, picture.path.name))
        if len(taken) > MOST:
            raise DataError(f"More than {MOST:,} pictures are too many at once.",
                            "Bring fewer, or use `python -m core predict`.")
    return taken
