"""What a job ended with, as the error that its caller can act on."""

from __future__ import annotations

from core import errors
from core.errors import GraftError, RunError
from core.jobs.job import Job
from core.jobs.status import Status


def error_of(job: Job, status: Status | None = None) -> Exception:
    """The error that a failed or interrupted job stopped with: a GraftError when the user can act on it, else a
    RuntimeError.

    Args:
        status: The one that it ended with, where it was read already.
    """
    status = status or job.status()
    if status.state == "interrupted":
        return RunError(f"{status.message} It was ended from outside.", f"Its log: {job.path / 'worker.log'}")
    noted = status.error or {}
    message, hint = noted.get("message") or "It failed.", noted.get("hint", "")
    kind = getattr(errors, noted.get("kind", ""), None)
    if isinstance(kind, type) and issubclass(kind, GraftError) and kind is not GraftError:
        return kind(message, hint)
    return RuntimeError(f"{message} The log: {job.path / 'worker.log'}")
