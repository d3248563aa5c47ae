"""The folder of things that can be computed again: what is in it, and keeping it within its limit.

Entries are folders two levels down, `<kind>/<key>`. An entry's last use is the change time of its `used` file, in which
the processes that use it now note their pid and start time (a pid comes round again), so that nobody's rows are taken
away while he reads them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from core.store.files import write_text
from core.store.machine import Machine
from core.store.processes import process_started, this_process

PIXELS_SHARE = 0.5
"""Share of the cache's limit that the decoded images of one dataset may take."""
SAME_START = 2.0
"""Seconds that the start time of one process may seem to move when the clock is set."""


@dataclass(frozen=True)
class Entry:
    """One cached thing."""

    path: Path
    nbytes: int
    used: float
    """When it was last used, seconds since the epoch."""


def cache_key(**parts: Any) -> str:
    """A short stable name for what the parts decide."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]


def entries(machine: Machine) -> list[Entry]:
    """Everything in the cache, least recently used first."""
    found = []
    for path in [path for kind in machine.cache.iterdir() if kind.is_dir() for path in kind.iterdir()]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # evicted or renamed by another process
            found.append(_entry(path))
    return sorted(found, key=lambda entry: entry.used)


def claim(path: Path) -> None:
    """Note that this process uses an entry now; keeps it from being evicted, and makes it the most recent."""
    path.mkdir(parents=True, exist_ok=True)
    pid, started = this_process()
    with FileLock(path / "used.lock"):
        users = [user for user in _users(path) if user[0] != pid]
        write_text(path / "used", "".join(f"{pid} {started}\n" for pid, started in [*users, (pid, started)]))


def make_room(machine: Machine, wanted: int) -> bool:
    """Evict entries, least recently used first, until `wanted` more bytes fit into the limit and on the disk.

    Returns:
        True when they fit. What a living process uses stays; where they cannot fit, so does everything.
    """
    limit = machine.limits.cache_bytes
    found = entries(machine)
    taken = sum(entry.nbytes for entry in found)
    idle = [entry for entry in found if not _in_use(entry.path)]

    def fits(freed: int = 0) -> bool:
        return taken - freed + wanted <= limit and wanted <= disk_room(machine.cache)[0] + freed

    if not fits(sum(entry.nbytes for entry in idle)):
        return False
    for entry in idle:
        if fits():
            break
        if not _in_use(entry.path):  # somebody may have begun to use it
            shutil.rmtree(entry.path, ignore_errors=True)
            taken -= entry.nbytes
    return fits()


def disk_room(folder: Path) -> tuple[int, int]:
    """Bytes of the disk that may be filled, below 0 when it is too full, and bytes that are left to the rest of the
    machine: a tenth of the disk, at most 2 GB."""
    usage = shutil.disk_usage(folder)
    reserve = min(2 * 2**30, usage.total // 10)
    return usage.free - reserve, reserve


def _entry(path: Path) -> Entry:
    files = [item.stat() for item in path.iterdir() if item.is_file()]
    marker = path / "used"
    used = marker.stat().st_mtime if marker.exists() else path.stat().st_mtime
    # Blocks, not length: a store is made in full length and filled as it goes.
    return Entry(path, sum(getattr(item, "st_blocks", item.st_size // 512 + 1) * 512 for item in files), used)


def _in_use(path: Path) -> bool:
    return bool(_users(path))


def _users(path: Path) -> list[tuple[int, float]]:
    """Pid and start time of the living processes that have noted that they use an entry."""
    try:
        lines = (path / "used").read_text("ascii").splitlines()
    except (OSError, ValueError):
        return []
    users = []
    for line in lines:
        try:
            pid, started = line.split()
            user = int(pid), float(started)
        except ValueError:
            continue
        now = process_started(user[0])
        if now is not None and abs(now - user[1]) < SAME_START:
            users.append(user)
    return users
