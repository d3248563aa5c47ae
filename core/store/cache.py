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
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from core.store.files import write_text
from core.store.machine import Machine
from core.store.processes import process_started, this_host, this_process

PIXELS_SHARE = 0.5
"""Share of the cache's limit that the decoded images of one dataset may take."""
SAME_START = 2.0
ELSEWHERE_SECONDS = 86400.0
"""How long a process of another computer or container is taken to use what it has noted."""
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
        here = this_host()
        others = [line for line in _users(path) if not (line.startswith(f"{pid} ") and line.endswith(here))]
        write_text(path / "used", "".join(f"{line}\n" for line in [*others, f"{pid} {started} {here}"]))


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


def _users(path: Path) -> list[str]:
    """The lines of those that use an entry: of the processes of this host those that live; of others, whom nobody here
    can see, all that have noted it within a day."""
    marker = path / "used"
    try:
        lines, noted = marker.read_text("ascii").splitlines(), marker.stat().st_mtime
    except (OSError, ValueError):
        return []
    here, fresh = this_host(), time.time() - noted < ELSEWHERE_SECONDS
    return [line for line in lines if _lives(line, here, fresh)]


def _lives(line: str, here: str, fresh: bool) -> bool:
    """Whether the user of a line, `pid started host`, is at work. A line of before there were hosts is of this one."""
    pid, _, rest = line.partition(" ")
    started, _, host = rest.partition(" ")
    if host and host != here:
        return fresh
    try:
        now = process_started(int(pid))
        return now is not None and abs(now - float(started)) < SAME_START
    except ValueError:
        return False
