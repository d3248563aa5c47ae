"""Adding to a dataset: what is brought is checked like a dataset's first images, and joins them by one more edit.

Everything is read into a folder of its own first. Then, with no other editor at work, the images are moved among the
dataset's, their rows are written beside its manifest, and at last the edit that refers to them: what comes to an end
before that line is not seen, and removed when the next addition is made.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.data import edits, layouts, manifest, parts
from core.data.dataset import Dataset
from core.data.images.decode import IMAGES
from core.data.images.thumbnails import THUMBNAILS, thumbnail_path
from core.data.layouts.reading import Reading
from core.data.layouts.source import Contents
from core.data.settling import placed
from core.data.sources import archive, names
from core.data.sources.captures import Captures, reading_of
from core.data.sources.members import CHUNK, DamagedMemberError, Member, Notes, mapped
from core.data.staging import staging
from core.data.unpacking import Progress, Unpacked, Walk, unpack
from core.errors import DataError, NotFoundError, TooManyBadFilesError
from core.store.files import disk_errors
from core.store.limits import Limits
from core.store.workspace import Workspace

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Added:
    """What came of an addition."""

    dataset: Dataset
    images: Mapping[str, int]
    """How many usable images were added to each class."""
    notes: list[str]
    """What was left out or called differently, and why, in sentences."""
    part: str
    """Names the addition: see `take_back`."""

    @property
    def text(self) -> str:
        """`12 images added: cats 10, dogs 2`."""
        total = sum(self.images.values())
        shown = sorted(self.images.items(), key=lambda item: names.natural(item[0]))
        more = f" and {len(shown) - 6:,} more classes" if len(shown) > 6 else ""
        listed = ", ".join(f"{label} {count:,}" for label, count in shown[:6])
        return f"{total:,} {'image' if total == 1 else 'images'} added: {listed}{more}"


def add(sources: Sequence[Path], workspace: Workspace, dataset_id: str, *, label: str | None = None,
        layout: str | None = None, accept_bad: bool = False, progress: Progress | None = None) -> Added:
    """Add the images of archives, folders and image files to a dataset. Pictures that it has already are left out.

    Args:
        label: The class that all of them are of, one that is there or a new one. None: as their folders say.
        layout: The id of the reading of these folders. None: the best one, when it is certain.
        accept_bad: Go on although many files are bad.

    Raises:
        NotFoundError: no such dataset or source.
        ArchiveError: a source cannot be read or is over a limit.
        UnclearLayoutError: the reading has to be chosen.
        TooManyBadFilesError: more than `limits.bad_share` of the files are bad, and `accept_bad` is not set.
        DataError: there is nothing to add, or no class for it.
        WorkspaceError: the disk is full.
    """
    for source in sources:
        if not source.exists():
            raise NotFoundError(f"There is no file or folder '{source}'.")
    label = None if label is None else names.checked(label, "class")
    walk = partial(_members, sources)
    return _add(walk, workspace, dataset_id, lambda found: _rows(found, label, layout, workspace, dataset_id),
                accept_bad, progress)


def add_captures(captures: Captures, workspace: Workspace, dataset_id: str, progress: Progress | None = None) -> Added:
    """Add what was gathered class by class to a dataset; it is used up. Raises as `add`."""
    begun = captures.classes()
    gathered = [one for one in begun if one.pictures]
    reading = reading_of(gathered)
    added = _add(captures.walk(gathered), workspace, dataset_id,
                 lambda found: [placed(row, reading) for row in found.rows], True, progress)
    captures.use_up(begun)
    return added


def take_back(workspace: Workspace, dataset_id: str, part: str) -> Dataset:
    """Undo an addition, whatever was edited since: one more edit. Its files stay, so that the log can be replayed.

    Raises:
        NotFoundError: no such dataset or addition, or it was taken back before.
        DataError: fewer than two classes would be left.
        WorkspaceError: the edit cannot be written.
    """
    folder = workspace.dataset_dir(dataset_id)
    with disk_errors(), edits.editing(folder):
        dataset = Dataset.load(folder)
        done = edits.history(dataset.edits).done
        kinds = [edit.kind for edit in done if edit.values.get("part") == part]
        if kinds != ["add"]:
            raise NotFoundError("There is no such addition to take back.", "It may have been taken back already.")
        if len(manifest.classes(parts.without(dataset.manifest, parts.read(folder, part)))) < 2:
            raise DataError("Without it the dataset would have fewer than two classes.", "Add to another class first.")
        edits.append(folder, "take_back", part=part)
    return Dataset.load(folder)


def _add(source: Walk, workspace: Workspace, dataset_id: str, rows_of: Callable[[Unpacked], Rows], accept_bad: bool,
         progress: Progress | None) -> Added:
    target = workspace.dataset_dir(dataset_id)
    with staging(workspace, workspace.new_id("addition")) as folder:
        unpacked = unpack(source, folder, workspace.limits, progress)
        rows = rows_of(unpacked)
        _judge(rows, unpacked.notes, workspace.limits, accept_bad)
        with edits.editing(target):
            dataset = Dataset.load(target)
            fresh = _fresh(rows, dataset, unpacked.notes)
            part = _join(fresh, folder, dataset)
    images: dict[str, int] = {}
    for row in fresh:
        if row["status"] == "ok":
            images[row["class"]] = images.get(row["class"], 0) + 1
    notes = [f"{line.rstrip('.')}." for line in unpacked.notes.lines(shown=5)]
    return Added(Dataset.load(target), images, notes, part)


def _members(sources: Sequence[Path], limits: Limits, notes: Notes) -> Iterator[Member]:
    """The members of several sources, one after the other; an image file is a member by itself."""
    for number, source in enumerate(sources):
        if source.is_file() and names.suffix(source.name) not in names.ARCHIVE_SUFFIXES:
            found = _image_file(source, limits, notes)
        else:
            found = archive.walk(source, limits, notes)
        for member in found:
            fraction = (number + member.fraction) / len(sources)
            yield Member(member.name, member.is_folder, fraction, member.chunks)


def _image_file(path: Path, limits: Limits, notes: Notes) -> Iterator[Member]:
    name = names.tidy(names.of_path(Path(path.name))) or "picture"
    if path.stat().st_size > limits.member_bytes:
        notes.add(f"larger than {limits.member_bytes / 2**20:,.0f} MB", name)
    else:
        yield Member(name, False, 0.0, partial(_pieces, path, name))


def _pieces(path: Path, name: str) -> Iterator[bytes]:
    with mapped(path, name, DamagedMemberError), open(path, "rb") as stream:
        yield from iter(partial(stream.read, CHUNK), b"")


def _rows(unpacked: Unpacked, label: str | None, layout: str | None, workspace: Workspace, dataset_id: str) -> Rows:
    """The rows with their classes and splits."""
    if label is not None:
        return [{**row, "path": f"{label}/{row['path']}", "class": label, "split": ""} for row in unpacked.rows]
    paths = [row["path"] for row in unpacked.rows]
    found = layouts.readings(paths, unpacked.tables)
    if not found and (only := _one_class(paths, Dataset.open(workspace, dataset_id).classes)):
        found = [only]
    if paths and not found:
        raise DataError("It is not clear of which class the images are.",
                        "Name it with --class, or put the images into a folder with the name of the class.")
    reading = layouts.choose(found, paths, layout) if paths else None
    return [] if reading is None else [placed(row, reading) for row in unpacked.rows]


def _one_class(paths: Sequence[str], classes: Sequence[str]) -> Reading | None:
    """All images in one folder that has the name of a class of the dataset, whatever it is wrapped in."""
    top, wrapping = Contents(paths, ()).trunk
    chain = [*wrapping, *top.inner] if len(top.inner) <= 1 else []
    name = next((name for name in reversed(chain) if name in classes), None)
    if name is None:
        return None
    return Reading("class-folder", f"more of the class {name}",
                   {path: (name, "") for path in paths if name in path.split("/")[:-1]})


def _judge(rows: Rows, notes: Notes, limits: Limits, accept_bad: bool) -> None:
    inside = [row for row in rows if row["status"] != manifest.OUTSIDE]
    bad = [row for row in inside if row["status"] == "bad"]
    examples = "; ".join(f"{row['path']}: {row['reason']}" for row in bad[:3])
    if not inside:
        why = "".join(f" {line}." for line in notes.lines(shown=3)[:4])
        raise DataError(f"There is no image in it.{why}", "Give images, or archives or folders of images.")
    if len(bad) == len(inside):
        raise DataError(f"None of the {len(bad)} image files can be read ({examples}).", "Nothing was added.")
    if len(bad) > limits.bad_share * len(inside) and not accept_bad:
        raise TooManyBadFilesError(f"{len(bad)} of {len(inside)} image files cannot be read ({examples}).",
                                   "Check where they come from, or go on without them.")


def _fresh(rows: Rows, dataset: Dataset, notes: Notes) -> Rows:
    """The rows that are to be added: none of a picture that is there already, each under a path of its own."""
    table = dataset.manifest
    present = {digest: (label, status) for digest, label, status
               in zip(table["hash"], table["class"], table["status"], strict=True) if digest}
    taken, twice, renamed = set(table["path"]), set(), 0
    fresh: Rows = []
    for row in rows:
        if row["status"] == manifest.OUTSIDE:
            notes.add(manifest.WHY_OUTSIDE, row["path"])
        elif row["hash"] in present:
            notes.add(_there(*present[row["hash"]], row["class"]), row["path"])
        elif row["hash"] and (row["hash"], row["class"]) in twice:
            notes.add("brought twice", row["path"])
        else:
            path = names.unused(row["path"], taken)
            renamed += path != row["path"]
            taken.add(path)
            twice.add((row["hash"], row["class"]))
            fresh.append({**row, "path": path})
    if renamed:
        one = renamed == 1
        notes.say(f"{renamed:,} {'has a name that is' if one else 'have names that are'} taken in the dataset, and "
                  f"{'is' if one else 'are'} kept as 'name (2)'")
    if not any(row["status"] == "ok" for row in fresh):
        raise DataError("Nothing was added: all of these images are in the dataset already.",
                        "Excluded ones can be brought back on the Data page.")
    return fresh


def _there(label: str, status: str, wanted: str) -> str:
    if status != "ok":
        return "in the dataset already, where it is left out"
    return "in the dataset already" if label == wanted else f"in the dataset already, as {label}"


def _join(rows: Rows, staged: Path, dataset: Dataset) -> str:
    """Move images, write rows, and at last the edit; inside `edits.editing`. The name of the part."""
    known = {edit.values["part"] for edit in dataset.edits if edit.kind == "add"}
    part = secrets.token_hex(8)
    with disk_errors():
        for path in list(parts.left_behind(dataset.path, known)):
            path.unlink(missing_ok=True)
        for inner in (IMAGES, THUMBNAILS):
            (dataset.path / inner).mkdir(exist_ok=True)
        try:
            named = [_moved(row, staged, dataset.path, part, index) for index, row in enumerate(rows)]
            parts.write(manifest.build(named), dataset.path, part)
            edits.append(dataset.path, "add", part=part, images=len(rows))
        except BaseException:
            for path in list(parts.left_behind(dataset.path, known)):
                path.unlink(missing_ok=True)
            raise
    return part


def _moved(row: dict[str, Any], staged: Path, folder: Path, part: str, index: int) -> dict[str, Any]:
    """A row whose image, with its thumbnail, lies in the dataset now."""
    if not row["file"]:
        return row
    file = parts.file_name(part, index, Path(row["file"]).suffix)
    thumbnail = thumbnail_path(staged, row["file"])
    os.rename(staged / IMAGES / row["file"], folder / IMAGES / file)
    if thumbnail.exists():
        os.rename(thumbnail, thumbnail_path(folder, file))
    return {**row, "file": file}
