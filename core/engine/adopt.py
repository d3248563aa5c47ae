"""The job `adopt`: the model of a run from elsewhere, built anew from its recipe.

A `.keras` file of somebody else's is never loaded as a model: that would run what its author put into it. Its numbers
are read, layer by layer and shape by shape, into the network that the recipe says.
"""

from __future__ import annotations

from pathlib import Path

from core.backbones.catalogue import get
from core.engine.quick_import import quickly
from core.engine.reporter import Reporter
from core.jobs import requests
from core.jobs.job import Job
from core.runs.run import Run


def adopt(job: Job, reporter: Reporter) -> tuple[str, str]:
    """Write model.keras of a run from another file's numbers; gives the final state and its message."""
    asked = requests.asked(job)
    run = Run.open(asked["run"])
    reporter.progress("Building the model", 0, 2)
    with quickly():
        from core.engine.model.network import build_network
        from core.engine.model.own_weights import load_own_weights

    recipe = run.recipe
    backbone, _ = get(recipe.model.backbone, recipe.model.alpha)
    size = recipe.data.image_size or backbone.default_size
    model = build_network(recipe.model, size, len(run.classes), None, recipe.train.seed).whole
    reporter.progress("Reading its numbers", 1, 2)
    load_own_weights(model, Path(asked["weights"]))
    model.save(run.path / "model.keras")
    return "completed", "Taken in."
