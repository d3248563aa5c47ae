"""What a run can be exported to. A further format is a function and a row of `FORMATS`."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import GraftError, RunError
from core.runs.run import Run
from core.store.files import replacing


@dataclass(frozen=True)
class ExportFormat:
    """One form of a trained model."""

    name: str
    title: str
    description: str
    """What is in it, in a phrase."""
    suffix: str
    """Of the file's name, with its dot."""
    mime: str
    write: Callable[[Run, Path], None]
    """Writes the file at a path; in pieces, never all of it in memory."""


def _write_keras(run: Run, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # a .keras file is a zip already
        for name in ("model.keras", "labels.txt"):
            archive.write(run.path / name, name)


FORMATS: dict[str, ExportFormat] = {
    "keras": ExportFormat("keras", "Keras", "a zip with model and labels", ".zip", "application/zip", _write_keras),
}


def get(name: str) -> ExportFormat:
    """A format by its name. Raises GraftError, which names what there is."""
    if name not in FORMATS:
        raise GraftError(f"--format {name} is not available in this version.", f"Use one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def export(run: Run, name: str, out: Path) -> Path:
    """Write a run's model in a format: aside, then renamed, so that nobody meets half of it.

    Args:
        name: One of FORMATS.
        out: The file; replaced when it is there.

    Raises:
        RunError: the run has no model.
        GraftError: no such format, or the file cannot be written; then nothing is left of it.
    """
    kind = get(name)
    if not run.has_model:
        raise RunError("This run has no model.", "Choose a completed run.")
    try:
        with replacing(out) as aside:
            kind.write(run, aside)
    except OSError as error:
        raise GraftError(f"Cannot write {out}: {error.strerror or error}.", "Choose another place.") from error
    return out
