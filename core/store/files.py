"""Writing files so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import DiskFullError, WorkspaceError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when the disk, or one's share of it, is full."""


@contextmanager
def disk_errors() -> Iterator[None]:
    """Around every write that a user's action asks for: what the system says of the disk, in words.

    Raises:
        DiskFullError: the disk is full.
        WorkspaceError: anything else that keeps a file from being written, read or moved.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError("The disk is full.", "Delete datasets or runs that are not needed.") from error
        raise WorkspaceError(f"The workspace cannot be written: {error.strerror or error}.",
                             "Check its folder.") from error


@contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; fsync and rename it into place when the block succeeds.

    `durable=False` leaves the fsync out: for what can be made again, and is, where it is found empty.
    """
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        if durable:
            with open(temporary, "rb") as handle:
                os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file (UTF-8) atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json(path: Path, document: Any) -> None:
    """Replace a JSON file atomically."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file (UTF-8)."""
    return json.loads(path.read_text("utf-8"))


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
