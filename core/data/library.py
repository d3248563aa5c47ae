"""Ingested datasets: a folder each, with the images, the manifest and a description."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core.data import manifest
from core.data.dataset import Dataset
from core.data.sources import names
from core.data.unpacking import Progress, unpack
from core.errors import ArchiveError, DataError, GraftError, NotFoundError
from core.store.files import disk_errors
from core.store.workspace import Workspace

if TYPE_CHECKING:
    pass

DAY = 24 * 3600.0
_PIECE = 2**20
_LONGEST_NAME = 200


def ingest(
    source: Path, workspace: Workspace, *, name: str | None = None, progress: Progress | None = None,
    accept_bad: bool = False, source_text: str | None = None, source_key: str = "",
) -> Dataset:
    """Make a dataset of a zip, a tar or a folder. An upload that lies in `workspace.incoming` is used up.

    Args:
        name: How people see it. Default: the source's file name.
        progress: Called with (what is being done, 0..1); may raise to cancel, which leaves nothing behind.
        accept_bad: Go on although many files are bad.

    Raises:
        ArchiveError, DatasetShapeError, TooManyBadFilesError: see `core.data.unpacking.unpack`.
        DiskFullError, WorkspaceError: the workspace cannot be written.
    """
    source = Path(source)
    if not source.exists():
        raise NotFoundError(f"There is no file or folder '{source}'.")
    name = checked_name(name or _stem(source.name))
    dataset_id = workspace.new_id(name)
    with _staging(workspace, dataset_id) as folder:
        result = unpack(source, folder, workspace.limits, progress, accept_bad)
        table = manifest.build(result.rows)
        manifest.write(table, folder)
        usable = int((table["status"] == "ok").sum())
        Dataset(
            id=dataset_id, name=name, path=folder, classes=result.classes, fingerprint=manifest.fingerprint(table),
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"), source=source_text or source.name, notes=result.notes,
            images=usable, bad=len(table) - usable, source_key=source_key,
        ).save()
        os.rename(folder, workspace.datasets / dataset_id)
    if source.parent == workspace.incoming and source.is_file():
        source.unlink(missing_ok=True)
    return Dataset.open(workspace, dataset_id)


def save_upload(stream: BinaryIO, filename: str, workspace: Workspace) -> Path:
    """Copy an upload to `workspace.incoming`, a megabyte at a time, under a name of ours.

    Raises:
        ArchiveError: larger than the workspace's limit.
        DiskFullError, WorkspaceError: the workspace cannot be written.
    """
    known = [suffix for suffix in names.ARCHIVE_SUFFIXES if filename.lower().endswith(suffix)]
    path = workspace.incoming / f"{workspace.new_id(_stem(Path(filename).name))}{max(known, key=len, default='')}"
    limit, count = workspace.limits.upload_bytes, 0
    try:
        with disk_errors(), open(path, "xb") as file:
            while piece := stream.read(_PIECE):
                count += len(piece)
                if count > limit:
                    raise ArchiveError(f"'{filename}' is larger than {limit / 2**20:,.0f} MB.", "Use a smaller part, "
                                       "or make the images smaller before zipping them.")
                file.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def list_datasets(workspace: Workspace) -> list[Dataset]:
    """The workspace's datasets, newest first. Folders that are not whole are passed over."""
    found = []
    for folder in workspace.datasets.iterdir():
        try:
            found.append(Dataset.load(folder))
        except GraftError:
            continue
    return sorted(found, key=lambda dataset: (dataset.created, dataset.id), reverse=True)


def rename_dataset(workspace: Workspace, dataset_id: str, name: str) -> Dataset:
    """Give a dataset another name; its id stays. Raises NotFoundError, DataError."""
    dataset = Dataset.open(workspace, dataset_id)
    return _rewritten(dataset, name=checked_name(name))


def delete_dataset(workspace: Workspace, dataset_id: str) -> None:
    """Delete a dataset with its images. Raises NotFoundError, and DataError while a run waits or trains on it."""
    from core.jobs import queue

    folder = workspace.dataset_dir(dataset_id)
    busy = [job.id for job in queue.active(workspace.machine) if dataset_id in job.datasets]
    if busy:
        raise DataError(f"The dataset is in use by {', '.join(busy)}.", "Stop that run, or wait until it has ended.")
    doomed = workspace.incoming / workspace.new_id("deleted")
    with disk_errors():
        os.rename(folder, doomed)  # gone for everybody at once, however long deleting takes
    shutil.rmtree(doomed, ignore_errors=True)


