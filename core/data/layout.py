"""Which folder names are wrapping, which are splits and which are classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.data.sources.names import natural
from core.errors import DatasetShapeError, EmptyClassError

SPLITS = ("train", "validation", "test")
SPLIT_FOLDERS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}
HOW_TO = "Put the images into one folder for each class, for example cats/1.jpg and dogs/1.jpg, and zip these folders."
NO_IMAGES = "Put images into it, or go on without it."

Folders = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How the paths of a dataset are to be read. `class_of` gives the class and split of one path."""

    root: Folders
    """Wrapping folders, looked through."""
    splits: str = "none"
    """Where the split folders stand: `none`, `outside` (train/cats) or `inside` (cats/train) the class folders."""
    classes: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    """Folders in the place of a class that hold nothing; left out of the classes."""

    def class_of(self, path: str) -> tuple[str, str] | None:
        """(class, split) of an image's path; split is "" without split folders. None: in no class folder."""
        return self._of_folders(tuple(path.split("/")[:-1]))

    def _of_folders(self, folders: Folders) -> tuple[str, str] | None:
        inner = folders[len(self.root):] if folders[:len(self.root)] == self.root else ()
        if self.splits == "none":
            return (inner[0], "") if inner else None
        if len(inner) < 2:
            return None
        outer, split = (inner[1], inner[0]) if self.splits == "outside" else (inner[0], inner[1])
        known = SPLIT_FOLDERS.get(split.casefold())
        return None if known is None else (outer, known)


def recognise(images: Sequence[str], empty_folders: Iterable[str] = (), accept_empty: bool = False) -> Layout:
    """Work the layout out from the paths of the images.

    Args:
        images: Paths inside the source, with `/`.
        empty_folders: Paths of folders that hold no file at all; one in the place of a class is an empty class.
        accept_empty: Leave empty classes out.

    Raises:
        DatasetShapeError: no image, no class folders, or a single class.
        EmptyClassError: an empty class, and `accept_empty` is not set.
    """
    if not images:
        raise DatasetShapeError("There is no image in it.", HOW_TO)
    folders = {tuple(path.split("/")[:-1]) for path in images}
    root = _root(folders)
    layout = Layout(root, _place_of_splits(folders, root))
    found = {place[0] for path in images if (place := layout.class_of(path))}
    empty = {place[0] for path in empty_folders if (place := layout.class_of(f"{path}/."))} - found
    if not found:
        raise DatasetShapeError(f"There are {len(images)} images, but no folders that say what they show.", HOW_TO)
    if empty and not accept_empty:
        raise EmptyClassError(f"The class {_quoted(empty)} has no images.", NO_IMAGES)
    if len(found) < 2:
        raise DatasetShapeError(
            f"There is only one class, {_quoted(found)}; a classifier needs at least two to tell apart.", HOW_TO)
    return Layout(root, layout.splits, sorted(found, key=natural), sorted(empty, key=natural))


def _root(folders: set[Folders]) -> Folders:
    """The wrapping folders: as long as there is one folder only, and it holds folders again, step into it."""
    root: Folders = ()
    while True:
        inner = {folder[len(root):] for folder in folders if folder[:len(root)] == root and len(folder) > len(root)}
        tops = {folder[0] for folder in inner}
        if len(tops) != 1 or not any(len(folder) > 1 for folder in inner):
            return root
        top = tops.pop()
        if top.casefold() in SPLIT_FOLDERS:
            return root
        if {folder[1].casefold() for folder in inner if len(folder) > 1} <= set(SPLIT_FOLDERS) and all(
            len(folder) == 2 for folder in inner
        ):
            return root  # one class with split folders inside it: a single class, said as such
        root = (*root, top)


def _place_of_splits(folders: set[Folders], root: Folders) -> str:
    inner = {folder[len(root):] for folder in folders if folder[:len(root)] == root and len(folder) > len(root)}
    tops = {folder[0].casefold() for folder in inner if len(folder) > 1}
    if tops and (tops <= set(SPLIT_FOLDERS) or any(SPLIT_FOLDERS.get(top) == "train" for top in tops)):
        return "outside"
    seconds = {folder[1].casefold() for folder in inner if len(folder) > 1}
    if seconds and seconds <= set(SPLIT_FOLDERS) and all(len(folder) > 1 for folder in inner):
        return "inside"
    return "none"


def _quoted(classes: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(classes, key=natural))
