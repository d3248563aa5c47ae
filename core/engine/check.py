"""The job `check`: every picture once through a backbone, then the checks that compare what it makes of them."""

from __future__ import annotations

import time

import numpy as np

from core import checking
from core.backbones import weights
from core.backbones.catalogue import get
from core.data.checks import evidence, table
from core.data.checks import features as kept
from core.data.checks.deep import Deep
from core.data.checks.evidence import Evidence
from core.data.checks.seen import look_at
from core.data.checks.small import small_pictures
from core.data.dataset import Dataset
from core.engine.feed.identity import identity
from core.engine.feed.pixels import Pixels
from core.engine.quick_import import quickly
from core.engine.reporter import Reporter, StopRequested
from core.errors import WorkspaceError
from core.jobs import requests
from core.jobs.job import Job
from core.recipe.fields import Recipe
from core.store.workspace import Workspace


def check(job: Job, reporter: Reporter) -> tuple[str, str]:
    """Look at a dataset with every thorough check and keep what was seen; gives the final state and its message."""
    began, asked = time.monotonic(), requests.asked(job)
    workspace = Workspace(job.path.parent.parent)
    dataset = Dataset.open(workspace, asked["dataset"])
    backbone, variant = get(asked["backbone"], asked["alpha"])
    try:
        seen = look_at(dataset)
        small = small_pictures(dataset, seen.good, lambda done, total: reporter.progress(
            f"Looking at every picture: {done:,} of {total:,}", done, total))
        features = pooled_features(dataset, checking.recipe_of(backbone, variant), workspace, reporter)
        deep = Deep(dataset, seen, features, small, reporter.progress)
        reporter.progress("Drawing the map", 0, 1)
        light = np.column_stack([small.brightness, small.contrast, small.sharpness])
        kept.keep(dataset, deep.paths.tolist(), features, light, reporter.raise_if_stopped)
        found = {}
        for number, (name, one) in enumerate(table.THOROUGH.items()):
            reporter.progress("Comparing what was seen", number, len(table.THOROUGH))
            found[name] = one.look(deep)
    except StopRequested:
        return "stopped", "Cancelled: nothing was changed."
    seconds = round(time.monotonic() - began, 2)
    evidence.write(dataset, Evidence(evidence.contents_of(dataset), seconds, backbone.title, found))
    return "completed", f"{len(features):,} pictures checked."


def pooled_features(dataset: Dataset, recipe: Recipe, workspace: Workspace, reporter: Reporter) -> np.ndarray:
    """What a frozen backbone makes of every usable image, in the manifest's order: float32 [n, width]. Read from the
    cache where a training or a check has computed it, and kept there for the next.

    Raises:
        WorkspaceError: the cache has no room for it.
        WeightsNotFoundError: no weights, and no download possible.
    """
    with quickly():
        from core.engine.feed.activations import ActivationCache, Trunk
        from core.engine.model.boundary import Boundary
        from core.engine.model.network import build_network
        from core.plan import HEAD, trunk_and_tail

    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    file = weights.ensure(backbone, variant, recipe.model.weights)
    pixels = Pixels(dataset, workspace, recipe.data.image_size or backbone.default_size, recipe.data.resize)
    network = build_network(recipe.model, pixels.size, 2, file, recipe.train.seed)
    trunk = Trunk(network, Boundary(HEAD, (network.features,)), identity(recipe, variant, file),
                  trunk_and_tail(recipe, 0)[0])
    rows = np.arange(len(pixels.paths))
    store = ActivationCache(workspace, pixels, reporter).open(trunk, rows)
    if store is None:
        raise WorkspaceError("The cache has no room for what the backbone makes of the pictures.",
                             "Raise the cache's limit, or free space on the disk.")
    try:
        return np.asarray(store.read(rows), np.float32)
    finally:
        store.close()
