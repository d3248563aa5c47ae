"""Small images and a backbone that was trained on large ones: by what factor the model enlarges them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.backbones.catalogue import Backbone, check
from core.recipe.fields import Recipe
from core.recipe.specs import field_spec

if TYPE_CHECKING:
    from core.data.dataset import Dataset


def typical_side(dataset: Dataset) -> int:
    """The shorter side of the dataset's usual picture, in pixels; 0 without pictures."""
    usable = dataset.usable()
    return int(usable[["width", "height"]].min(axis=1).median()) if len(usable) else 0


def reading_side(side: int) -> int:
    """The image size at which pictures of `side` pixels are read as they are, within what the recipe takes."""
    spec = field_spec("data.image_size")
    assert spec.minimum is not None and spec.maximum is not None
    return int(min(max(side, spec.minimum), spec.maximum))


def factor(side: int, backbone: Backbone) -> int | None:
    """The whole factor that brings images of `side` pixels nearest to the backbone's usual size, and not below its
    smallest. None: none does, or they are nearly as large already."""
    spec = field_spec("model.upsample")
    assert spec.minimum is not None and spec.maximum is not None
    least = max(int(spec.minimum), -(-backbone.min_size // side))
    nearest = max(least, round(backbone.default_size / side))
    if nearest > spec.maximum or side * nearest > 1.5 * backbone.default_size:
        return None
    return nearest


def enlarged(recipe: Recipe, side: int | None, factor: int | None) -> Recipe:
    """The recipe with images of `side` pixels that its model enlarges; None: as large as the backbone's usual ones.

    Raises:
        RecipeError: the backbone cannot work on images of that size.
    """
    changed = recipe.override([f"data.image_size={'null' if side is None else side}",
                               f"model.upsample={'null' if factor is None else factor}"])
    check(changed)
    return changed
