"""The recipe that a dataset starts with: the best that can be had with the weights within reach."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.backbones.freezing import cut, frozen_blocks, frozen_layers
from core.backbones.graph import Graph
from core.data.samples import SAMPLES
from core.errors import RecipeError
from core.recipe.fields import Phase, Recipe
from core.recipe.optimizers import EXACT

if TYPE_CHECKING:
    from core.data.dataset import Dataset

SMALL_SIDE = 64
"""Pixels. Pictures up to this size are simple ones, such as digits: a small network learns them from nothing."""
QUICK_MULT_ADDS = 1e9
"""Multiply-adds an image of the largest backbone that is proposed unasked: about 25 pictures a second on two cores."""
CanDownload = Callable[[], bool]
"""Whether weights could be fetched now. Asked only where they are not on this machine, as the answer may take long."""


def reason(recipe: Recipe, dataset: Dataset, can_download: CanDownload) -> str:
    """Why the small network is proposed for a dataset: its pictures are small, or there are no weights to begin with.
    "" where that is not so."""
    if get(recipe.model.backbone, recipe.model.alpha)[1].pretrained or _begin_with(dataset):
        return ""
    if along := weights_here():
        return (f"Your pictures are small ({_typical_side(dataset)} pixels), so a small network is proposed that "
                "learns from them alone: fine for simple pictures, such as digits. For photos take "
                f"{along[0].title}: it has learned from a million photos already.")
    if can_download():
        return ""
    backbone, _ = get(Recipe().model.backbone, Recipe().model.alpha)
    return (f"The pretrained weights of {backbone.title} are not on this machine, and cannot be downloaded now. So a "
            "small network is proposed that learns from your pictures alone: fine for simple pictures, but with "
            "pretrained weights results on photos are nearly always much better.")


def propose(dataset: Dataset, can_download: CanDownload) -> Recipe:
    """The default recipe, with a backbone whose weights are here. Where there are none the default one is fetched; the
    small network where that cannot be, and for small pictures where there are only weights that come along."""
    if here := _begin_with(dataset):
        return solved(with_backbone(Recipe(), *here))
    if weights_here() is None and can_download():
        return solved(Recipe())
    return small_network(dataset)


def stepwise(recipe: Recipe) -> Recipe:
    """The recipe with heads that were solved trained step by step."""
    return recipe.override([f"train.phases.{index}.optimizer={Phase().optimizer}"
                            for index, phase in enumerate(recipe.train.phases) if phase.optimizer == EXACT])


def solved(recipe: Recipe) -> Recipe:
    """The recipe with its head solved exactly in every phase in which that can be; what such a phase says of steps has
    no effect any more."""
    for index, phase in enumerate(recipe.train.phases):
        if phase.freeze == "all":
            with suppress(RecipeError):  # hidden layers, say
                recipe = recipe.override([f"train.phases.{index}.optimizer={EXACT}"])
    return recipe


def _begin_with(dataset: Dataset) -> tuple[Backbone, Variant] | None:
    """What is here to propose for a dataset."""
    return weights_here(come_along=_typical_side(dataset) > SMALL_SIDE)


def weights_here(come_along: bool = True) -> tuple[Backbone, Variant] | None:
    """The best backbone to begin with whose weights lie on this machine: of those that are quick without a GPU the one
    with the highest top-1 on ImageNet (a width that has none published counts as less); else the quickest.

    Args:
        come_along: False leaves those out that are there on every machine.
    """
    def rank(pair: tuple[Backbone, Variant]) -> tuple[float, ...]:
        _, variant = pair
        if variant.mult_adds > QUICK_MULT_ADDS:
            return (0, -variant.mult_adds)
        return (1, variant.top1 or 0, variant.mult_adds)

    return max(((backbone, variant) for backbone in BACKBONES.values() for variant in backbone.variants
                if (come_along or not weights.comes_along(variant)) and weights.find(backbone, variant)),
               key=rank, default=None)


def obtainable(recipe: Recipe, can_download: CanDownload) -> bool:
    """True when the run can start: random weights, a file that is here, or a download that can work."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    if recipe.model.own_weights:
        return weights.find_own(recipe.model.weights) is not None
    return recipe.model.weights == "none" or bool(weights.find(backbone, variant)) or can_download()


