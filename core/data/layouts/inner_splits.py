"""Folders of classes with the splits in them: `cats/train/1.jpg`."""

from __future__ import annotations

from collections.abc import Iterator

from core.data.layouts import roles
from core.data.layouts.reading import SPLITS, Reading, classes_said, splits_said
from core.data.layouts.source import Contents


def inner_splits(contents: Contents) -> Iterator[Reading]:
    """Every class folder holds nothing but folders that are named for splits."""
    top, _ = contents.trunk
    inner = {name: folder.unwrapped()[0] if len(folder.inner) > 1 else folder for name, folder in top.inner.items()}
    if len(inner) < 2 or not all(folder.holds_folders for folder in inner.values()):
        return
    names = {name: [name] for folder in inner.values() for name in folder.inner}
    splits = roles.settled(roles.of_siblings(names))
    if splits is None or not any(len(folder.inner) > 1 for folder in inner.values()):
        return
    places = {split_folder.path: (label, splits[name]) for label, folder in inner.items()
              for name, split_folder in folder.inner.items() if name in splits}
    both = roles.settled(roles.of_siblings({name: [name] for name in inner})) is not None
    doubt = "The folders and the subfolders both have the names of splits." if both else ""
    said = sorted(splits.items(), key=lambda item: SPLITS.index(item[1]))
    yield Reading("class-split-folders", f"{classes_said(inner)} with {splits_said(said)} in each", places, not doubt,
                  doubt)
