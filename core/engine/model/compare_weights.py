"""What a weights file would give the backbone of a recipe: `python -m core.engine.model.compare_weights RECIPE FILE`.

Prints one JSON object: `{name: MATCH, order: MATCH}`, where MATCH is `{loaded, missing, mismatched, unused, table}`, or
`{error: {kind, message, hint}}` with exit code 2. Nothing is trained, and what the file says of its model is not read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from core.engine.quick_import import quickly
from core.errors import GraftError
from core.recipe.fields import Recipe


def compared(recipe: Recipe, path: Path) -> dict[str, Any]:
    """What the file gives the recipe's backbone: by name, and by order and shape.

    Raises:
        WeightsError: the file cannot be read, is made to do harm, or its weights are no finite numbers.
        RecipeError: the backbone has no such layer to be cut off at.
    """
    from core.backbones.weight_files import opened
    from core.engine.model.own_weights import match

    with opened(path) as file:  # what is no weights file is told before Keras builds anything
        model, needed = _backbone(recipe)
        found = {how: match(file, model, how, needed) for how in ("name", "order")}
        for stored in {id(one): one for each in found.values() for _, one in each.loaded}.values():
            file.values(stored)
    return {how: {
        "loaded": len(each.loaded), "missing": len(each.missing), "mismatched": len(each.mismatched),
        "unused": len(each.unused), "table": each.table(),
    } for how, each in found.items()}


def _backbone(recipe: Recipe) -> tuple[Any, set[str]]:
    """The bare backbone, and the names of its layers up to the cut."""
    with quickly():
        import keras

        from core.engine.model.network import bare_backbone, needed_layers
    from core.backbones.catalogue import get

    size = recipe.data.image_size or get(recipe.model.backbone, recipe.model.alpha)[0].default_size
    keras.utils.clear_session()
    model = bare_backbone(recipe.model, keras.Input((size, size, 3), name="image"))
    return model, needed_layers(recipe.model, model)


def main(arguments: list[str]) -> int:
    """Print the comparison; 2 when the user can put right what is wrong."""
    recipe, path = map(Path, arguments)
    try:
        print(json.dumps(compared(Recipe.load(recipe), path)))
        return 0
    except GraftError as error:
        print(json.dumps({"error": error.as_dict()}))
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