def rename_class(workspace: Workspace, dataset_id: str, old: str, new: str) -> Dataset:
    """Give a class another label. Raises NotFoundError, and DataError when the label is taken or not usable."""
    dataset, new = Dataset.open(workspace, dataset_id), checked_name(new, what="class")
    if old not in dataset.classes:
        raise NotFoundError(f"There is no class '{old}'.", f"The classes are: {', '.join(dataset.classes)}.")
    if new == old:
        return dataset
    if new in dataset.classes:
        raise DataError(f"There is already a class '{new}'.", "Choose another label.")
    rows = dataset.manifest.to_dict("records")
    table = manifest.build({**row, "class": new if row["class"] == old else row["class"]} for row in rows)
    manifest.write(table, dataset.path)
    classes = sorted((new if label == old else label for label in dataset.classes), key=names.natural)
    return _rewritten(dataset, classes=classes, fingerprint=manifest.fingerprint(table))


def resolve_dataset(text: str, workspace: Workspace, progress: Progress | None = None) -> Dataset:
    """The dataset that a command line means: a path to a zip, tar or folder, a sample's name, or a dataset's id.

    What has been ingested before and has not changed since is used again.

    Raises:
        NotFoundError: none of these.
        DataError: it cannot be ingested.
    """
    from core.data import samples

    path = Path(text).expanduser()
    if path.exists():
        key = _source_key(path.resolve())
        return _ingested(workspace, key) or ingest(
            path, workspace, progress=progress, source_text=names.of_path(path.resolve()), source_key=key)
    if text in samples.SAMPLES:
        return _ingested(workspace, samples.source_key(text)) or samples.ingest_sample(text, workspace, progress)
    try:
        return Dataset.open(workspace, text)
    except NotFoundError:
        raise NotFoundError(
            f"'{text}' is not a zip, tar or folder, not a sample, and not the id of a dataset.",
            f"Samples: {', '.join(samples.SAMPLES)}. Datasets: "
            f"{', '.join(dataset.id for dataset in list_datasets(workspace)[:5]) or 'none yet'}.",
        ) from None


def clean_incoming(workspace: Workspace, older_than: float = DAY) -> int:
    """Delete what uploads and broken-off ingestions left behind longer than `older_than` seconds ago; how many."""
    removed = 0
    for entry in workspace.incoming.iterdir():
        try:
            if time.time() - _last_change(entry) < older_than:
                continue
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            removed += 1
        except OSError:  # being deleted by somebody else, or not ours to delete
            continue
    return removed


def checked_name(text: str, what: str = "dataset") -> str:
    """A name for a dataset or a label for a class, without blanks around it. Raises DataError."""
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or (what == "class" and "/" in name):
        raise DataError(f"{text[:50]!r} cannot be the name of a {what}.",
                        f"Use 1 to {_LONGEST_NAME} ordinary characters.")
    return name


def _rewritten(dataset: Dataset, **changes: Any) -> Dataset:
    fields = {name: getattr(dataset, name) for name in dataset.__dataclass_fields__}
    changed = Dataset(**{**fields, **changes})
    changed.save()
    return changed


def _ingested(workspace: Workspace, key: str) -> Dataset | None:
    return next((dataset for dataset in list_datasets(workspace) if dataset.source_key == key), None)


def _source_key(path: Path) -> str:
    """Changes when the source does: path, size and time of an archive, or of every file of a folder."""
    digest = hashlib.sha256(os.fsencode(path))
    for entry in sorted(path.rglob("*")) if path.is_dir() else [path]:
        state = entry.lstat()
        digest.update(os.fsencode(entry) + f"\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _stem(filename: str) -> str:
    """The file name without what says how it is packed: `flowers.tar.gz` → `flowers`."""
    stem = filename
    while names.suffix(stem) in names.ARCHIVE_SUFFIXES:
        stem = stem[:-len(names.suffix(stem))]
    cleaned = "".join(char for char in stem if char.isprintable()).strip()
    return cleaned[:_LONGEST_NAME] or "dataset"


def _last_change(entry: Path) -> float:
    """The newest time in a folder's first two levels: an ingestion that still runs touches its folders."""
    paths = [entry, *entry.iterdir()] if entry.is_dir() and not entry.is_symlink() else [entry]
    return max(path.lstat().st_mtime for path in paths)


@contextmanager
def _staging(workspace: Workspace, name: str) -> Iterator[Path]:
    """A folder to build a dataset in; gone at the end unless it was renamed into its place."""
    folder = workspace.incoming / name
    try:
        with disk_errors():
            folder.mkdir()
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
