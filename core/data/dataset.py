"""An ingested dataset: a folder with the images, the manifest and a description."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.data import manifest
from core.data.images import thumbnails
from core.data.images.decode import IMAGES
from core.errors import DataError
from core.store import files
from core.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "dataset.json"


@dataclass(frozen=True)
class Dataset:
    """An ingested dataset. Opening reads only its description; the manifest is read when it is asked for."""

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
    source_key: str = ""
    """Tells whether a source has changed since: its path, size and time."""

    @classmethod
    def open(cls, workspace: Workspace, dataset_id: str) -> Dataset:
        """A dataset of the workspace. Raises NotFoundError."""
        return cls.load(workspace.dataset_dir(dataset_id))

    @classmethod
    def load(cls, path: Path) -> Dataset:
        """The dataset in a folder. Raises DataError when its description is missing or broken."""
        try:
            document = files.read_json(path / DESCRIPTION)
            return cls(path=path, **document)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"The dataset in {path.name} cannot be read: {error}.",
                            "Delete it and upload it again.") from error

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """One row per image file: path, class, split, group, width, height, bytes, hash, status, reason, file."""
        return manifest.read(self.path)

    def usable(self) -> pd.DataFrame:
        """The manifest's rows of images that can be used."""
        table = self.manifest
        return table[table["status"] == "ok"].reset_index(drop=True)

    def image_path(self, file: str) -> Path:
        """Where an image file of the manifest lies."""
        return self.path / IMAGES / file

    def thumbnail(self, file: str) -> bytes:
        """A small JPEG of an image, at most 160 pixels wide and high. Raises ImageDecodeError."""
        return thumbnails.thumbnail(self, file)

    def save(self) -> None:
        """Write the description."""
        fields = {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}
        del fields["path"]
        files.write_json(self.path / DESCRIPTION, fields)
