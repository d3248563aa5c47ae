"""Graft: transfer learning for images. The Python API.

    import core

    workspace = core.Workspace("my-workspace")
    dataset = core.ingest("photos.zip", workspace)
    run = core.train(dataset, core.Recipe(), workspace)
    core.evaluate(run)["validation"]["accuracy"]
    core.predict(run, ["new.jpg"])

Nothing is imported before it is used, and nothing here imports keras or tensorflow: training and prediction happen in
processes of their own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.api import evaluate as evaluate
    from core.api import predict as predict
    from core.api import start as start
    from core.api import train as train
    from core.data.dataset import Dataset as Dataset
    from core.data.library import ingest as ingest
    from core.data.library import list_datasets as list_datasets
    from core.errors import GraftError as GraftError
    from core.recipe.fields import Recipe as Recipe
    from core.runs.index import list_runs as list_runs
    from core.runs.run import Run as Run
    from core.store.workspace import Workspace as Workspace

_HOMES = {
    "Dataset": "core.data.dataset",
    "GraftError": "core.errors",
    "Recipe": "core.recipe.fields",
    "Run": "core.runs.run",
    "Workspace": "core.store.workspace",
    "evaluate": "core.api",
    "ingest": "core.data.library",
    "list_datasets": "core.data.library",
    "list_runs": "core.runs.index",
    "predict": "core.api",
    "start": "core.api",
    "train": "core.api",
}
__all__ = list(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Import a name of the API on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'core' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
