"""What the pages remember: ids and plain values, in the session and, so that a reload loses nothing, on disk.

A query parameter (`?dataset=`, `?run=`) goes before the session, the session before the file in the workspace.
"""

from __future__ import annotations

import functools
import json
import threading
from pathlib import Path
from typing import Any

import streamlit as st

from core.backbones import catalogue
from core.data.dataset import Dataset
from core.data.library import list_datasets
from core.errors import GraftError, NotFoundError
from core.recipe.fields import Recipe
from core.runs import index
from core.runs.run import Run
from core.store.files import disk_errors, read_json, write_json
from core.store.workspace import Workspace

_FILE = "chosen.json"
_writing = threading.Lock()
"""Tabs of one server write the same file."""


def workspace() -> Workspace:
    """The workspace of this visitor."""
    return Workspace.default()


def dataset() -> Dataset | None:
    """The chosen dataset; the newest when none is chosen or it cannot be read; None when there is none."""
    identifier = st.query_params.get("dataset") or _recall("dataset")
    if identifier:
        try:
            return Dataset.open(workspace(), identifier)
        except GraftError:  # gone, or its description is broken
            forget("dataset")
    return next(iter(list_datasets(workspace())), None)


def choose_dataset(identifier: str) -> None:
    """Make a dataset the chosen one."""
    forget("run")
    _remember("dataset", identifier)


def run() -> Run | None:
    """The run that is looked at, if one was chosen and can still be read."""
    identifier = st.query_params.get("run") or _recall("run")
    if identifier:
        try:
            found = Run.open(workspace().run_dir(identifier))
        except NotFoundError:
            found = None
        if found is not None and found.readable:
            return found
        forget("run")
    return None


def choose_run(identifier: str) -> None:
    """Make a run the one that is looked at; its id stands in the address, so that a link leads to it."""
    _remember("run", identifier)
    if st.query_params.get("run") != identifier:
        st.query_params["run"] = identifier


def newest_run(dataset_id: str) -> Run | None:
    """The newest run on a dataset, in whatever state."""
    return index.newest_run(workspace(), dataset_id)


def active_runs() -> list[Run]:
    """Runs that wait or work, the one that started first in front."""
    return index.active_runs(workspace())


def recipe() -> Recipe | None:
    """The recipe that is being put together for the chosen dataset. None: nothing was chosen yet."""
    chosen = dataset()
    document = _file().get(_recipe_name(chosen.id)) if chosen else None  # another tab may have changed it
    if document is None:
        return None
    try:
        return Recipe.parse_stored(json.loads(document))
    except GraftError:  # written by another version: start over rather than fail on every page
        return None


def set_recipe(new: Recipe) -> None:
    """Keep the recipe for the chosen dataset."""
    chosen = dataset()
    if chosen is not None:
        _write(_recipe_name(chosen.id), new.model_dump_json())


def change(path: str, value: Any) -> None:
    """Change one field of the recipe by its dotted path. Raises RecipeError, and then nothing is changed."""
    current = recipe() or Recipe()
    if (path, value) == ("augment.preset", "custom"):  # begins with what the preset before it did
        document = current.model_dump(mode="json")
        document["augment"]["preset"] = "custom"
        set_recipe(Recipe.parse(document))
        return
    changed = current.override([f"{path}={json.dumps(value)}"])
    catalogue.check(changed)
    set_recipe(changed)


def get(name: str, default: Any = None) -> Any:
    """A plain value of this session only."""
    return st.session_state.get(f"graft-{name}", default)


def put(name: str, value: Any) -> None:
    """Keep a plain value for this session."""
    st.session_state[f"graft-{name}"] = value


def forget(name: str) -> None:
    """Drop a remembered value, here and on disk."""
    st.query_params.pop(name, None)
    st.session_state.pop(f"graft-{name}", None)
    _write(name, None)


def forget_dataset(identifier: str) -> None:
    """Drop everything remembered of a dataset that was deleted."""
    forget(_recipe_name(identifier))
    forget("dataset")
    forget("run")


def _recipe_name(dataset_id: str) -> str:
    return f"recipe-{dataset_id}"


def _recall(name: str) -> Any:
    if get(name) is None and (value := _file().get(name)) is not None:
        put(name, value)
    return get(name)


def _remember(name: str, value: str) -> None:
    if st.query_params.get(name) not in (None, value):
        del st.query_params[name]
    if get(name) == value:
        return
    put(name, value)
    _write(name, value)


def _write(name: str, value: str | None) -> None:
    """Change one value on disk; None removes it."""
    with _writing:
        before = _file()
        after = {**before, name: value} if value is not None else {key: before[key] for key in before if key != name}
        if after != before:
            with disk_errors():
                write_json(workspace().root / _FILE, after)


def _file() -> dict[str, Any]:
    """The values on disk; not to be changed in place."""
    path = workspace().root / _FILE
    try:
        found = path.stat()
        return _values(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError):
        return {}


@functools.lru_cache(maxsize=64)
def _values(path: Path, *stamp: int) -> dict[str, Any]:
    """What a file says that looks like this; it is replaced as a whole, and a page asks for it a dozen times."""
    values = read_json(path)
    return values if isinstance(values, dict) else {}
