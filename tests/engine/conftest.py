"""Training inside the test's process, where weights and caches can be looked at."""

from __future__ import annotations

from pathlib import Path

from core.backbones.catalogue import get
from core.data.dataset import Dataset
from core.engine.feed.examples import load_examples
from core.engine.feed.pixels import Pixels
from core.engine.reporter import Reporter
from core.engine.training.session import TrainingSession
from core.runs.run import Run
from core.store.workspace import Workspace


def session_of(run: Run, workspace: Workspace, weights: Path | None = None) -> TrainingSession:
    """What the worker makes of a run folder; the workspace may have limits of its own."""
    recipe = run.recipe
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    dataset = Dataset.load(run.dataset_path)
    pixels = Pixels(dataset, workspace, recipe.data.image_size or backbone.default_size, recipe.data.resize)
    return TrainingSession(run, recipe, variant, weights, load_examples(run, dataset), pixels, workspace, Reporter(run))
