"""What of the recipe this version can carry out."""

from __future__ import annotations

from typing import Any

from core.errors import RecipeError
from core.recipe.fields import Recipe
from core.recipe.paths import values_at

SUPPORTED: dict[str, tuple[Any, ...]] = {
    "model.weights": ("imagenet", "none"),
    "model.cut_layer": (None,),
    "model.upsample": (None,),
    "model.output": ("softmax",),
    "train.mixed_precision": (False,),
    "train.phases.schedule": ("constant", "cosine"),
}
"""Fields that belong to the recipe's format from the start, and the values of them that work today."""


def require_supported(recipe: Recipe) -> None:
    """Raise RecipeError when a field holds a valid value that this version cannot carry out yet."""
    for path, supported in SUPPORTED.items():
        for value in values_at(recipe, path.split(".")):
            if value not in supported:
                usable = ", ".join("empty" if item is None else str(item).lower() for item in supported)
                given = str(value).lower() if isinstance(value, bool) else value
                raise RecipeError(f"{path}={given} is not available in this version.", f"Use one of: {usable}.")
