"""The datasets of a workspace: making, finding, renaming and deleting them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from core.data import dataset as descriptions
from core.data import edits, fetching, manifest, samples
from core.data.dataset import Dataset
from core.data.layouts import rereading
from core.data.settling import Settled, settle
from core.data.sources import archive, names
from core.data.sources.captures import Captures, reading_of
from core.data.sources.names import checked as checked_name
from core.data.splits import columns
from core.data.staging import HELD, held, hold, staging
from core.data.unpacking import Progress, unpack
from core.errors import DataError, GraftError, NotFoundError, QuestionError
from core.store.files import disk_errors
from core.store.workspace import Workspace


def ingest(
    source: Path, workspace: Workspace, *, name: str | None = None, progress: Progress | None = None,
    layout: str | None = None, accept_bad: bool = False, accept_empty: bool = False, keep: bool = False,
    source_text: str | None = None, source_key: str = "", renamed: Callable[[str], str] | None = None,
    archives_inside: bool = False,
) -> Dataset:
    """Make a dataset of a zip, a tar or a folder. An upload that lies in `workspace.incoming` is used up.

    Args:
        name: How people see it. Default: the source's file name.
        progress: Called with (what is being done, 0..1); may raise to cancel, which leaves nothing behind.
        layout: The id of the reading to take (see `core.data.layouts`). None: the best one, when it is certain.
        accept_bad: Go on although many files are bad.
        accept_empty: Leave out classes whose files are all unusable, instead of refusing all.
        renamed: Gives the path by which a member is read, from its own.
        keep: Keep what was read when a question comes up: `go_on` answers it, `discard` removes what was kept.
        archives_inside: Read archives inside it as well, each as a folder.

    Raises:
        ArchiveError: see `core.data.unpacking.unpack`.
        DatasetShapeError, ArchivesInsideError, UnclearLayoutError, EmptyClassError, TooManyBadFilesError: see
            `core.data.settling.settle`.
        DiskFullError, WorkspaceError: the workspace cannot be written.
    """
    source = Path(source)
    if not source.exists():
        raise NotFoundError(f"There is no file or folder '{source}'.")
    name = checked_name(name or names.stem(source.name))
    about = {"id": workspace.new_id(name), "name": name, "source": source_text or source.name, "source_key": source_key}
    with staging(workspace, about["id"]) as folder:
        unpacked = unpack(archive.members_of(source, renamed, archives_inside), folder, workspace.limits, progress)
        try:
            settled = settle(unpacked, workspace.limits, layout, accept_bad, accept_empty)
        except QuestionError as error:
            if keep:
                hold(folder, unpacked, about)
                error.staged = folder.name
            raise
        _finish(folder, settled, about, workspace)
    if source.parent == workspace.incoming and source.is_file():
        source.unlink(missing_ok=True)
    return Dataset.open(workspace, about["id"])


def go_on(workspace: Workspace, staged: str, *, layout: str | None = None, accept_bad: bool = False,
          accept_empty: bool = False) -> Dataset:
    """Make the dataset of what was read before a question came up, without reading its source again.

    Args:
        staged: From the error that asked.
        layout, accept_bad, accept_empty: The answers so far, as for `ingest`.

    Raises:
        NotFoundError: it was discarded, or cleaned up.
        UnclearLayoutError, EmptyClassError, TooManyBadFilesError: the next question; what was read is still kept.
        DatasetShapeError: no dataset comes of it; nothing is kept.
    """
    folder, unpacked, about = held(workspace, staged)
    try:
        with disk_errors():
            _finish(folder, settle(unpacked, workspace.limits, layout, accept_bad, accept_empty), about, workspace)
    except QuestionError as error:
        error.staged = staged
        raise
    except GraftError:
        discard(workspace, staged)
        raise
    return Dataset.open(workspace, about["id"])


def discard(workspace: Workspace, staged: str) -> None:
    """Remove what was kept for an answer that is not going to come."""
    with contextlib.suppress(NotFoundError):
        shutil.rmtree(workspace.staged_dir(staged), ignore_errors=True)


def _finish(folder: Path, settled: Settled, about: dict[str, str], workspace: Workspace) -> None:
    """Write what makes a folder of images a dataset, and move it into its place."""
    table = manifest.build(settled.rows)
    manifest.write(table, folder)
    rereading.keep(folder, settled.readings)
    columns.keep(folder, settled.columns)
    descriptions.describe(
        folder, table, **about, created=time.strftime("%Y-%m-%dT%H:%M:%S%z"), notes=settled.notes,
        skipped=settled.skipped, layout={"reading": settled.reading.id, "text": settled.reading.text},
        max_pixels=workspace.limits.image_pixels,
    )
    (folder / HELD).unlink(missing_ok=True)
    os.rename(folder, workspace.datasets / about["id"])


def ingest_sample(name: str, workspace: Workspace, progress: Progress | None = None) -> Dataset:
    """Write a sample out, or fetch it, and ingest it. Raises NotFoundError: no such sample; and as `ingest_link`."""
    if name not in samples.SAMPLES:
        raise NotFoundError(f"There is no sample '{name}'.", f"Samples: {', '.join(samples.SAMPLES)}.")
    sample = samples.SAMPLES[name]
    if sample.download is not None:
        return ingest_link(sample.download.url, workspace, name=sample.title, progress=progress,
                           source_key=samples.source_key(name), md5=sample.download.md5,
                           renamed=sample.download.renamed)
    assert sample.write is not None
    with staging(workspace, workspace.new_id(name)) as folder:
        if progress is not None:
            progress("Writing the sample", 0.0)
        sample.write(folder)
        return ingest(folder, workspace, name=sample.title, progress=progress, source_text=f"sample: {name}",
                      source_key=samples.source_key(name))


def ingest_link(
    url: str, workspace: Workspace, *, name: str | None = None, progress: Progress | None = None,
    layout: str | None = None, accept_bad: bool = False, accept_empty: bool = False, keep: bool = False,
    source_key: str = "", md5: str = "", renamed: Callable[[str], str] | None = None, archives_inside: bool = False,
) -> Dataset:
    """Fetch an archive from the web and make a dataset of it. What is not said here: as for `ingest`.

    Args:
        md5: What the archive must have.

    Raises:
        DataError: it cannot be fetched; see `core.data.fetching.fetch`.
    """
    path = fetching.fetch(url, workspace, None if progress is None else
                          lambda text, share: progress(text, 0.5 * share), md5)
    return ingest(path, workspace, name=name or names.stem(fetching.name_of(url)),
                  progress=None if progress is None else lambda text, share: progress(text, 0.5 + 0.5 * share),
                  layout=layout, accept_bad=accept_bad, accept_empty=accept_empty, keep=keep, source_text=url,
                  source_key=source_key, renamed=renamed, archives_inside=archives_inside)


def ingest_captures(captures: Captures, workspace: Workspace, *, name: str,
                    progress: Progress | None = None) -> Dataset:
    """Make a dataset of pictures that were gathered class by class, which are used up. Raises as `ingest`."""
    name, gathered = checked_name(name), captures.classes()
    about = {"id": workspace.new_id(name), "name": name, "source": "class by class", "source_key": ""}
    with staging(workspace, about["id"]) as folder:
        unpacked = unpack(captures.walk(gathered), folder, workspace.limits, progress)
        settled = settle(unpacked, workspace.limits, reading_of(gathered), accept_bad=True, accept_empty=True)
        _finish(folder, settled, about, workspace)
    captures.use_up(gathered)
    return Dataset.open(workspace, about["id"])


def list_datasets(workspace: Workspace) -> list[Dataset]:
    """The workspace's datasets, newest first. What cannot be read is passed over: see `unreadable_datasets`."""
    found = []
    for folder in _folders(workspace):
        try:
            found.append(Dataset.load(folder))
        except GraftError:
            continue
    return sorted(found, key=lambda dataset: (dataset.created, dataset.id), reverse=True)


