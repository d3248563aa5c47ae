"""Folders of splits with the class folders in them: `train/cats/1.jpg`, whatever they are called and wrapped in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.data.layouts import roles
from core.data.layouts.reading import Reading, classes_said, splits_said
from core.data.layouts.source import Contents
from core.data.layouts.tree import Folder

_STRAY = 0.1
"""Up to this share of the images may lie in folders that are no split, and it still needs no question."""
_AROUND = 0.9
"""From this share of the images on, a folder is looked through although others lie beside it."""


@dataclass(frozen=True)
class _Top:
    """A folder that may be a split."""

    name: str
    shown: str
    """The name that says which split it is."""
    role: str | None
    folder: Folder
    classes: dict[str, Folder]


def split_folders(contents: Contents) -> Iterator[Reading]:
    """Folders with the same subfolders are splits; names say which is which, and where they do not it is asked."""
    top, _ = contents.trunk
    while True:
        tops = _tops(top)
        found = list(_read(tops, contents.root.total)) if len(tops) >= 2 else []
        around = [folder for folder in top.inner.values() if folder.total >= _AROUND * contents.root.total]
        if found or not around:
            yield from found
            return
        top = around[0].unwrapped()[0]


def _tops(top: Folder) -> list[_Top]:
    unwrapped = {name: folder.unwrapped() for name, folder in top.inner.items()}
    found = roles.of_siblings({name: chain for name, (_, chain) in unwrapped.items()})
    tops = []
    for name, (folder, chain) in unwrapped.items():
        shown = next((part for part in reversed(chain) if roles.role(part)), name)
        tops.append(_Top(name, shown, found[name], top.inner[name], dict(folder.inner) if folder.holds_folders else {}))
    return tops


def _read(tops: list[_Top], total: int) -> Iterator[Reading]:
    inner = [top for top in tops if top.classes]
    classes = {name.casefold() for top in inner for name in top.classes}
    named = [top for top in inner if top.role]
    if len(classes) < 2 or not inner:
        return
    splits = roles.settled({top.name: top.role for top in inner})
    doubt = _doubt(tops, inner, total)
    if splits:
        yield _reading("split-folders", inner, splits, doubt)
    elif alike(inner):
        unclear = [top for top in inner if top.role not in ("train", "validation", "test", roles.UNLABELLED)]
        doubt = (f"The folders hold the same subfolders, as splits do, and the names do not say which split "
                 f"{', '.join(repr(top.shown) for top in unclear[:4]) or 'is for training'} is."
                 if unclear else "None of the folders is named for training.")
        yield from _guesses(inner, named, doubt)
    if splits or alike(inner):
        places = {folder.path: (name, "") for top in inner for name, folder in top.classes.items()}
        said = classes_said({name for top in inner for name in top.classes})
        yield Reading("inner-folders", f"{said}, all folders together, to be split anew", places, False, doubt)


def alike(inner: list[_Top]) -> bool:
    """True when folders hold the same subfolders, but for a few."""
    sets = [{name.casefold() for name in top.classes} for top in inner]
    return len(sets) > 1 and all(len(found) >= 2 and 2 * len(found & sets[0]) > len(found | sets[0]) for found in sets)


def _doubt(tops: list[_Top], inner: list[_Top], total: int) -> str:
    """Why these may not be splits although their names say so, or ""."""
    stray = [top for top in tops if top not in inner and not top.role]
    if sum(top.folder.total for top in stray) > _STRAY * total:
        return f"Beside the folders of splits there is {', '.join(repr(top.name) for top in stray[:4])}."
    names = {name: [name] for top in inner for name in top.classes}
    if roles.settled(roles.of_siblings(names)) is not None:
        return "The folders and the subfolders both have the names of splits."
    return ""


def _guesses(inner: list[_Top], named: list[_Top], doubt: str) -> Iterator[Reading]:
    """The ways to give splits to folders whose names leave that open."""
    last = inner[-1].name
    certain = {top.name: top.role for top in named if top.role in ("train", "validation", "test")}
    rest = [top.name for top in inner if top.name not in certain]
    if "train" in certain.values():
        for split in ("validation", "test"):
            splits = {**certain, **dict.fromkeys(rest, split)}
            yield _reading(f"split-folders-{split}", inner, splits, doubt)
    elif not certain and len(inner) > 1:
        for split in ("validation", "test"):
            splits = {top.name: (split if top.name == last else "train") for top in inner}
            yield _reading(f"split-folders-last-{split}", inner, splits, doubt)


def _reading(identifier: str, inner: list[_Top], splits: Mapping[str, str | None], doubt: str) -> Reading:
    used = [top for top in inner if splits.get(top.name)]
    places = {folder.path: (name, str(splits[top.name])) for top in used for name, folder in top.classes.items()}
    order = ("train", "validation", "test")
    said = sorted(((top.shown, str(splits[top.name])) for top in used), key=lambda item: order.index(item[1]))
    classes = {name for top in used for name in top.classes}
    return Reading(identifier, f"{classes_said(classes)} in {splits_said(said)}", places, not doubt, doubt)
