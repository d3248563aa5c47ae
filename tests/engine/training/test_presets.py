"""Every preset of the literature builds and learns: a step of each phase, on pictures as small as the network takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.data.library import ingest
from core.engine.model.constructors import constructor
from core.errors import RecipeError
from core.recipe.fields import Recipe
from core.recipe.presets import PRESETS
from core.recipe.specs import require_available
from core.runs.run import Run
from core.store.workspace import Workspace
from tests.engine.conftest import session_of
from tests.tiny import coloured_folder

NOT_YET: dict[str, str] = {}
"""Presets with a setting that this version cannot carry out -> what it says of it."""
QUICK = ("cifar10-resnet50-cut", "cats-dogs-vgg16")
"""These take seconds; the others, a quarter of a minute and more each, stand under `slow`."""

GENTLER = {"cifar10-resnet50-weights-file": 1e-4}
"""Learning rates for the one step that is taken here: after a single one at 0.01 on features of random weights the loss
is where a training counts as blown up."""


@pytest.mark.parametrize("name", PRESETS)
def test_what_cannot_be_carried_out_is_listed(name):
    if name not in NOT_YET:
        return require_available(PRESETS[name].recipe)
    with pytest.raises(RecipeError, match=NOT_YET[name]):
        require_available(PRESETS[name].recipe)


@pytest.fixture
def dataset_of(workspace: Workspace, tmp_path: Path) -> Callable[[Recipe], Dataset]:
    """Coloured pictures: three classes, or two for a recipe that tells two apart."""

    def make(recipe: Recipe) -> Dataset:
        folder = coloured_folder(tmp_path / "pictures", per_class=6)
        if recipe.model.output == "sigmoid":
            for file in (folder / "green").iterdir():
                file.unlink()
            (folder / "green").rmdir()
        return ingest(folder, workspace)

    return make


def small(recipe: Recipe) -> Recipe:
    """One epoch a phase from random weights, or from the user's file, on the smallest pictures; all else as it is."""
    backbone, _ = get(recipe.model.backbone, recipe.model.alpha)
    side = min(recipe.data.image_size or backbone.default_size, backbone.min_size)
    phases = [f"train.phases.{index}.epochs=1" for index in range(len(recipe.train.phases))]
    weights = "none" if recipe.model.weights == "imagenet" else recipe.model.weights
    return recipe.override([f"data.image_size={side}", "data.subset=1.0", f"model.weights={weights}", *phases])


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PRESETS if name not in NOT_YET
])
def test_every_preset_builds_and_trains_a_step_in_each_phase(name, dataset_of, workspace, tmp_path,
                                                             monkeypatch):
    recipe, file = small(PRESETS[name].recipe), None
    if recipe.model.weights != "none":
        file = tmp_path / "mine.h5"
        constructor(recipe.model.backbone)(include_top=False, weights=None, input_shape=(32, 32, 3)).save(file)
        recipe = recipe.override([f"model.weights={file}"])
    if name in GENTLER:
        recipe = recipe.override([f"train.phases.0.learning_rate={GENTLER[name]}"])
    session = session_of(Run.create(dataset_of(recipe), recipe, workspace), workspace, file)
    monkeypatch.setattr(session.trainer, "restore_best", lambda: None)  # what the last step gave is looked at
    before = values(session.network.whole)
    session.trainer.fit()
    history = session.run.history()
    assert list(history["phase"]) == [phase.name for phase in recipe.train.phases]
    assert np.isfinite(history[["loss", "val_loss"]].to_numpy()).all()
    after = values(session.network.whole)
    changed = {path.partition("/")[0] for path in before if not np.array_equal(before[path], after[path])}
    assert "predictions" in changed
    in_the_backbone = changed & {layer.name for layer in session.network.backbone_layers}
    assert bool(in_the_backbone) == any(phase.freeze != "all" for phase in recipe.train.phases)


def values(model: Any) -> dict[str, np.ndarray]:
    """Every weight by its path."""
    return {variable.path: variable.numpy().copy() for variable in model.variables
            if "seed_generator" not in variable.path}