def unreadable_datasets(workspace: Workspace) -> list[tuple[str, str]]:
    """(id, why in a sentence) of what lies among the datasets and cannot be read, by a newer version's hand say."""
    found = []
    for folder in _folders(workspace):
        try:
            Dataset.load(folder)
        except GraftError as error:
            if folder.is_dir():  # else it was deleted just now
                found.append((folder.name, str(error)))
    return found


def rename_dataset(workspace: Workspace, dataset_id: str, name: str) -> Dataset:
    """Give a dataset another name; its id stays. Raises NotFoundError, DataError, WorkspaceError."""
    folder, name = workspace.dataset_dir(dataset_id), checked_name(name)
    with disk_errors(), edits.editing(folder):
        descriptions.rename(folder, name)
    return Dataset.load(folder)


def delete_dataset(workspace: Workspace, dataset_id: str, used_by: Sequence[str]) -> None:
    """Delete a dataset with its images.

    Args:
        used_by: Ids of the runs that wait or train on it: `core.api.delete_dataset` knows them.

    Raises:
        NotFoundError: there is none.
        DataError: it is in use.
    """
    folder = workspace.dataset_dir(dataset_id)
    if used_by:
        raise DataError(f"The dataset is in use by {', '.join(used_by)}.",
                        "Stop that run, or wait until it has ended.")
    doomed = workspace.incoming / workspace.new_id("deleted")
    with disk_errors():
        os.rename(folder, doomed)  # gone for everybody at once, however long deleting takes
    shutil.rmtree(doomed, ignore_errors=True)


