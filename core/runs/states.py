"""The states that a training leaves on disk to go on from: `checkpoint/state-…` of a run folder.

One folder a state: its numbers, and a note with their hash. It is written aside, forced to the disk and renamed, and
the one before stays beside it, so that a kill or a torn write at any moment costs at most what came after a whole one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.runs.recovery import CHECKPOINT
from core.store.documents import Format
from core.store.files import digest

FORMAT = Format("checkpoint")
KEPT = 2
"""The last ones that are kept while a training goes on."""
_NUMBERS, _NOTE = "state.npz", "about.json"
_NAME = re.compile(r"state-(\d{6,})")


@dataclass(frozen=True)
class Stored:
    """A whole state on disk."""

    numbers: Path
    """The file; `core.engine.training.state.TrainState.from_bytes` reads its content."""
    about: dict[str, Any]
    """What was noted with it: `phase`, `epoch`, `seconds`, `identity`, `learning_rate`."""


def latest(run: Path) -> Stored | None:
    """The newest state of a run folder that is whole: of a damaged one the hash differs, and the one before counts.
    Raises NewerFormatError when a later version of Graft wrote it."""
    for folder in reversed(_folders(run)):
        try:
            about = FORMAT.read(folder / _NOTE)
            if about.pop("sha256") == digest(folder / _NUMBERS):
                return Stored(folder / _NUMBERS, about)
        except (OSError, ValueError, KeyError):
            continue
    return None


def write(run: Path, numbers: bytes, about: Mapping[str, Any]) -> None:
    """Add a state, and remove those before the last `KEPT`. Raises OSError; the earlier ones are whole then."""
    before = _folders(run)
    place = run / CHECKPOINT
    place.mkdir(exist_ok=True)
    aside = place / f".state-{secrets.token_hex(4)}"
    try:
        aside.mkdir()
        with open(aside / _NUMBERS, "wb") as file:
            file.write(numbers)
            file.flush()
            os.fsync(file.fileno())
        FORMAT.write(aside / _NOTE, {**about, "sha256": digest(aside / _NUMBERS)})
        number = int(_NAME.fullmatch(before[-1].name)[1]) + 1 if before else 1  # type: ignore[index]
        os.rename(aside, place / f"state-{number:06d}")
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for old in _folders(run)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def keep_newest(run: Path) -> None:
    """Remove all states but the newest: the training has ended, and from that one it can be made longer."""
    for old in _folders(run)[:-1]:
        shutil.rmtree(old, ignore_errors=True)


def hand_over(source: Path, target: Path, **note: Any) -> bool:
    """Copy the newest state of a run folder into another one, with more noted; False: there is none."""
    found = latest(source)
    if found is None:
        return False
    folder = target / CHECKPOINT / "state-000001"
    folder.mkdir(parents=True)
    shutil.copyfile(found.numbers, folder / _NUMBERS)
    FORMAT.write(folder / _NOTE, {**found.about, **note, "sha256": digest(folder / _NUMBERS)})
    return True


def _folders(run: Path) -> list[Path]:
    """The oldest first."""
    place = run / CHECKPOINT
    found = [path for path in place.iterdir() if _NAME.fullmatch(path.name)] if place.is_dir() else []
    return sorted(found, key=lambda path: int(path.name.partition("-")[2]))
