"""Which process is which: a pid with its start time, so that a reused pid is not taken for the process that had it."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from pathlib import Path

import psutil


@functools.cache
def this_host() -> str:
    """Where a pid means what it means here: on this computer, since it was started, inside this container."""
    parts = []
    for name in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            path = Path(name)
            parts.append(os.readlink(path) if path.is_symlink() else path.read_text("ascii").strip())
        except OSError:  # no Linux: the name alone has to do
            continue
    return f"{platform.node()}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:8]}"


def process_started(pid: int) -> float | None:
    """Start time of a process, or None when there is no such process."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def this_process() -> tuple[int, float | None]:
    """Pid and start time of the calling process, as they stand in a status."""
    return os.getpid(), process_started(os.getpid())


def alive(pid: int | None, started: float | None, named: str = "") -> bool:
    """True while the process with this pid and start time (None: any) runs.

    Args:
        named: An argument that only that process was started with. The system reckons start times from the clock, and
            a clock that is set, as after a laptop's sleep, moves them; an argument stays.
    """
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        same = started is None or abs(process.create_time() - started) < 2.0
        same = same or (bool(named) and named in process.cmdline())
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
