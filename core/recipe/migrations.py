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


def no_weight_decay_is_empty(document: Document) -> Document:
    """2 to 3: a weight decay of 0 meant the optimizer's usual one, which is 0.004 with AdamW; empty means that now."""
    train = document.get("train")
    if not isinstance(train, dict) or not isinstance(train.get("phases"), list):
        return document
    phases = [{**phase, "weight_decay": None} if isinstance(phase, dict) and phase.get("weight_decay") == 0 else phase
              for phase in train["phases"]]
    return {**document, "train": {**train, "phases": phases}}


RECIPE_FORMAT = Format("recipe", 3, {1: batch_norm_has_a_place, 2: no_weight_decay_is_empty}, key="schema_version")
