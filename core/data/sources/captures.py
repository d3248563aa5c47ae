"""Loose pictures that are gathered class by class: on disk at once, checked at once, until a dataset is made of them.

They lie in the layout of a dataset's folder, under names of ours, so that the process that checks images and makes
thumbnails works on them as on a dataset. What nobody touches for a day goes with other left-overs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock

from core.data.images import thumbnails
from core.data.images.decode import IMAGES
from core.data.layouts.reading import Reading, classes_said
from core.data.sources import loose, names
from core.data.sources.loose import Picture
from core.data.sources.members import CHUNK, DamagedMemberError, Member, Notes, mapped
from core.errors import DataError, GraftError, NotFoundError
from core.store.documents import Format
from core.store.files import disk_errors
from core.store.limits import Limits
from core.store.workspace import Workspace

FOLDER = "captures"
FILE = "captures.json"
FORMAT = Format("captures")
CLASSES = 500
"""At most so many are gathered at a time: each is a card of the page. More come in an archive."""


@dataclass(frozen=True)
class Gathered:
    """A class and its pictures, in the order in which they came."""

    label: str
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What came of pictures that were brought."""

    kept: int
    left_out: list[str]
    """Sentences: what was left out, and why."""


class Captures:
    """The pictures that are gathered in a workspace: for a new dataset, or to be added to one.

    Args:
        dataset_id: Of the dataset that they are for. "": a new one.
    """

    def __init__(self, workspace: Workspace, dataset_id: str = "") -> None:
        self.folder = workspace.incoming / (f"{FOLDER}-{dataset_id}" if dataset_id else FOLDER)
        self._workspace, self._limits = workspace, workspace.limits

    def classes(self) -> list[Gathered]:
        """The classes so far, in the order in which they were begun. Raises NewerFormatError."""
        try:
            document = FORMAT.read(self.folder / FILE)
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise DataError(f"What was gathered class by class cannot be read: {error}.",
                            "Discard it and begin again.") from error
        return [Gathered(one["label"], tuple(Picture(*picture) for picture in one["pictures"]))
                for one in document["classes"]]

    def begin(self, label: str) -> str:
        """Begin a class; its label without blanks around it. Raises DataError: not a usable label, or taken."""
        label = names.checked(label, "class")
        with self._changing() as classes:
            if label in classes:
                raise DataError(f"There is already a class '{label}'.", "Choose another name.")
            if len(classes) >= CLASSES:
                raise DataError(f"There are {CLASSES} classes already.", "Bring so many in an archive, a folder each.")
            classes[label] = Gathered(label)
        return label

    def rename(self, old: str, new: str) -> None:
        """Give a class another label. Raises NotFoundError, DataError."""
        new = names.checked(new, "class")
        with self._changing() as classes:
            _known(classes, old)
            if new != old and new in classes:
                raise DataError(f"There is already a class '{new}'.", "Choose another name.")
            renamed = [Gathered(new if one.label == old else one.label, one.pictures) for one in classes.values()]
            classes.clear()
            classes.update({one.label: one for one in renamed})

    def remove(self, label: str) -> None:
        """Let go of a class with its pictures."""
        with self._changing() as classes:
            gone = classes.pop(label, Gathered(label))
        self._forget(picture.file for picture in gone.pictures)

    def empty(self, label: str) -> None:
        """Let go of the pictures of a class. Raises NotFoundError."""
        with self._changing() as classes:
            gone = _known(classes, label)
            classes[label] = Gathered(label)
        self._forget(picture.file for picture in gone.pictures)

    def discard(self) -> None:
        """Let go of everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, label: str, brought: Iterable[tuple[str, BinaryIO]]) -> Taken:
        """Take pictures, and those in archives among them, into a class. Each is decoded once, in another process.

        Args:
            brought: (name, open binary file) of each.

        Raises:
            NotFoundError: the class is gone.
            WorkspaceError: the disk is full.
        """
        notes, before = Notes(), [picture for one in self.classes() for picture in one.pictures]
        room = loose.Room(self._limits.archive_members - len(before),
                          self._limits.upload_bytes - sum(picture.bytes for picture in before))
        with disk_errors():
            good = loose.take_in(brought, self.folder, self._workspace, room, notes)
        try:
            with self._changing() as classes:
                known = _known(classes, label)
                classes[label] = Gathered(label, (*known.pictures, *good))
        except BaseException:
            self._forget(picture.file for picture in good)
            raise
        return Taken(len(good), [f"{line}." for line in notes.lines(shown=5)])

    def thumbnail(self, file: str) -> bytes:
        """A small JPEG of a picture; b"" when it is gone."""
        try:
            return thumbnails.thumbnail(self.folder, file, max_pixels=self._limits.image_pixels)
        except (OSError, GraftError):
            return b""

    def walk(self, gathered: Sequence[Gathered]) -> Callable[[Limits, Notes], Iterator[Member]]:
        """What gives the pictures of some classes as members of a source: `class/name`."""
        def members(limits: Limits, notes: Notes) -> Iterator[Member]:
            pictures = [(one.label, picture) for one in gathered for picture in one.pictures]
            taken: set[str] = set()
            for index, (label, picture) in enumerate(pictures):
                name = names.unused(f"{label}/{picture.name}", taken)
                taken.add(name)
                path = self.folder / IMAGES / picture.file
                yield Member(name, False, index / len(pictures), partial(_pieces_of, path, name))

        return members

    def use_up(self, gathered: Sequence[Gathered]) -> None:
        """Let go of pictures that are in a dataset by now; what came in the meantime stays."""
        used = {picture.file for one in gathered for picture in one.pictures}
        with self._changing() as classes:
            for one in gathered:
                now = classes.pop(one.label, Gathered(one.label))
                if left := tuple(picture for picture in now.pictures if picture.file not in used):
                    classes[one.label] = Gathered(one.label, left)
        if classes:
            self._forget(used)
        else:
            self.discard()

    def _forget(self, files: Iterable[str]) -> None:
        loose.forget(self.folder, files)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Gathered]]:
        """The classes by label, written back at the end; one window of the page at a time."""
        with disk_errors():
            self.folder.mkdir(exist_ok=True)
            with FileLock(self.folder / "captures.lock", timeout=30):
                classes = {one.label: one for one in self.classes()}
                yield classes
                FORMAT.write(self.folder / FILE, {"classes": [_stored(one) for one in classes.values()]})


def reading_of(gathered: Sequence[Gathered]) -> Reading:
    """How the members are to be read: as they were gathered, whatever the classes are called."""
    labels = [one.label for one in gathered if one.pictures]
    return Reading("class-by-class", f"{classes_said(labels)}, gathered class by class",
                   {label: (label, "") for label in labels})


def _stored(one: Gathered) -> dict[str, Any]:
    return {"label": one.label, "pictures": [[picture.file, picture.name, picture.bytes] for picture in one.pictures]}


def _known(classes: dict[str, Gathered], label: str) -> Gathered:
    if label not in classes:
        raise NotFoundError(f"There is no class '{label}' any more.", "Begin it again.")
    return classes[label]


def _pieces_of(path: Path, name: str) -> Iterator[bytes]:
    with mapped(path, name, DamagedMemberError), open(path, "rb") as stream:
        yield from iter(partial(stream.read, CHUNK), b"")
