"""The class at the beginning of the file names: `cat.0.jpg`, `dog_001.jpg`, `great_pyrenees_12.jpg`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from core.data.layouts import roles
from core.data.layouts.reading import SPLITS, TITLES, Reading, classes_said
from core.data.layouts.source import Contents

_NAME = re.compile(r"(\D*[^\W\d_])[ ._(\[-]*\d+.*")
_COVERED = 0.95
_MOST = 200
_GENERIC = frozenset("img image images dsc dscn dscf photo picture pic p pxl wp mvimg frame screenshot file untitled "
                     "scan sample im whatsapp wa vid video dcim test train val valid id no nr number x a copy page "
                     "crop view snapshot capture".split())
"""What cameras, phones and programs put before a number."""


def file_names(contents: Contents) -> Iterator[Reading]:
    """Labels as the prefix of the file names, where the folders say no more than the split."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in contents.paths:
        folder = path.rpartition("/")[0]
        found.setdefault(folder, []).append((path, label_of(path)))
    named = {folder: items for folder, items in found.items()
             if sum(bool(label) for _, label in items) >= _COVERED * len(items)}
    amounts = Counter(label for items in named.values() for _, label in items if label)
    if not 2 <= len(amounts) <= _MOST or min(amounts.values()) < 2:
        return
    splits = _splits(list(named))
    places = {path: (label, splits[folder]) for folder, items in named.items() if folder in splits
              for path, label in items if label}
    used = {split: sum(1 for _, found in places.values() if found == split) for split in SPLITS}
    parts = " · ".join(f"{count:,} {TITLES[split]}" for split, count in used.items() if count)
    text = f"{classes_said(amounts)} from the beginning of the file names{f': {parts}' if parts else ''}"
    flat = len(found) == 1 or all(roles.of_chain(folder.split("/")) for folder in found)
    doubt = "" if flat else "The folders and the beginnings of the file names may both be the classes."
    yield Reading("file-names", text, places, not doubt, doubt)


def label_of(path: str) -> str:
    """What a file's name begins with, before its first number; "" where that says nothing."""
    match = _NAME.fullmatch(path.rpartition("/")[2].rpartition(".")[0])
    label = match[1].strip(" ._-([") if match else ""
    return "" if label.casefold() in _GENERIC else label


def _splits(folders: list[str]) -> dict[str, str]:
    """The split of each folder; "" for all where the names do not decide it."""
    found = {folder: roles.of_chain(folder.split("/")) for folder in folders}
    known = roles.settled(found)
    return known if known is not None else dict.fromkeys(folders, "")
