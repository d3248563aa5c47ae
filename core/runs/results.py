"""The results of a run: model, classes, predictions and scores, which become visible in one step.

They lie together in a folder `results-…`; `results` is a link to it, and the names that people and programs use at
the top of the run folder are links through that one. Replacing the link `results` replaces them all, so that whoever
looks, and whatever a kill leaves, has the earlier results or the later ones and never some of both.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.store.documents import Format

LINK = "results"
METRICS = Format("scores")
"""Of `metrics.json`: a split each, and what was measured on it."""
SERVING = Format("note on the converted network")
"""Of `serving.json`."""
NAMES = ("labels.txt", "predictions.parquet", "metrics.json", "serving.onnx", "serving.json", "model.keras")
"""What results may hold; the model last, for file systems without links."""
_TEMPORARY = ".link-"


@contextmanager
def publishing(run: Path) -> Iterator[Path]:
    """Yield an empty folder for the new results of a run folder; they are shown when the block succeeds."""
    clear_leftovers(run)
    folder = _new_folder(run)
    try:
        yield folder
        _to_disk(folder)
        try:
            _show(run, folder)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            _move(run, folder)  # FAT and some network shares have no links
        _flush(run)
    finally:
        clear_leftovers(run)


def clear_leftovers(run: Path) -> None:
    """Remove results that are not shown: earlier ones, and those that a killed process did not finish."""
    shown = os.readlink(run / LINK) if (run / LINK).is_symlink() else None
    for path in run.glob(f"{LINK}-*"):
        if path.name != shown:
            shutil.rmtree(path, ignore_errors=True)
    for path in run.glob(f"{_TEMPORARY}*"):
        path.unlink(missing_ok=True)
    for name in NAMES:
        if (run / name).is_symlink() and not (run / name).exists():
            (run / name).unlink()


def _show(run: Path, folder: Path) -> None:
    if any((run / name).is_file() and not (run / name).is_symlink() for name in NAMES):
        _adopt(run)
    _link_names(run, folder)
    _point(run / LINK, folder.name)


def _adopt(run: Path) -> None:
    """Results that lie at the top as plain files, as in a copied run, become linked ones; what is shown stays."""
    if (run / LINK).is_dir() and not (run / LINK).is_symlink():  # a copy of what the link led to
        (run / LINK).rename(run / f"{LINK}-{secrets.token_hex(4)}")
    folder = _new_folder(run)
    for name in NAMES:
        if (run / name).is_file():
            _copy((run / name).resolve(), folder / name)
    _to_disk(folder)
    _point(run / LINK, folder.name)
    _link_names(run, folder)


def _link_names(run: Path, folder: Path) -> None:
    for name in NAMES:
        if (folder / name).exists() and not (run / name).is_symlink():
            _point(run / name, f"{LINK}/{name}")


def _point(link: Path, target: str) -> None:
    """Make or replace a link in one step."""
    temporary = link.with_name(f"{_TEMPORARY}{secrets.token_hex(4)}")
    os.symlink(target, temporary)
    os.replace(temporary, link)


def _move(run: Path, folder: Path) -> None:
    """Without links: the old model goes first and the new one comes last, so that there is none while they differ."""
    (run / NAMES[-1]).unlink(missing_ok=True)
    for name in NAMES:
        if (folder / name).exists():
            os.replace(folder / name, run / name)
        else:
            (run / name).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _new_folder(run: Path) -> Path:
    folder = run / f"{LINK}-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def _to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    _flush(folder)


def _flush(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
