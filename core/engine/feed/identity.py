"""What decides the output of a frozen trunk, beside the image: what is cached under these words is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.backbones.catalogue import Variant
from core.recipe.fields import Recipe
from core.store.files import digest


def identity(recipe: Recipe, variant: Variant, weights: Path | None) -> dict[str, Any]:
    """Backbone, width, weights and whatever else of a recipe changes what frozen layers give.

    Args:
        weights: The file that is loaded; None: random weights.
    """
    model = recipe.model
    found: dict[str, Any] = {
        "backbone": model.backbone, "alpha": variant.alpha, "pooling": model.pooling,
        "weights": digest(weights) if weights else f"random-{recipe.train.seed}",
    }
    if model.upsample is not None:
        found["upsample"] = [model.upsample, model.upsample_method]
    if model.own_weights and model.weights_match != "name":
        found["match"] = [model.weights_match, recipe.train.seed]  # what the file lacks is random
    return found
