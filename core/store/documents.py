"""JSON files with a version of their format: older ones are migrated as they are read, newer ones are left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import NewerFormatError
from core.store.files import read_json, write_json

Document = dict[str, Any]
Step = Callable[[Document], Document]
"""From one version to the next. Gets a copy and may change it."""


@dataclass(frozen=True)
class Format:
    """How one kind of JSON file has changed over the versions of Graft."""

    name: str
    """What people call it: "dataset", "status"."""
    version: int = 1
    """What this version of Graft writes."""
    steps: Mapping[int, Step] = field(default_factory=dict)
    """The migration from each older version to the next one."""
    key: str = "schema"
    """Where the version stands in the document; a document without it is of version 1."""

    def migrated(self, document: Any, place: str) -> Document:
        """A document as this version writes it.

        Args:
            place: Where it was found, for messages.

        Raises:
            NewerFormatError: it was written by a newer version of Graft.
            ValueError: it is no document of this kind.
        """
        if not isinstance(document, dict):
            raise ValueError(f"{place} holds no {self.name}")
        found = document.get(self.key, 1)
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            raise ValueError(f"{place} has no usable format version: {found!r}")
        if found > self.version:
            raise NewerFormatError(
                f"The {self.name} in {place} was written by a newer version of Graft (format {found}; this one knows "
                f"{self.version}).", "Update Graft to use it. It is left as it is.")
        migrated = dict(document)
        for version in range(found, self.version):
            migrated = self.steps[version](migrated)
        return {**migrated, self.key: self.version}

    def read(self, path: Path) -> Document:
        """A file's document, migrated; the file itself stays as it is. Raises as `migrated`, and OSError."""
        return self.migrated(read_json(path), f"{path.parent.name}/{path.name}")

    def content(self, path: Path) -> Document:
        """As `read`, without the version: for documents whose every other key is an entry."""
        return {name: value for name, value in self.read(path).items() if name != self.key}

    def write(self, path: Path, document: Document) -> None:
        """Replace a file atomically, with the version entered."""
        write_json(path, {self.key: self.version, **document})
