"""Weights files that somebody has uploaded: kept in the workspace under names of ours."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from core.backbones.weight_files import SUFFIXES
from core.errors import WeightsError
from core.store.files import disk_errors, replacing
from core.store.workspace import Workspace

_PIECE = 2**20
WEEK = 7 * 24 * 3600.0
_NAME_LENGTH = 24
"""Hexadecimal digits of the content's SHA-256: the same file is kept once."""


def folder(workspace: Workspace) -> Path:
    """Where they lie; there is none before the first."""
    return workspace.root / "weights"


def keep(upload: IO[bytes], filename: str, workspace: Workspace) -> Path:
    """Copy an upload to the workspace, a megabyte at a time; gives its path, named by its content.

    Args:
        filename: What its owner calls it. Only its ending is used.

    Raises:
        WeightsError: it has another ending than weights files have, or is larger than the workspace takes.
        DiskFullError, WorkspaceError: it cannot be written; nothing is left behind.
    """
    suffix = next((ending for ending in SUFFIXES if filename.lower().endswith(ending)), None)
    if suffix is None:
        raise WeightsError(f"{filename} is no weights file by its name.",
                           f"Use a file that ends in {', '.join(SUFFIXES)}.")
    most, written, content = workspace.limits.upload_bytes, 0, hashlib.sha256()
    upload.seek(0)
    with disk_errors():
        folder(workspace).mkdir(parents=True, exist_ok=True)
        passing = folder(workspace) / f"{workspace.new_id('weights')}{suffix}"
        with replacing(passing) as aside:
            with open(aside, "wb") as target:
                while piece := upload.read(_PIECE):
                    written += len(piece)
                    if written > most:
                        raise WeightsError(f"{filename} is larger than {most / 2**20:,.0f} MB.",
                                           "Use a smaller file, or raise the workspace's upload limit.")
                    content.update(piece)
                    target.write(piece)
        return passing.replace(folder(workspace) / f"{content.hexdigest()[:_NAME_LENGTH]}{suffix}")


def clean(workspace: Workspace, older_than: float = WEEK) -> int:
    """Delete files that were uploaded longer than `older_than` seconds ago and that no run began with; how many.

    A run's recipe names its file, and going on with the run builds its network anew. What a recipe that this version
    cannot read names stays as well.
    """
    files = [path for path in folder(workspace).glob("*") if _age(path) >= older_than]
    if not files:
        return 0
    named = ""
    for recipe in (*workspace.runs.glob("*/recipe.json"), workspace.root / "chosen.json"):  # the pages' choices
        with suppress(OSError):
            named += recipe.read_text("utf-8", errors="replace")
    removed = 0
    for path in files:
        if path.name not in named:
            with suppress(OSError):  # being deleted by somebody else, or not ours to delete
                path.unlink()
                removed += 1
    return removed


def _age(path: Path) -> float:
    """Seconds; -1 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return -1.0
