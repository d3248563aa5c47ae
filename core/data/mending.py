"""Mending a dataset: labels, images that are left out, classes. Each is one more edit; files are never touched.

A change is tried on the rows first: one that would leave fewer than two classes, or that changes nothing, is not
written. Undoing is an edit as well, so that the log tells all that happened.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from core.data import edits, manifest
from core.data.changes import KINDS
from core.data.dataset import Dataset
from core.data.edits import REDO, UNDO, Edit, History
from core.data.sources.names import checked
from core.errors import DataError, NotFoundError
from core.store.files import disk_errors
from core.store.workspace import Workspace


def relabel(workspace: Workspace, dataset_id: str, paths: Sequence[str], label: str) -> Dataset:
    """Give images another class, which may be a new one. Images that a reading had left outside come in by it.

    Args:
        paths: The manifest's.

    Raises:
        NotFoundError: no such dataset or image.
        DataError: the label is not usable, or fewer than two classes would be left.
        WorkspaceError: the edit cannot be written.
    """
    label = checked(label, what="class")
    return _edited(workspace, dataset_id, "relabel", lambda dataset: {"paths": _known(dataset, paths), "class": label})


def exclude(workspace: Workspace, dataset_id: str, paths: Sequence[str], reason: str = "") -> Dataset:
    """Leave images out. Raises as `relabel`."""
    return _edited(workspace, dataset_id, "exclude",
                   lambda dataset: {"paths": _known(dataset, paths), **({"reason": reason} if reason else {})})


def restore(workspace: Workspace, dataset_id: str, paths: Sequence[str]) -> Dataset:
    """Bring images back that were left out. Raises as `relabel`."""
    return _edited(workspace, dataset_id, "restore", lambda dataset: {"paths": _known(dataset, paths)})


def rename_class(workspace: Workspace, dataset_id: str, old: str, new: str) -> Dataset:
    """Give a class another label.

    Raises:
        NotFoundError: no such dataset or class.
        DataError: the label is taken or not usable.
        WorkspaceError: the edit cannot be written.
    """
    new = checked(new, what="class")

    def values(dataset: Dataset) -> dict[str, Any]:
        _class(dataset, old)
        if new != old and new in dataset.classes:
            raise DataError(f"There is already a class '{new}'.", "Choose another label, or merge the two.")
        return {"old": old, "new": new}

    return _edited(workspace, dataset_id, "rename_class", values)


def merge_classes(workspace: Workspace, dataset_id: str, old: Sequence[str], new: str) -> Dataset:
    """Make one class of several; its label may be one of theirs, that of another class, or a new one.

    Raises as `rename_class`, and DataError when fewer than two classes would be left.
    """
    new = checked(new, what="class")
    return _edited(workspace, dataset_id, "merge_classes",
                   lambda dataset: {"old": [_class(dataset, label) for label in old], "new": new})


def exclude_class(workspace: Workspace, dataset_id: str, label: str) -> Dataset:
    """Leave a class out with all of its images. Raises as `merge_classes`."""
    return _edited(workspace, dataset_id, "exclude_class", lambda dataset: {"class": _class(dataset, label)})


def undo(workspace: Workspace, dataset_id: str, edit: str | None = None) -> Dataset:
    """Undo an edit; the last one that counts, where none is named.

    Raises:
        NotFoundError: no such dataset, or nothing to undo.
        DataError: fewer than two classes would be left.
        WorkspaceError: it cannot be written.
    """
    def values(dataset: Dataset) -> dict[str, Any]:
        done = [one for one in history(dataset).done if edit in (None, one.id)]
        if not done:
            raise NotFoundError("There is nothing to undo.", "See the list of changes.")
        return {"edit": done[-1].id}

    return _edited(workspace, dataset_id, UNDO, values)


def redo(workspace: Workspace, dataset_id: str) -> Dataset:
    """Do again what was undone last, as long as nothing else was edited since. Raises as `undo`."""
    def values(dataset: Dataset) -> dict[str, Any]:
        undone = history(dataset).undone
        if not undone:
            raise NotFoundError("There is nothing to do again.", "See the list of changes.")
        return {"edit": undone[-1].id}

    return _edited(workspace, dataset_id, REDO, values)


def history(dataset: Dataset) -> History:
    """The edits of a dataset that count, and those that can be done again."""
    return edits.history(dataset.edits)


def describe(edit: Edit) -> str:
    """An edit in a sentence, with names as they are: escape it."""
    return _SENTENCES[edit.kind](edit.values)


def _edited(workspace: Workspace, dataset_id: str, kind: str, values: Callable[[Dataset], dict[str, Any]]) -> Dataset:
    folder = workspace.dataset_dir(dataset_id)
    with disk_errors(), edits.editing(folder):
        dataset = Dataset.load(folder)
        given = values(dataset)
        proposed = Edit(secrets.token_hex(8), time.time(), kind, given)
        before = dataset.manifest
        if kind in (UNDO, REDO):
            after = edits.replay(manifest.read(folder), [*dataset.edits, proposed], folder)
        elif _same(before, after := KINDS[kind].apply(before, given, folder)):
            return dataset
        if len(manifest.classes(after)) < 2:
            raise DataError("Fewer than two classes with pictures would be left.",
                            "A classifier needs two: add to another class first.")
        edits.append(folder, kind, **given)
    return Dataset.load(folder)


def _same(left: Any, right: Any) -> bool:
    """Whether two manifests say the same of every image."""
    columns = ["path", "class", "status"]
    return left[columns].sort_values("path").reset_index(drop=True).equals(
        right[columns].sort_values("path").reset_index(drop=True))


def _known(dataset: Dataset, paths: Sequence[str]) -> list[str]:
    """The paths, each once, as long as they are all in the dataset."""
    found = list(dict.fromkeys(paths))
    missing = set(found) - set(dataset.manifest["path"])
    if missing or not found:
        raise NotFoundError(f"There is no image '{min(missing)}'." if missing else "No image was chosen.",
                            "Paths are those that the dataset lists.")
    return found


def _class(dataset: Dataset, label: str) -> str:
    if label not in dataset.classes:
        raise NotFoundError(f"There is no class '{label}'.", f"The classes are: {', '.join(dataset.classes[:20])}.")
    return label


def _pictures(values: Any) -> str:
    count = len(values["paths"])
    return "1 picture" if count == 1 else f"{count:,} pictures"


_SENTENCES: dict[str, Callable[[Any], str]] = {
    "add": lambda values: f"{values.get('images', 'Some'):,} pictures added" if isinstance(values.get("images"), int)
    else "Pictures added",
    "take_back": lambda values: "An addition taken back",
    "read_as": lambda values: f"Read as: {values['reading'].get('text', '')}",
    "rename_class": lambda values: f"Class {values['old']} renamed to {values['new']}",
    "merge_classes": lambda values: f"Classes {', '.join(values['old'])} merged into {values['new']}",
    "exclude_class": lambda values: f"Class {values['class']} left out",
    "relabel": lambda values: f"{_pictures(values)} moved to {values['class']}",
    "exclude": lambda values: f"{_pictures(values)} left out",
    "restore": lambda values: f"{_pictures(values)} brought back",
}
