"""An ingested dataset: a folder with the images, the manifest, the log of edits and a description."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data import edits, manifest
from core.data.images import thumbnails
from core.data.images.decode import IMAGES
from core.data.images.reading import MAX_PIXELS
from core.errors import DataError
from core.store.documents import Document, Format
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "dataset.json"
_DERIVED = ("classes", "fingerprint", "images", "bad")


def _without_derived(document: Document) -> Document:
    """Version 1 rewrote manifest and description one after the other. Where a crash came in between, the manifest is
    right, so what follows from it is not taken from the description."""
    return {name: value for name, value in document.items() if name not in _DERIVED}


def _with_layout(document: Document) -> Document:
    """Version 2 told nobody how it had read the folders, and kept what it left out in sentences only."""
    return {**document, "layout": {"reading": "", "text": ""}, "skipped": []}


FORMAT = Format("dataset", 3, {1: _without_derived, 2: _with_layout})
"""Of the description. What follows from the rows stands there as it was when they were ingested."""


@dataclass(frozen=True)
class Dataset:
    """An ingested dataset, as it was when it was opened. The manifest is read when it is asked for."""

    id: str
    name: str
    path: Path
    classes: list[str]
    fingerprint: str
    created: str
    source: str
    notes: list[str]
    """What was left out while ingesting, and pictures in more than one split or class, in sentences."""
    images: int
    """Usable images."""
    bad: int
    """Files that cannot be used."""
    layout: dict[str, str] = field(default_factory=lambda: {"reading": "", "text": ""})
    """`{reading, text}`: the id of the reading, and what was understood in one line; "" where that is not known."""
    skipped: list[dict[str, str]] = field(default_factory=list)
    """`[{member, reason}]`: the first of what was left out while ingesting."""
    source_key: str = ""
    """Tells whether a source has changed since: its path, size and time."""
    max_pixels: int = MAX_PIXELS
    """The workspace's limit for one image when they were ingested: what is in it, every process may decode."""
    edits: tuple[edits.Edit, ...] = ()
    """What was changed since, oldest first; all that is above, and the manifest, is after these."""

    @classmethod
    def open(cls, workspace: Workspace, dataset_id: str) -> Dataset:
        """A dataset of the workspace. Raises NotFoundError, and as `load`."""
        return cls.load(workspace.dataset_dir(dataset_id))

    @classmethod
    def load(cls, path: Path) -> Dataset:
        """The dataset in a folder.

        Raises:
            DataError: its description is missing or broken.
            NewerFormatError: it was written or edited by a newer version of Graft.
        """
        try:
            document = FORMAT.read(path / DESCRIPTION)
            log = edits.log(path)
            made = edits.parse(log, path.name)
            if made or not set(_DERIVED) <= document.keys():
                found = (path / manifest.FILE).stat()
                derived = _derived(path, log, found.st_ino, found.st_mtime_ns, found.st_size)
                document |= {**derived, "classes": list(derived["classes"])}
            if (last := edits.last_reading(made)) is not None:
                document["layout"] = {"reading": last.id, "text": last.text}
            known = {one.name for one in fields(cls)} - {"path", "edits"}  # others may stand there, too
            return cls(path=path, edits=made, **{name: document[name] for name in known & document.keys()})
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"The dataset in {path.name} cannot be read: {error}.",
                            "Upload the archive again, or put the file back from a copy.") from error

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """One row per image file: path, class, split, group, width, height, bytes, hash, status, reason, file."""
        if not self.edits:
            return manifest.read(self.path)
        found = (self.path / manifest.FILE).stat()
        return _replayed(self.path, len(self.edits), self.edits[-1].id, found.st_ino, found.st_mtime_ns, found.st_size)

    def usable(self) -> pd.DataFrame:
        """The manifest's rows of images that can be used."""
        return manifest.usable(self.manifest)

    def image_path(self, file: str) -> Path:
        """Where an image file of the manifest lies."""
        return self.path / IMAGES / file

    def thumbnail(self, file: str) -> bytes:
        """A small JPEG of an image, at most 160 pixels wide and high. Raises ImageDecodeError."""
        return thumbnails.thumbnail(self, file, max_pixels=self.max_pixels)


def describe(path: Path, table: pd.DataFrame, **values: Any) -> None:
    """Write the description of a dataset that was just ingested into its folder.

    Args:
        table: Its manifest.
        values: The fields of `Dataset` that do not follow from the manifest.
    """
    FORMAT.write(path / DESCRIPTION, {**values, **derive(table)})


def rename(path: Path, name: str) -> None:
    """Give the dataset in a folder another name. Raises as `Dataset.load`, and OSError."""
    Dataset.load(path)  # what cannot be read is not written
    FORMAT.write(path / DESCRIPTION, {**FORMAT.read(path / DESCRIPTION), "name": name})


def derive(table: pd.DataFrame) -> dict[str, Any]:
    """What follows from a manifest: classes in order, fingerprint, number of good and of bad images."""
    images = len(manifest.usable(table))
    return {"classes": manifest.classes(table), "fingerprint": manifest.fingerprint(table), "images": images,
            "bad": int((table["status"] == "bad").sum())}


@lru_cache(maxsize=2)
def _replayed(path: Path, count: int, *stamp: int | str) -> pd.DataFrame:
    """The rows after so many edits. Pages open the same dataset at every click: nobody changes these in place."""
    return edits.replay(manifest.read(path), edits.parse(edits.log(path), path.name)[:count], path)


@lru_cache(maxsize=256)
def _derived(path: Path, log: str, *stamp: int) -> dict[str, Any]:
    """What follows from a manifest that looks like this with a log replayed; lists of datasets ask for it often."""
    made = edits.parse(log, path.name)
    return derive(_replayed(path, len(made), made[-1].id if made else "", *stamp))
