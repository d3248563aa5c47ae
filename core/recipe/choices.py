"""Three models to choose from without knowing anything of networks: quick, balanced, best.

Each is made of what is within reach: weights on this machine, or a download that can work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.errors import RecipeError
from core.recipe import proposals
from core.recipe.data import DataSettings
from core.recipe.fields import Phase, Recipe
from core.recipe.proposals import CanDownload

if TYPE_CHECKING:
    from core.data.dataset import Dataset

QUICK, BALANCED, BEST = "quick", "balanced", "best"
CHOSEN_FROM_DATA = {
    QUICK: "The backbone within reach stays as it is and only a new head learns.",
    BALANCED: "The same, and the last blocks learn too; for few pictures, changed copies of them.",
    BEST: "The most exact backbone within reach, if there is a better one; its last blocks learn too.",
}
"""What each of them does, in a sentence. What it comes to depends on the dataset."""
HEAD_EPOCHS, TUNING_EPOCHS = 10, 10
TUNING_RATE = 1e-4
"""A tenth of the head's: what was pretrained is to be adjusted, not overwritten."""
RETRAINED = 0.25
"""Share of the blocks, counted from the end, that learn again."""
MANY_PICTURES, RETRAINED_OF_MANY = 3000, 0.5
"""From so many pictures on there is enough to retrain a larger share."""
FEW_PICTURES = 100
"""With fewer there is too little to retrain blocks of the backbone on, and a larger one learns by heart."""
LARGEST = 30e6
"""Parameters of the largest backbone that is proposed: more takes a machine without a GPU too long."""
SPLIT = tuple(name for name in DataSettings.model_fields if name not in ("image_size", "resize", "subset"))
"""Fields of `data` that say how the pictures are split: drawn by hand, and kept whatever is chosen."""
_DECIDED = ("batch_size", "class_weights", "label_smoothing")
"""Fields of `train` that a choice takes back to what they are by default."""


@dataclass(frozen=True)
class Choice:
    """A model that is proposed."""

    id: str
    title: str
    why: str
    """One sentence."""
    recipe: Recipe


def choices(dataset: Dataset, recipe: Recipe, can_download: CanDownload) -> list[Choice]:
    """What can be proposed for a dataset, the quickest first: two at least. Each sets all that makes a result; of
    `recipe` the split stays as it was drawn, and what is no part of a model's quality (seed, monitor, precision)."""
    quick = _begun_anew(recipe, proposals.propose(dataset, can_download))
    backbone, variant = get(quick.model.backbone, quick.model.alpha)
    if not variant.pretrained:
        return [Choice(QUICK, "Quick", "A small network learns from your pictures alone: no pretrained weights needed.",
                       quick), Choice(BALANCED, "More exact", "The small network learns for longer, also from slightly "
                                      "turned, moved and zoomed copies of your pictures.", _longer(quick))]
    found = [Choice(QUICK, "Quick", f"{backbone.title} stays as it is and only a new head learns: right for most "
                    "pictures.", quick)]
    pictures = len(dataset.usable())
    if pictures < FEW_PICTURES:
        return [*found, Choice(BALANCED, "More exact", f"{backbone.title} stays as it is; the head also learns from "
                               "mirrored, turned and zoomed copies of your few pictures.", varied(quick))]
    share = RETRAINED if pictures < MANY_PICTURES else RETRAINED_OF_MANY
    what = "the last blocks" if pictures < MANY_PICTURES else "the later blocks"
    found.append(Choice(BALANCED, "More exact", f"First the head learns, then {what} of {backbone.title} too, in small "
                        "steps.", fine_tuned(quick, variant, share)))
    if (more := _more_exact(backbone, variant, can_download)) is not None:
        larger = proposals.with_backbone(quick, *more)
        found.append(Choice(BEST, "Best", f"{more[0].title} sees more than {backbone.title}; here too {what} of it "
                            "learn again. Takes the longest.", fine_tuned(larger, more[1], share)))
    return found


def choice(name: str, dataset: Dataset, can_download: CanDownload) -> Choice:
    """One of those that are proposed for a dataset. Raises RecipeError, which names what there is."""
    found = {one.id: one for one in choices(dataset, Recipe(), can_download)}
    if name not in found:
        raise RecipeError(f"There is no '{name}' for this dataset on this machine: nothing beyond "
                          f"'{list(found)[-1]}' is within reach.", f"Use one of: {', '.join(found)}.")
    return found[name]


def matching(recipe: Recipe, found: list[Choice]) -> str:
    """The id of the choice that a recipe is; "" where it was put together by hand."""
    return next((choice.id for choice in found if _set_by(choice.recipe) == _set_by(recipe)), "")


def _set_by(recipe: Recipe) -> tuple[Any, ...]:
    """What a choice decides of a recipe: all but the split and what `_begun_anew` keeps of the training."""
    data = recipe.data.model_dump(exclude=set(SPLIT))
    return data, recipe.model, recipe.augment, recipe.train.phases, *(getattr(recipe.train, name) for name in _DECIDED)


def _begun_anew(recipe: Recipe, proposed: Recipe) -> Recipe:
    """A proposed recipe with the split of another, and with all of its training that a preset does not decide."""
    data = proposed.data.model_copy(update={name: getattr(recipe.data, name) for name in SPLIT})
    kept = {name: getattr(proposed.train, name) for name in ("phases", *_DECIDED)}
    return proposed.model_copy(update={"data": data, "train": recipe.train.model_copy(update=kept)})


def varied(recipe: Recipe) -> Recipe:
    """The recipe with a few changed copies of every training picture, made once (`augment.views`)."""
    return recipe.override(["augment.preset=medium"])


def _longer(recipe: Recipe) -> Recipe:
    """The small network, trained for twice as long on changed pictures. None is mirrored: of a digit that is none."""
    return recipe.override([*(f"train.phases.{index}.epochs={2 * phase.epochs}"
                              for index, phase in enumerate(recipe.train.phases)),
                            "augment.preset=custom", "augment.rotation=10", "augment.zoom=0.1", "augment.shift=0.05"])


def fine_tuned(recipe: Recipe, variant: Variant, share: float = RETRAINED) -> Recipe:
    """Two phases: the head alone, then the last blocks at a small rate (A. Kumar et al., arXiv:2202.10054).

    Args:
        share: Of the blocks, counted from the end, that learn again.
    """
    names = [block.name for block in variant.blocks]
    last_frozen = proposals.block_at(1 - share, names)
    first = recipe.train.phases[0]
    head = first.model_copy(update={"name": "head", "freeze": "all", "epochs": HEAD_EPOCHS})
    tuning = first.model_copy(update={"name": "fine-tuning", "freeze": last_frozen, "epochs": TUNING_EPOCHS,
                                      "learning_rate": TUNING_RATE, "optimizer": Phase().optimizer, "penalty": None})
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
