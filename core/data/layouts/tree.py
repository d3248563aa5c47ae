"""The folders of a source as a tree, with the number of images in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_LOOSE = 0.1
"""Up to this share of a folder's images may lie beside its subfolders and it still counts as a folder of folders."""


@dataclass
class Folder:
    """A folder that holds images, itself or below."""

    path: str
    own: int = 0
    """Images that lie in it."""
    total: int = 0
    """Images in it and below."""
    inner: dict[str, Folder] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its last part; "" for the whole source."""
        return self.path.rpartition("/")[2]

    @property
    def holds_folders(self) -> bool:
        """True when its images are in subfolders, save a few that lie beside them."""
        return bool(self.inner) and self.own <= _LOOSE * self.total

    def unwrapped(self) -> tuple[Folder, list[str]]:
        """The folder that is meant when folders hold nothing but one folder, and the names on the way to it, its own
        included."""
        folder, chain = self, [self.name]
        while len(folder.inner) == 1 and folder.holds_folders:
            folder = next(iter(folder.inner.values()))
            chain.append(folder.name)
        return folder, chain

    def walk(self) -> Iterator[Folder]:
        """Itself and all below."""
        yield self
        for folder in self.inner.values():
            yield from folder.walk()


def tree(paths: Iterable[str]) -> Folder:
    """The tree of the folders of some images."""
    root = Folder("")
    for path in paths:
        folder = root
        folder.total += 1
        for name in path.split("/")[:-1]:
            at = f"{folder.path}/{name}" if folder.path else name
            folder = folder.inner.setdefault(name, Folder(at))
            folder.total += 1
        folder.own += 1
    return root


def trunk(root: Folder) -> tuple[Folder, list[str]]:
    """The first folder with several folders in it, and the wrapping folders on the way; images that lie beside a
    wrapping folder do not matter."""
    folder, chain = root, []
    while len(folder.inner) == 1 and (only := next(iter(folder.inner.values()))).inner:
        folder = only
        chain.append(folder.name)
    return folder, chain
