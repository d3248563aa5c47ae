"""Keeping the page process small: letting go of uploads, and giving freed memory back."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def release(*uploads: UploadedFile) -> None:
    """Drop the bytes of uploads that are on disk by now. Streamlit 1.67 keeps them until the session ends, also when
    their uploader is gone from the page."""
    context: Any = get_script_run_ctx()
    for upload in uploads:
        upload.close()
        if context is not None:
            context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)
    trim()


def trim() -> None:
    """Decoding in threads leaves the C library with free memory that it keeps; glibc can be asked to return it."""
    _glibc("malloc_trim", 0)


def few_arenas() -> None:
    """Let threads share two pools of memory, instead of one each: the page server's threads mostly wait."""
    _glibc("mallopt", _M_ARENA_MAX, 2)


def _glibc(function: str, *arguments: int) -> None:
    called: Any = getattr(ctypes.CDLL(None), function, None) if sys.platform.startswith("linux") else None
    if called is not None:
        called(*arguments)
