"""What `status.json` of a job says, and how older versions of Graft said it."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.store.documents import Document, Format

ACTIVE = ("queued", "running")
PAUSED = "paused"
"""The process has written down where it stands and ended; the job goes on when somebody wants it."""
FINISHED = ("completed", "stopped", "failed", "interrupted", PAUSED)
QUEUE, PREPARE, TRAIN, SCORE, SAVE = STAGES = ("queue", "prepare", "train", "score", "save")
"""What a job is doing. A phase is a part of the recipe's training, and another thing."""


@dataclass(frozen=True)
class Status:
    """What `status.json` says. Times are seconds since the epoch, durations seconds."""

    state: str
    stage: str = ""
    """What is being done, one of STAGES; of a job that has ended the last thing that was."""
    phase: str = ""
    """The recipe's phase that is being trained, by name."""
    phase_index: int = 0
    """Which of the recipe's phases, from 0: their names may be equal."""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    started: float | None = None
    updated: float = 0.0
    """When it was written: the heartbeat."""
    eta_s: float | None = None
    backend: str = "local"
    """Which backend started the job, a row of `core.jobs.backends.BACKENDS`."""
    handle: str = ""
    """What the backend that started the job knows it by."""
    host: str = ""
    """Where `pid` is a process (`core.store.processes.this_host`). Empty: here."""
    pid: int | None = None
    pid_started: float | None = None
    """Start time of the process, so that a reused pid is not taken for the worker."""
    error: dict[str, str] | None = None
    message: str = ""
    images_per_second: float | None = None
    queued: float = field(default=0.0)

    @property
    def active(self) -> bool:
        """Queued or running."""
        return self.state in ACTIVE


def _stage_apart_from_phase(old: Document) -> Document:
    """Version 1 wrote what was being done where the name of the recipe's phase stands."""
    phase = old.get("phase") or ""
    if phase in (PREPARE, SAVE):
        return {**old, "stage": phase, "phase": ""}
    return {**old, "stage": QUEUE if old.get("state") == "queued" else TRAIN if phase else PREPARE}


STATUS = Format("status", 2, {1: _stage_apart_from_phase})
