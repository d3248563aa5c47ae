"""What the pages remember: ids and plain values, in the session and, so that a reload loses nothing, on disk.

The session goes before the file in the workspace. An address with `?run=` or `?dataset=` is followed once, when it is
new (`follow_address`); pages do not write their default into it, so that Back leads to the page before.
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.backbones import catalogue
from core.data.dataset import Dataset
from core.data.library import list_datasets
from core.errors import GraftError, NewerFormatError, NotFoundError
from core.recipe.fields import Recipe
from core.recipe.proposals import adapted
from core.runs.run import Run
from core.store.documents import Format
from core.store.files import disk_errors
from core.store.workspace import Workspace

_FILE = "chosen.json"
FORMAT = Format("choices")
_writing = threading.Lock()
"""Tabs of one server write the same file."""


def workspace() -> Workspace:
    """The workspace of this visitor."""
    return Workspace.default()


def follow_address() -> None:
    """Open the run or the dataset that the address names, when it has changed since the last look."""
    address = {name: st.query_params.get(name) for name in ("dataset", "run")}
    if address == get("address", {"dataset": None, "run": None}):
        return
    put("address", address)
    if address["dataset"]:
        choose_dataset(address["dataset"])
    if address["run"] and (found := find_run(address["run"])) is not None:
        _open(found)
    elif address["run"]:
        _leave_address()


def dataset() -> Dataset | None:
    """The open dataset; the newest when none was chosen or it cannot be read; None when there is none."""
    if identifier := _recall("dataset"):
        try:
            return Dataset.open(workspace(), identifier)
        except NewerFormatError:  # another one is open meanwhile
            pass
        except GraftError:  # gone, or its description is broken
            forget("dataset")
    return next(iter(list_datasets(workspace())), None)


def choose_dataset(identifier: str) -> None:
    """Make a dataset the open one."""
    forget("run")
    forget("result")
    _remember("dataset", identifier)


def run() -> Run | None:
    """The run that the Train page looks at, if one was opened and can still be read."""
    identifier = _recall("run")
    found = find_run(identifier)
    if identifier and found is None:
        forget("run")
    return found


def look_at(run: Run) -> None:
    """Keep a run on the Train page, also when it has ended and another one starts."""
    if get("run") != run.id:
        _leave_address()
    _remember("run", run.id)


def open_run(identifier: str) -> None:
    """Open a run for all pages, by the address: a link leads to it, and Back to the run before."""
    if st.query_params.get("run") == identifier:
        put("address", None)
    st.query_params["run"] = identifier
    follow_address()


def _open(run: Run) -> None:
    """A run, and with it its dataset, becomes the open one: what is seen on all pages is of one dataset."""
    with contextlib.suppress(NotFoundError):  # its dataset was deleted: the open one stays
        workspace().dataset_dir(run.dataset["id"])
        _remember("dataset", run.dataset["id"])
    _remember("run", run.id)
    put("result", run.id)


def find_run(identifier: str | None) -> Run | None:
    """A run by its id, when it is there and can be read."""
    if identifier is None:
        return None
    try:
        found = Run.open(workspace().run_dir(identifier))
    except NotFoundError:
        return None
    return found if found.readable else None


def recipe() -> Recipe | None:
    """The recipe that is being put together for the chosen dataset. None: nothing was chosen yet, or it is of a newer
    version."""
    try:
        return stored_recipe()
    except NewerFormatError:
        return None


def stored_recipe() -> Recipe | None:
    """As `recipe`, for who would write another one in its place. Raises NewerFormatError."""
    chosen = dataset()
    document = _file().get(_recipe_name(chosen.id)) if chosen else None  # another tab may have changed it
    if document is None:
        return None
    try:
        return Recipe.parse_stored(json.loads(document))
    except NewerFormatError:
        raise
    except GraftError:  # what an older version wrote and cannot be taken over: start over
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
    take([f"{path}={json.dumps(value)}"])


def take(changes: Sequence[str]) -> None:
    """Change fields of the recipe (`path=value`); what had to change with them is said by `news`. Raises RecipeError,
    and then nothing is changed."""
    changed, said = adapted(recipe() or Recipe(), changes)
    catalogue.check(changed)
    set_recipe(changed)
    if said:
        put("recipe-news", said)


def news() -> str:
    """What the last change took with it, in a sentence; once."""
    said = str(get("recipe-news", ""))
    put("recipe-news", "")
    return said


def get(name: str, default: Any = None) -> Any:
    """A plain value of this session only."""
    return st.session_state.get(f"graft-{name}", default)


def put(name: str, value: Any) -> None:
    """Keep a plain value for this session."""
    st.session_state[f"graft-{name}"] = value


def forget(name: str) -> None:
    """Drop a remembered value, here and on disk."""
    if st.query_params.get(name) is not None:
        _leave_address()
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
    if get(name) != value:
        put(name, value)
        _write(name, value)


def _leave_address() -> None:
    """What is chosen now is not what the address names."""
    for name in ("dataset", "run"):
        st.query_params.pop(name, None)
    put("address", {"dataset": None, "run": None})


def _write(name: str, value: str | None) -> None:
    """Change one value on disk; None removes it."""
    path = workspace().root / _FILE
    with _writing:
        try:
            before = _read(path)
        except ValueError:
            before = {}
            with disk_errors():  # kept, not written over
                path.replace(path.with_name(f"{path.stem}-unreadable{path.suffix}"))
        after = {**before, name: value} if value is not None else {key: before[key] for key in before if key != name}
        if after != before:
            with disk_errors():
                FORMAT.write(path, after)


def _file() -> dict[str, Any]:
    """The values on disk; none where they cannot be read. Not to be changed in place. Raises NewerFormatError."""
    try:
        return _read(workspace().root / _FILE)
    except ValueError:
        return {}


def _read(path: Path) -> dict[str, Any]:
    """A file's values; none without a file. Raises ValueError and NewerFormatError."""
    try:
        found = path.stat()
        return _values(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except OSError:
        return {}


@functools.lru_cache(maxsize=64)
def _values(path: Path, *stamp: int) -> dict[str, Any]:
    """What a file says that looks like this; it is replaced as a whole, and a page asks for it a dozen times."""
    return FORMAT.content(path)
