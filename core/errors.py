"""Every failure that a user can act on, in one tree.

Each error says what is wrong and what was received (`message`) and what to do about it (`hint`). Anything that is not
a `GraftError` is a bug: it is logged with its traceback and shown with a short reference, never swallowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.data.layouts.reading import Reading


class GraftError(Exception):
    """Something the user can put right.

    Args:
        message: One sentence: what is wrong, and what was received.
        hint: What to do about it. May be empty when the message already says so.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def kind(self) -> str:
        """The error's name, as it stands in `status.json`."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def as_dict(self) -> dict[str, str]:
        """`{kind, message, hint}`, as `status.json` and the inference process carry it."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint}


class RecipeError(GraftError):
    """A setting is unknown, outside its range, or not available."""


class NotFoundError(GraftError):
    """No dataset, run or file under that name."""


class WorkspaceError(GraftError):
    """The workspace cannot be read or written, or its quota is used up."""


class DiskFullError(WorkspaceError):
    """The disk is full."""


class NewerFormatError(GraftError):
    """A file was written by a newer version of Graft than this one."""


class DataError(GraftError):
    """The images cannot be used as they are."""


class ArchiveError(DataError):
    """The archive cannot be read, or may not be unpacked."""


class DatasetShapeError(DataError):
    """There are images, but not at least two classes of them in folders."""


class QuestionError(DataError):
    """What was brought can be used once a question is answered."""

    staged: str = ""
    """What was read so far is kept under this name: see `core.data.library.go_on` and `discard`. "": it is not."""


class UnclearLayoutError(DatasetShapeError, QuestionError):
    """There are several ways to read the folders, and none is certain."""

    def __init__(self, message: str, hint: str = "", readings: Sequence[Reading] = ()) -> None:
        super().__init__(message, hint)
        self.readings = list(readings)


class ArchivesInsideError(DatasetShapeError):
    """There is no image but in archives inside what was brought, which are read only when that is asked for."""


class EmptyClassError(DatasetShapeError, QuestionError):
    """A class has no image that can be used. The others can be had without it."""


class TooManyBadFilesError(QuestionError):
    """More than a fifth of the files are not readable images."""


class ImageDecodeError(DataError):
    """One file is not an image that Graft can decode."""


class WeightsError(GraftError):
    """Pretrained weights cannot be found, fetched or used."""


class WeightsNotFoundError(WeightsError):
    """No weights file in any of the places looked at."""


class RunError(GraftError):
    """A run cannot be started, stopped, continued or read."""


class OutOfMemoryError(RunError):
    """The machine or the GPU ran out of memory."""


class TrainingDivergedError(RunError):
    """The loss became NaN or infinite."""


class ExportError(RunError):
    """A model cannot be brought into a format, or it costs too much there."""


class InferenceError(GraftError):
    """The prediction process did not answer, or could not use the model."""
