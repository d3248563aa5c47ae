"""Times one process: wall time, processor time and peak memory.

The kernel counts what a process held before `exec` into the peak of what it becomes, so that a child of a large
process looks large itself. Therefore this file, which needs nothing but a bare interpreter, is started first and
starts the process to be measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


class MeasuredProcessFailed(Exception):
    """The process ended with an error; the message has the end of what it printed."""


@dataclass(frozen=True)
class Timing:
    """What one process took."""

    wall_s: float
    """From its start to its end."""
    cpu_s: float
    """User and system time of the process and its children, seconds."""
    peak_mb: float
    """Largest resident memory of the process, or of one of its children if that was larger; 2**20 bytes."""


def timed(command: list[str], log: Path, folder: Path, env: dict[str, str]) -> Timing:
    """Run a command and time it.

    Args:
        log: Where its output goes.
        folder: Where it runs.

    Raises:
        MeasuredProcessFailed: it ended with an error.
    """
    report = log.with_suffix(".time.json")
    with open(log, "wb") as output:
        subprocess.run([sys.executable, "-I", "-S", __file__, str(report), *command], cwd=folder, env=env, check=True,
                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    found = json.loads(report.read_text("utf-8"))
    if found.pop("code"):
        raise MeasuredProcessFailed(f"{' '.join(command)} failed:\n{log.read_text('utf-8', 'replace')[-2000:]}")
    return Timing(**found)


def main(report: str, *command: str) -> None:
    """Start the command, wait for it, write what it took."""
    began = time.monotonic()
    _, status, usage = os.wait4(subprocess.Popen(command).pid, 0)
    wall = time.monotonic() - began
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: getrusage(2)
    found = {"code": os.waitstatus_to_exitcode(status), "wall_s": round(wall, 3),
             "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
             "peak_mb": round(usage.ru_maxrss * unit / 2**20, 1)}
    with open(report, "w", encoding="utf-8") as handle:
        json.dump(found, handle)


if __name__ == "__main__":
    main(*sys.argv[1:])
