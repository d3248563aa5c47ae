"""What goes wrong in the worker, in the user's words."""

from __future__ import annotations

import errno
from pathlib import Path

from core.errors import DiskFullError, GraftError, OutOfMemoryError


def explained(error: Exception) -> GraftError:
    """What went wrong in the user's words; foreign errors are mapped here and nowhere else."""
    if isinstance(error, GraftError):
        return error
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return OutOfMemoryError("There was not enough memory for this run.",
                                "Lower the batch size or the image size, or freeze more of the backbone.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError("The disk is full.", "Delete runs, datasets or the cache folder, then start again.")
    return GraftError(f"The training stopped with an unexpected error: {type(error).__name__}: {error}",
                      f"The details are in {Path('worker.log')} of the run folder.")
