"""The recipe that a dataset starts with: the best that can be had with the weights within reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.data.samples import SAMPLES
from core.recipe.fields import Recipe

if TYPE_CHECKING:
    from core.data.dataset import Dataset

CanDownload = Callable[[], bool]
"""Whether weights could be fetched now. Asked only where they are not on this machine, as the answer may take long."""


def reason(recipe: Recipe, can_download: CanDownload) -> str:
    """Why the small network is proposed: the weights of the default one cannot be had. "" where that is not so."""
    backbone, variant = get(Recipe().model.backbone, Recipe().model.alpha)
    small = not get(recipe.model.backbone, recipe.model.alpha)[1].pretrained
    if not small or weights.find(backbone, variant) or can_download():
        return ""
    return (f"The pretrained weights of {backbone.title} are not on this machine, and cannot be downloaded now. So a "
            "small network is proposed that learns from your pictures alone: fine for simple pictures, but with "
            "pretrained weights results on photos are nearly always much better.")


def propose(dataset: Dataset, can_download: CanDownload) -> Recipe:
    """The default recipe, with a backbone whose weights are here or can be fetched; else the small network."""
    recipe = Recipe()
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    if weights.find(backbone, variant) or can_download():
        return recipe
    here = weights_here()
    return with_backbone(recipe, *here) if here else small_network(dataset)


def weights_here() -> tuple[Backbone, Variant] | None:
    """A backbone whose weights lie on this machine, the default one and the widest first."""
    default = Recipe().model.backbone
    order = sorted(BACKBONES.values(), key=lambda backbone: backbone.name != default)
    for backbone in order:
        for variant in reversed(backbone.variants):
            if weights.find(backbone, variant):
                return backbone, variant
    return None


def obtainable(recipe: Recipe, can_download: CanDownload) -> bool:
    """True when the run can start: random weights, a file that is here, or a download that can work."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    return recipe.model.weights == "none" or bool(weights.find(backbone, variant)) or can_download()


def with_backbone(recipe: Recipe, backbone: Backbone, variant: Variant) -> Recipe:
    """The recipe on another backbone; its freeze point and image size are kept where they still fit."""
    freeze = recipe.train.phases[0].freeze
    fits = freeze in ("all", "none") or freeze in [block.name for block in variant.blocks]
    size = recipe.data.image_size
    alpha = None if variant.alpha == backbone.default_alpha else variant.alpha
    return recipe.override([
        f"model.backbone={backbone.name}", f"model.alpha={'null' if alpha is None else alpha}",
        f"train.phases.0.freeze={freeze if fits else 'all'}",
        f"data.image_size={'null' if size is None or size < backbone.min_size else size}",
    ])


def with_weights(recipe: Recipe, source: str) -> Recipe:
    """The recipe with other starting weights: random ones are all trained, pretrained ones are frozen at first."""
    random = source == "none"
    return recipe.override([
        f"model.weights={source}", f"train.phases.0.freeze={'none' if random else 'all'}",
        f"model.batch_norm={'train' if random else 'frozen'}",
    ])


def small_network(dataset: Dataset, recipe: Recipe | None = None) -> Recipe:
    """The small backbone with random weights, everything trained: what works without any pretrained weights.

    Of `recipe` everything stays that does not belong to the network: the split, augmentation, batch size, seed.
    """
    small = SAMPLES["digits"].recipe
    assert small is not None
    usable = dataset.usable()
    typical = int(usable[["width", "height"]].min(axis=1).median()) if len(usable) else 32
    size = small.data.image_size if typical <= 64 else 96
    return _joined(recipe or Recipe(), small).override([f"data.image_size={size}"])


def without_small_network(recipe: Recipe) -> Recipe:
    """The recipe with the usual network, head and phases in place of the small network's."""
    return _joined(recipe, Recipe()).override(["data.image_size=null"])


def _joined(recipe: Recipe, other: Recipe) -> Recipe:
    """A recipe with the model and the phases of another."""
    train = recipe.train.model_copy(update={"phases": other.train.phases})
    return recipe.model_copy(update={"model": other.model, "train": train})
