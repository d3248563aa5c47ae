"""What tests share: a workspace, tiny pictures in it, and runs on them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.data.library import ingest
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.tiny import coloured_folder, copied, tiny_recipe

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # test processes side by side wait for each other's threads otherwise
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without pretrained weights and without a network."""
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", str(tmp_path / "no-weights"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def _colours_once(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("once")
    return ingest(coloured_folder(folder / "colours"), Workspace(folder / "workspace"))


@pytest.fixture
def colours(_colours_once: Dataset, workspace: Workspace) -> Dataset:
    """Three classes of twelve coloured pictures."""
    return copied(_colours_once, workspace)


@pytest.fixture
def tiny_run(colours: Dataset, workspace: Workspace) -> Callable[..., Run]:
    """`tiny_run("train.seed=1", ...)`: a queued run of the tiny recipe with these changes."""
    return lambda *assignments: Run.create(colours, tiny_recipe(*assignments), workspace)


@pytest.fixture(scope="session")
def _trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from core.engine import worker

    workspace = Workspace(tmp_path_factory.mktemp("trained") / "workspace")
    dataset = ingest(coloured_folder(workspace.root.parent / "colours"), workspace)
    recipe = tiny_recipe("train.phases.0.freeze=none", "train.phases.0.epochs=6", "train.batch_size=4")
    run = Run.create(dataset, recipe, workspace)
    assert worker.main([str(run.path)]) == 0
    return workspace.root


@pytest.fixture
def trained(_trained_once: Path, tmp_path: Path) -> Run:
    """A completed run, in a workspace of its own."""
    root = Path(shutil.copytree(_trained_once, tmp_path / "trained"))
    return Run.open(next((root / "runs").glob("run-*")))
