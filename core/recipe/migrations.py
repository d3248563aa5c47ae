"""How the format of `recipe.json` has changed: one step from each version to the next."""

from __future__ import annotations

from core.recipe.model import batch_norm_place
from core.store.documents import Document, Format


def batch_norm_has_a_place(document: Document) -> Document:
    """1 to 2: a hidden layer's `batch_norm` was yes or no, and yes meant before the activation."""
    model = document.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("hidden"), list):
        return document
    hidden = [
        {**layer, "batch_norm": batch_norm_place(layer["batch_norm"])}
        if isinstance(layer, dict) and "batch_norm" in layer else layer
        for layer in model["hidden"]
    ]
    return {**document, "model": {**model, "hidden": hidden}}


RECIPE_FORMAT = Format("recipe", 2, {1: batch_norm_has_a_place}, key="schema_version")
