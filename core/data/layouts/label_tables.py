"""Labels from a file beside the images: a table of any kind, COCO's annotations, YOLO's boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.data.layouts import roles
from core.data.layouts.label_columns import Labels, labels_in
from core.data.layouts.matching import Images
from core.data.layouts.reading import SPLITS, TITLES, Place, Reading, classes_said, label_text
from core.data.layouts.source import Contents
from core.data.sources.table import Table

_MOST_READINGS = 4
_SEVERAL = 0.2
"""From this share of images with several classes on, there is nothing to learn one class an image from."""


@dataclass(frozen=True)
class _Said:
    """What one file says, with the split that its own name stands for."""

    table: Table
    labels: Labels
    split: str | None


def label_tables(contents: Contents) -> Iterator[Reading]:
    """A column of a table gives the class, another one the file; tables of one make are read together."""
    said: dict[str, list[_Said]] = {}
    doubts: set[str] = set()
    for table in _of_kind(contents, "cells"):
        near = split_of(table.name)
        found = list(labels_in(table, Images(contents.paths, near)))[:_MOST_READINGS]
        if len(found) > 1 and sum(labels.named for labels in found) != 1:
            doubts.update(labels.column for labels in found)
        for labels in found:
            said.setdefault(labels.column, []).append(_Said(table, labels, near))
    for column, several in list(said.items())[:_MOST_READINGS]:
        named = ", ".join(map(repr, sorted(doubts)))
        doubt = f"Several columns may be the classes: {named}." if column in doubts else ""
        where = f"the column '{column}' of " if column else "a column for each class of "
        yield from _reading("table", several, where, contents, doubt)


def coco(contents: Contents) -> Iterator[Reading]:
    """COCO's `images`, `annotations` and `categories`, with one category an image."""
    said = []
    for table in _of_kind(contents, "coco"):
        near = split_of(table.name)
        folder = table.name.rpartition("/")[0]
        inside = [path for path in contents.paths if path.startswith(f"{folder}/")] if folder else contents.paths
        images = Images(inside, near)
        if not images.found(file for file, _ in table.rows):
            images = Images(contents.paths, near)
        said.append(_Said(table, _labels((images.find(file), label) for file, label in table.rows), near))
    yield from _reading("coco", said, "the annotations of ", contents)


def boxes(contents: Contents) -> Iterator[Reading]:
    """YOLO's text files beside the images, `labels/1.txt` for `images/1.jpg`, with boxes of one class an image."""
    tables = _of_kind(contents, "boxes")
    names = {number: label for table in _of_kind(contents, "names") for number, label in table.rows}
    where = {path.rpartition(".")[0].replace("images/", "labels/", 1): path for path in contents.paths}
    found: dict[str, list[tuple[str | None, str]]] = {}
    for table in tables:
        path = where.get(table.name.rpartition(".")[0]) or where.get(table.name.rpartition(".")[0].replace(
            "images/", "labels/", 1))
        found.setdefault(roles.of_chain((path or "").split("/")[:-1]) or "", []).extend(
            (path, names.get(number, number)) for _, number in table.rows)
    said = [_Said(tables[0], _labels(pairs), split) for split, pairs in found.items()]
    yield from _reading("yolo", said, f"the boxes of {len(tables):,} text files such as ", contents)


def several_classes(contents: Contents) -> list[str]:
    """Sentences on files that give several classes to one image, for who is told that nothing can be learned."""
    found = []
    for kind in ("coco", "boxes"):
        labels: dict[str, set[str]] = {}
        for file, label in (row for table in _of_kind(contents, kind) for row in table.rows):
            labels.setdefault(file, set()).add(label)
        if several := sum(len(classes) > 1 for classes in labels.values()):
            found.append(f"{several:,} images have several classes by {_of_kind(contents, kind)[0].name}; one class an "
                         "image can be learned.")
    return found


def split_of(name: str) -> str | None:
    """The split that a file of labels is for, by its name or its folder's: `train.csv`, `valid/_annotations.json`."""
    parts = name.rpartition(".")[0].split("/")
    tokens = roles.words(parts[-1])
    found = {found for word in tokens if (found := roles.role(word)) in SPLITS}
    return found.pop() if len(found) == 1 else roles.of_chain(parts[:-1])


def _of_kind(contents: Contents, kind: str) -> list[Table]:
    return [table for table in contents.tables if table.kind == kind]


def _labels(pairs: Iterable[tuple[str | None, str]]) -> Labels:
    found: dict[str, set[str]] = {}
    for path, label in pairs:
        if path is not None:
            found.setdefault(path, set()).add(label)
    given = {path: (next(iter(labels)), "") for path, labels in found.items() if len(labels) == 1}
    return Labels("", True, given, len(found) - len(given))


def _reading(identifier: str, said: list[_Said], where: str, contents: Contents, doubt: str = "") -> Iterator[Reading]:
    """One reading of what several files say; none when fewer than two classes come of it."""
    places = _places(said, contents)
    several = sum(one.labels.several for one in said)
    classes = {label for label, _ in places.values()}
    if len(classes) < 2 or several > _SEVERAL * (len(places) + several):
        return
    tables = tuple(dict.fromkeys(one.table.name for one in said))
    parts = [f"{sum(split == one for _, split in places.values()):,} {TITLES[one]}" for one in SPLITS
             if any(split == one for _, split in places.values())]
    rest = len(contents.paths) - len(places)
    text = f"{classes_said(classes)} from {where}{_named(tables)}" + (f": {' · '.join(parts)}" if parts else "") + (
        f"; {several:,} images with several classes left outside" if several else "") + (
        f"; {rest - several:,} images without a label left outside" if rest > several else "")
    yield Reading(identifier, text, places, not doubt, doubt, tables)


def _places(said: list[_Said], contents: Contents) -> dict[str, Place]:
    """The class of each image, and its split: by the table's column, else by the folders, else by the tables' names."""
    labelled = [path for one in said for path in one.labels.given]
    by_folder = roles.settled({folder: roles.of_chain(folder.split("/"))
                               for folder in {path.rpartition("/")[0] for path in labelled}}) or {}
    by_table = roles.settled({one.table.name: one.split for one in said}) or {}
    places = {}
    for one in said:
        for path, (label, own) in one.labels.given.items():
            split = own or by_folder.get(path.rpartition("/")[0]) or by_table.get(one.table.name) or ""
            places[path] = (label_text(label) or "no name", split)
    splits = {split for _, split in places.values()}
    if "" in splits or "train" not in splits:
        return {path: (label, "") for path, (label, _) in places.items()}
    return places


def _named(tables: tuple[str, ...]) -> str:
    return ", ".join(tables[:3]) + (f" and {len(tables) - 3:,} more" if len(tables) > 3 else "")
