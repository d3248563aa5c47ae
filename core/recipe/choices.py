"""Three models to choose from without knowing anything of networks: quick, balanced, best.

Each is made of what is within reach: weights on this machine, or a download that can work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.recipe import proposals
from core.recipe.fields import Recipe
from core.recipe.proposals import CanDownload

if TYPE_CHECKING:
    from core.data.dataset import Dataset

QUICK, BALANCED, BEST = "quick", "balanced", "best"
HEAD_EPOCHS, TUNING_EPOCHS = 10, 10
TUNING_RATE = 1e-4
"""A tenth of the head's: what was pretrained is to be adjusted, not overwritten."""
RETRAINED = 0.25
"""Share of the blocks, counted from the end, that learn again."""
FEW_PICTURES = 100
"""With fewer there is too little to retrain blocks of the backbone on, and a larger one learns by heart."""
LARGEST = 30e6
"""Parameters of the largest backbone that is proposed: more takes a machine without a GPU too long."""


@dataclass(frozen=True)
class Choice:
    """A model that is proposed."""

    id: str
    title: str
    why: str
    """One sentence."""
    recipe: Recipe


def choices(dataset: Dataset, recipe: Recipe, can_download: CanDownload) -> list[Choice]:
    """What can be proposed for a dataset, the quickest first; of `recipe` everything but model and phases is kept."""
    quick = proposals.joined(recipe, proposals.propose(dataset, can_download))
    backbone, variant = get(quick.model.backbone, quick.model.alpha)
    if not variant.pretrained:
        return [Choice(QUICK, "Quick", "A small network learns from your pictures alone: no pretrained weights needed.",
                       quick)]
    found = [Choice(QUICK, "Quick", f"{backbone.title} stays as it is and only a new head learns: right for most "
                    "pictures.", quick)]
    if len(dataset.usable()) >= FEW_PICTURES:
        found.append(Choice(BALANCED, "More exact", f"First the head learns, then the last blocks of {backbone.title} "
                            "too, in small steps.", fine_tuned(quick, variant)))
        if (more := _more_exact(backbone, variant, can_download)) is not None:
            larger = proposals.with_backbone(quick, *more)
            found.append(Choice(BEST, "Best", f"{more[0].title} sees more than {backbone.title}; its last blocks learn "
                                "too. Takes the longest.", fine_tuned(larger, more[1])))
    return found


def matching(recipe: Recipe, found: list[Choice]) -> str:
    """The id of the choice that a recipe is; "" where it was put together by hand."""
    return next((choice.id for choice in found if (choice.recipe.model, choice.recipe.train.phases)
                 == (recipe.model, recipe.train.phases)), "")


def fine_tuned(recipe: Recipe, variant: Variant) -> Recipe:
    """Two phases: the head alone, then the last blocks at a small rate (A. Kumar et al., arXiv:2202.10054)."""
    names = [block.name for block in variant.blocks]
    last_frozen = proposals.block_at(1 - RETRAINED, names)
    first = recipe.train.phases[0]
    head = first.model_copy(update={"name": "head", "freeze": "all", "epochs": HEAD_EPOCHS})
    tuning = first.model_copy(update={"name": "fine-tuning", "freeze": last_frozen, "epochs": TUNING_EPOCHS,
                                      "learning_rate": TUNING_RATE})
    train = recipe.train.model_copy(update={"phases": (head, tuning)})
    return Recipe.parse(recipe.model_copy(update={"train": train}).model_dump(mode="json"))


def _more_exact(backbone: Backbone, variant: Variant, can_download: CanDownload) -> tuple[Backbone, Variant] | None:
    """The one with the highest top-1 on ImageNet that can be had and is not too large; None: there is no better one."""
    return max((pair for pair in _within_reach(can_download)
                if pair[0] is not backbone and (pair[1].top1 or 0) > (variant.top1 or 0)),
               key=lambda pair: pair[1].top1 or 0, default=None)


def _within_reach(can_download: CanDownload) -> Iterator[tuple[Backbone, Variant]]:
    for backbone in BACKBONES.values():
        for variant in backbone.variants:
            if variant.pretrained and variant.parameters <= LARGEST and (
                    weights.find(backbone, variant) or can_download()):
                yield backbone, variant