def with_backbone(recipe: Recipe, backbone: Backbone, variant: Variant) -> Recipe:
    """The recipe on another backbone. Its cut, freeze points and image size are kept where they fit. Another freeze
    point becomes the block at the same share of the depth; an image size that is too small goes, and with it the factor
    by which the model enlarges such images."""
    layer = recipe.model.cut_layer if recipe.model.cut_layer in variant.layers else None
    graph = cut(variant.graph, layer)
    size = recipe.data.image_size
    fits = size is None or size * (recipe.model.upsample or 1) >= backbone.min_size
    before = get(recipe.model.backbone, recipe.model.alpha)[1]
    other = recipe.model.own_weights and variant != before  # a file or a run has the weights of one backbone
    alpha = None if variant.alpha == backbone.default_alpha else variant.alpha
    return recipe.override([
        f"model.backbone={backbone.name}", f"model.alpha={'null' if alpha is None else alpha}",
        f"model.cut_layer={'null' if layer is None else layer}",
        *(["model.weights=imagenet", "model.weights_match=name"] if other else []),
        *(f"train.phases.{index}.freeze={_freeze_point(phase.freeze, cut(before.graph, layer), graph)}"
          for index, phase in enumerate(recipe.train.phases)),
        *([] if fits else ["data.image_size=null", "model.upsample=null"]),
    ])


def _freeze_point(freeze: str, before: Graph, graph: Graph) -> str:
    """A freeze point of one graph in another: the same name, else the same share of the blocks."""
    if freeze in {"all", "none", *graph.names, *(name for name, _ in graph.ends)}:
        return freeze
    try:
        frozen = frozen_blocks(before, frozen_layers(before, freeze))
    except RecipeError:  # it froze nothing where it was, either
        return "all"
    return block_at(frozen / len(before.ends), [name for name, _ in graph.ends])


def block_at(share: float, names: Sequence[str]) -> str:
    """The last frozen one of a backbone's blocks when a share of them is frozen: at least the first, never all.
    `none` where there is but one."""
    return names[min(max(int(len(names) * share), 1), len(names) - 1) - 1] if names[1:] else "none"


def with_weights(recipe: Recipe, source: str) -> Recipe:
    """The recipe with other starting weights. Random ones are all trained, in every phase; pretrained ones that take
    their place are frozen at first. Between two kinds of pretrained weights nothing else changes."""
    chosen = recipe.override([f"model.weights={json.dumps(source)}"])
    if source == "none":
        return chosen if recipe.model.weights == "none" else all_trained(chosen)
    return _frozen(chosen, "all", "frozen") if recipe.model.weights == "none" else chosen


def adapted(recipe: Recipe, changes: Sequence[str]) -> tuple[Recipe, str]:
    """A recipe with changes (`path=value`), and a sentence on what else had to change with them, "" for nothing: a head
    that can no longer be solved at once is trained step by step. Raises RecipeError."""
    try:
        return recipe.override(changes), ""
    except RecipeError as error:
        names = [phase.name for phase in recipe.train.phases if phase.optimizer == EXACT]
        try:
            if not names or any(EXACT in change for change in changes):
                raise error
            changed = stepwise(recipe).override(changes)
        except RecipeError:
            raise error from None
        return changed, (f"The optimizer of {' and '.join(names)} is {Phase().optimizer} now: {EXACT} solves heads "
                         "without hidden layers on frozen features alone.")


def all_trained(recipe: Recipe) -> Recipe:
    """The recipe with the whole backbone trained in every phase, batch normalisation too."""
    return _frozen(recipe, "none", "train")


def _frozen(recipe: Recipe, freeze: str, batch_norm: str) -> Recipe:
    return adapted(recipe, [*(f"train.phases.{index}.freeze={freeze}" for index in range(len(recipe.train.phases))),
                            f"model.batch_norm={batch_norm}"])[0]


def small_network(dataset: Dataset, recipe: Recipe | None = None) -> Recipe:
    """The small backbone with random weights, everything trained: what works without any pretrained weights.

    Of `recipe` everything stays that does not belong to the network: the split, augmentation, batch size, seed.
    """
    small = SAMPLES["digits"].recipe
    assert small is not None
    size = small.data.image_size if _typical_side(dataset) <= SMALL_SIDE else 96
    return joined(recipe or Recipe(), small).override([f"data.image_size={size}"])


def without_small_network(recipe: Recipe) -> Recipe:
    """The recipe with the usual network, head and phases in place of the small network's."""
    return joined(recipe, solved(Recipe())).override(["data.image_size=null"])


def joined(recipe: Recipe, other: Recipe) -> Recipe:
    """A recipe with the model and the phases of another."""
    train = recipe.train.model_copy(update={"phases": other.train.phases})
    return recipe.model_copy(update={"model": other.model, "train": train})


def _typical_side(dataset: Dataset) -> int:
    """The shorter side of the dataset's usual picture, in pixels."""
    usable = dataset.usable()
    return int(usable[["width", "height"]].min(axis=1).median()) if len(usable) else SMALL_SIDE