def resolve_dataset(
    text: str, workspace: Workspace, progress: Progress | None = None, *, layout: str | None = None,
    accept_bad: bool = False, accept_empty: bool = False, archives_inside: bool = False,
) -> Dataset:
    """The dataset that a command line means: a path to a zip, tar or folder, the
    address of an archive on the web, a sample's name, or a dataset's id.

    What has been ingested before and has not changed since is used again.

    Args:
        layout, accept_bad, accept_empty, archives_inside: As for `ingest`.

    Raises:
        NotFoundError: none of these.
        DataError: it cannot be ingested.
    """
    within = "inside:" if archives_inside else ""
    if fetching.is_link(text):
        key = f"{within}link:{text.strip()}"
        return _ingested(workspace, key, layout) or ingest_link(
            text.strip(), workspace, progress=progress, layout=layout, accept_bad=accept_bad,
            accept_empty=accept_empty, source_key=key, archives_inside=archives_inside)
    path = Path(text).expanduser()
    if _exists(path):
        key = within + _source_key(path.resolve())
        return _ingested(workspace, key, layout) or ingest(
            path, workspace, progress=progress, layout=layout, accept_bad=accept_bad, accept_empty=accept_empty,
            source_text=names.of_path(path.resolve()), source_key=key, archives_inside=archives_inside)
    if text in samples.SAMPLES:
        return _ingested(workspace, samples.source_key(text)) or ingest_sample(text, workspace, progress)
    try:
        dataset = Dataset.open(workspace, text)
    except NotFoundError:
        raise NotFoundError(f"'{text}' is not a zip, tar, folder or web address, not a sample, and not the id of a "
                            "dataset.", _what_there_is(workspace)) from None
    if layout is not None and dataset.layout["reading"] != layout:
        raise DataError(f"The dataset {dataset.id} is read as '{dataset.layout['reading']}', not as '{layout}'.",
                        "Read it differently on the Data page, or give the archive again.")
    return dataset


def _folders(workspace: Workspace) -> list[Path]:
    return [entry for entry in workspace.datasets.iterdir() if entry.is_dir() and not entry.name.startswith(".")]


def _what_there_is(workspace: Workspace) -> str:
    known = ", ".join(dataset.id for dataset in list_datasets(workspace)[:5]) or "none yet"
    unreadable = "".join(f" Not readable: {name} ({why})" for name, why in unreadable_datasets(workspace)[:3])
    return f"Samples: {', '.join(samples.SAMPLES)}. Datasets: {known}.{unreadable}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a name can be, or in a folder of somebody else's
        return False


def _ingested(workspace: Workspace, key: str, layout: str | None = None) -> Dataset | None:
    return next((dataset for dataset in list_datasets(workspace) if dataset.source_key == key
                 and layout in (None, dataset.layout["reading"])), None)


def _source_key(path: Path) -> str:
    """Changes when the source does: path, size and time of an archive, or of every file of a folder."""
    digest = hashlib.sha256(os.fsencode(path))
    for entry in sorted(path.rglob("*")) if path.is_dir() else [path]:
        state = entry.lstat()
        digest.update(os.fsencode(entry) + f"\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()
