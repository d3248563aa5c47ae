"""Phases of a training added, removed and put into another order."""

from __future__ import annotations

from core.backbones.catalogue import get
from core.backbones.freezing import cut, frozen_blocks, frozen_layers
from core.errors import RecipeError
from core.recipe.choices import TUNING_RATE
from core.recipe.fields import Phase, Recipe
from core.recipe.optimizers import EXACT
from core.recipe.proposals import block_at

MOST = 8
FURTHER = 0.25
"""Share of the blocks by which a further phase unfreezes more than the one before it."""
SLOWER = 10.0
"""A further phase has its rate divided by this: what is pretrained is to be adjusted, not overwritten."""


def added(recipe: Recipe, index: int) -> Recipe:
    """The recipe with one more phase behind one: it goes on with more of the backbone, in smaller steps. The new one
    stands at `index + 1`. Raises RecipeError where there are too many."""
    phases = list(recipe.train.phases)
    if len(phases) >= MOST:
        raise RecipeError(f"A training has at most {MOST} phases.", "Remove one first.")
    before = phases[index]
    steps = {"optimizer": Phase().optimizer, "penalty": None, "learning_rate": TUNING_RATE} \
        if before.optimizer == EXACT else {"learning_rate": max(before.learning_rate / SLOWER, 1e-6)}
    after = before.model_copy(update={"name": "fine-tuning", "freeze": _further(recipe, before.freeze),
                                      "epochs": min(before.epochs, 10), **steps})
    return _with(recipe, [*phases[:index + 1], after, *phases[index + 1:]])


def removed(recipe: Recipe, index: int) -> Recipe:
    """The recipe without one of its phases. Raises RecipeError for the only one."""
    if len(recipe.train.phases) == 1:
        raise RecipeError("A training has one phase at least.", "Add another one first.")
    return _with(recipe, [phase for number, phase in enumerate(recipe.train.phases) if number != index])


def moved(recipe: Recipe, index: int, to: int) -> Recipe:
    """The recipe with one of its phases in another place."""
    phases = list(recipe.train.phases)
    phases.insert(max(0, min(to, len(phases) - 1)), phases.pop(index))
    return _with(recipe, phases)


def _with(recipe: Recipe, phases: list[Phase]) -> Recipe:
    document = recipe.model_dump(mode="json")
    document["train"]["phases"] = [phase.model_dump(mode="json") for phase in phases]
    return Recipe.parse(document)


def _further(recipe: Recipe, freeze: str) -> str:
    """A freeze point that leaves more to be trained."""
    _, variant = get(recipe.model.backbone, recipe.model.alpha)
    graph = cut(variant.graph, recipe.model.cut_layer)
    names = [name for name, _ in graph.ends]
    share = frozen_blocks(graph, frozen_layers(graph, freeze, variant.graph)) / max(len(names), 1)
    return "none" if share <= FURTHER else block_at(share - FURTHER, names)
