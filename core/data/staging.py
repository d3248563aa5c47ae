"""A folder to build a dataset in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.store.files import disk_errors
from core.store.workspace import Workspace


@contextmanager
def staging(workspace: Workspace, name: str) -> Iterator[Path]:
    """A new folder in `workspace.incoming`; gone at the end unless it was renamed into its place."""
    folder = workspace.incoming / name
    try:
        with disk_errors():
            folder.mkdir()
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
