"""Pictures brought to the Predict page: spooled to disk at once, archives among them looked through."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from core.data import archive
from core.data.datasets import save_upload
from core.data.images import EXTENSIONS
from core.errors import DataError, GraftError
from core.workspace import Workspace
from pages.parts import errors, state

TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "zip", "tar", "gz", "tgz"]
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_PICTURES = (*EXTENSIONS.values(), ".jpeg", ".tiff", ".jfif")
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
        names = take_in(((upload.name, upload) for upload in uploads), folder, state.workspace())
    except GraftError as error:
        shutil.rmtree(folder, ignore_errors=True)
        errors.show(error)
        return
    clear()
    state.put("pictures", {"folder": folder.name, "names": names})
    state.put("picture-uploads", state.get("picture-uploads", 0) + 1)  # a new key: the uploader lets go of the bytes
    st.rerun()


def current() -> list[tuple[str, Path]]:
    """The pictures at hand: name as it was brought, file on disk."""
    kept = state.get("pictures")
    if not kept:
        return []
    folder = state.workspace().incoming / kept["folder"]
    return [(name, folder / f"{index:05d}") for index, name in enumerate(kept["names"])] if folder.is_dir() else []


def clear() -> None:
    """Let go of the pictures."""
    kept = state.get("pictures")
    if kept:
        shutil.rmtree(state.workspace().incoming / kept["folder"], ignore_errors=True)
    state.put("pictures", None)
    state.put("predictions", None)


def take_in(uploads: Iterable[tuple[str, BinaryIO]], folder: Path, workspace: Workspace) -> list[str]:
    """Write pictures, and the pictures in archives, to numbered files; their names in the same order.

    Raises:
        ArchiveError: an archive cannot be read.
        DataError: no picture among it, or more than can be predicted at once.
    """
    names: list[str] = []
    for name, stream in uploads:
        spooled = save_upload(stream, name, workspace)
        try:
            if name.lower().endswith(_ARCHIVES):
                names += _pictures_in(spooled, folder, len(names), workspace)
            else:
                shutil.move(spooled, folder / f"{len(names):05d}")
                names.append(name)
        finally:
            spooled.unlink(missing_ok=True)
    if not names:
        raise DataError("There is no picture in what was uploaded.", "Bring JPEG or PNG files, or a zip of them.")
    if len(names) > MOST:
        raise DataError(f"{len(names):,} pictures are too many at once.",
                        f"Bring at most {MOST:,}, or use `python -m core predict`.")
    return names


def _pictures_in(source: Path, folder: Path, first: int, workspace: Workspace) -> list[str]:
    names: list[str] = []
    for member in archive.walk(source, workspace.limits, archive.Notes()):
        if member.is_folder or not member.name.lower().endswith(_PICTURES) or first + len(names) >= MOST:
            continue
        path = folder / f"{first + len(names):05d}"
        try:
            with open(path, "wb") as handle:
                for chunk in member.chunks():
                    handle.write(chunk)
        except archive.DamagedMemberError:
            path.unlink(missing_ok=True)
            continue
        names.append(member.name)
    return names
