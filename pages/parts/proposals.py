"""The recipe that a dataset starts with: the best that can be had with the weights within reach."""

from __future__ import annotations

from core.backbones import weights
from core.backbones.catalogue import BACKBONES, Backbone, Variant, get
from core.data.datasets import Dataset
from core.data.samples import SAMPLES
from core.settings import Recipe
from pages.parts import network, state


def ensure_recipe(dataset: Dataset) -> Recipe:
    """The recipe of the chosen dataset; proposed and kept when there is none yet."""
    recipe = state.recipe()
    if recipe is None:
        recipe = propose(dataset)
        state.set_recipe(recipe)
    return recipe


def propose(dataset: Dataset) -> Recipe:
    """The default recipe, with a backbone whose weights are here or can be fetched; else the small network."""
    recipe = Recipe()
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    if weights.find(backbone, variant) or network.can_download(wait=2.0):
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


def obtainable(recipe: Recipe) -> bool:
    """True when the run can start: random weights, a file that is here, or a download that can work."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    return recipe.model.weights == "none" or bool(weights.find(backbone, variant)) or network.can_download()


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


def small_network(dataset: Dataset) -> Recipe:
    """The small backbone with random weights, everything trained: what works without any pretrained weights."""
    recipe = SAMPLES["digits"].recipe or with_weights(Recipe(), "none")
    usable = dataset.usable()
    typical = int(usable[["width", "height"]].min(axis=1).median()) if len(usable) else 32
    return recipe if typical <= 64 else recipe.override(["data.image_size=96"])
