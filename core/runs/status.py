"""What `status.json` of a run says."""

from __future__ import annotations

from dataclasses import dataclass, field

ACTIVE = ("queued", "running")
FINISHED = ("completed", "stopped", "failed", "interrupted")


@dataclass(frozen=True)
class Status:
    """What `status.json` says. Times are seconds since the epoch, durations seconds."""

    state: str
    phase: str = ""
    phase_index: int = 0
    """Which of the recipe's phases, from 0: their names may be equal."""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    started: float | None = None
    updated: float = 0.0
    eta_s: float | None = None
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
