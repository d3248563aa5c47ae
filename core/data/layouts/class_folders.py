"""A folder for each class: `cats/1.jpg`, `dogs/1.jpg`, with any number of wrapping folders."""

from __future__ import annotations

from collections.abc import Iterator

from core.data.layouts import roles
from core.data.layouts.reading import Reading, classes_said
from core.data.layouts.source import Contents
from core.data.layouts.tree import Folder


def class_folders(contents: Contents) -> Iterator[Reading]:
    """The folders side by side are classes; a wrapping folder called `train` says that all of it is for training."""
    top, wrapping = contents.trunk
    split = "train" if roles.of_chain(wrapping) == "train" else ""
    if len(top.inner) >= 2:
        places = {folder.path: (name, split) for name, folder in top.inner.items()}
        said = classes_said(top.inner)
        text = f"{said} for training, a folder each" if split else f"{said}, a folder each"
        question = _doubt(top, wrapping)
        yield Reading("class-folders", text, places, not question, question)


def _doubt(top: Folder, wrapping: list[str]) -> str:
    """Why these may not be classes, or ""."""
    chains = {name: folder.unwrapped()[1] for name, folder in top.inner.items()}
    named = {found for found in roles.of_siblings(chains).values() if found}
    if len(named) >= 2 or named == {roles.FOLD}:
        return "The folders have the names of splits, and there are no folders of classes in them."
    if roles.are_parts(list(top.inner)):
        return "The folders are numbered like parts of one thing."
    if same := _same_subfolders(top):
        return f"Every folder holds subfolders of the same names ({', '.join(same)}): either may be the classes."
    if wrapping and wrapping[-1].casefold() in {name.casefold() for name in top.inner}:
        return f"The folder '{wrapping[-1]}' holds a folder of its own name."
    return ""


def _same_subfolders(top: Folder) -> list[str]:
    """The names of the subfolders that all folders have, or []."""
    inner = [folder.unwrapped()[0] for folder in top.inner.values()]
    sets = [{name.casefold() for name in folder.inner} if folder.holds_folders else set() for folder in inner]
    alike = all(len(found) >= 2 and 2 * len(found & sets[0]) > len(found | sets[0]) for found in sets)
    return sorted(inner[0].inner)[:4] if alike else []
