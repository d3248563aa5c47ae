"""What people bring, spooled to disk: copied in under names of ours, removed when nobody came back for it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import BinaryIO

from core.data.sources import names
from core.errors import ArchiveError
from core.store.files import disk_errors
from core.store.workspace import Workspace

DAY = 24 * 3600.0
_PIECE = 2**20


def save_upload(stream: BinaryIO, filename: str, workspace: Workspace) -> Path:
    """Copy an upload to `workspace.incoming`, a megabyte at a time, under a name of ours.

    Raises:
        ArchiveError: larger than the workspace's limit.
        WorkspaceError: the disk is full.
    """
    known = [suffix for suffix in names.ARCHIVE_SUFFIXES if filename.lower().endswith(suffix)]
    path = workspace.incoming / f"{workspace.new_id(names.stem(filename))}{max(known, key=len, default='')}"
    limit, count = workspace.limits.upload_bytes, 0
    try:
        with disk_errors(), open(path, "xb") as file:
            while piece := stream.read(_PIECE):
                count += len(piece)
                if count > limit:
                    raise ArchiveError(f"'{filename}' is larger than {limit / 2**20:,.0f} MB.", "Use a smaller part, "
                                       "or make the images smaller before zipping them.")
                file.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def clean_incoming(workspace: Workspace, older_than: float = DAY) -> int:
    """Delete what uploads and broken-off ingestions left behind longer than `older_than` seconds ago; how many."""
    removed = 0
    for entry in workspace.incoming.iterdir():
        try:
            if time.time() - _last_change(entry) < older_than:
                continue
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            removed += 1
        except OSError:  # being deleted by somebody else, or not ours to delete
            continue
    return removed


def _last_change(entry: Path) -> float:
    """The newest time in a folder's first two levels: an ingestion that still runs touches its folders."""
    paths = [entry, *entry.iterdir()] if entry.is_dir() and not entry.is_symlink() else [entry]
    return max(path.lstat().st_mtime for path in paths)
