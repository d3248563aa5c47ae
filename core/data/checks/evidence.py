"""What the thorough checks have seen in a dataset, kept beside it: plain values by check, as `table.THOROUGH` has them.

Findings are made of it anew whenever somebody looks, so that they follow the edits and the split of the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import NewerFormatError
from core.store.documents import Format

if TYPE_CHECKING:
    from core.data.dataset import Dataset

FILE = Path("checks") / "evidence.json"
"""In a dataset's folder."""
FORMAT = Format("evidence")
NEAR = "near_copies"
"""The check whose evidence the split uses."""


@dataclass(frozen=True)
class Evidence:
    """What was seen, and when."""

    contents: str
    """Of the images that were looked at: see `contents_of`."""
    seconds: float
    backbone: str
    """Whose features were compared, as people call it."""
    seen: Mapping[str, Any]
    """By check."""
    left_out: tuple[str, ...] = ()
    """Sentences on checks that could not be made, and why."""


def contents_of(dataset: Dataset) -> str:
    """Stands for the pictures that can be used, whatever their labels."""
    import hashlib

    return hashlib.sha256("\n".join(sorted(dataset.usable()["hash"])).encode()).hexdigest()[:16]


def read(dataset: Dataset) -> Evidence | None:
    """What is kept; None: nothing that this version can read."""
    try:
        found = FORMAT.read(dataset.path / FILE)
        return Evidence(found["contents"], float(found["seconds"]), found["backbone"], found["seen"],
                        tuple(found["left_out"]))
    except (OSError, ValueError, KeyError, TypeError, NewerFormatError):
        return None


def stamp(dataset: Dataset) -> int:
    """Another number whenever something else is kept: 0 where nothing is."""
    try:
        return (dataset.path / FILE).stat().st_mtime_ns
    except OSError:
        return 0


def write(dataset: Dataset, found: Evidence) -> None:
    """Keep what was seen. Raises OSError."""
    (dataset.path / FILE).parent.mkdir(exist_ok=True)
    FORMAT.write(dataset.path / FILE, asdict(found))


def clusters(dataset: Dataset) -> dict[str, int]:
    """The number of the near-copies that an image is one of, by the manifest's `file`; of those that are any."""
    found = read(dataset)
    if found is None:
        return {}
    number = {path: index for index, group in enumerate(found.seen.get(NEAR, ())) for path in group}
    rows = dataset.usable()
    return {file: number[path] for path, file in zip(rows["path"], rows["file"], strict=True) if path in number}
