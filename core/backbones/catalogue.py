"""The backbones as rows of data: sizes, blocks, accuracy, weights files.

The rows stand in `catalogue.json`, which `python -m core.engine.model.describe` writes from the Keras graphs, so that
pages and command line know every block and every parameter count without importing keras.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core.errors import RecipeError
from core.recipe.fields import ModelSettings, Recipe

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class Block:
    """One natural piece of a backbone; a single tensor leaves it, so the graph can be split behind it."""

    name: str
    """Readable and unique within the backbone, such as `block_12`."""
    layer: str
    """The block's last Keras layer: the freeze point."""
    parameters: int
    """All weights, batch-norm statistics included."""
    trainable: int
    """Weights that are trained when the block is not frozen but its batch normalisation is."""
    batch_norm: int
    """Weights that are trained on top of these when batch normalisation is trained too."""
    shape: tuple[int, int, int]
    """Height, width and channels of the output at the backbone's default size."""
    mult_adds: int
    """Multiplications with addition for one image at the default size."""


@dataclass(frozen=True)
class Reduction:
    """One step of the backbone that changes the height and width of what passes through."""

    kernel: int
    stride: int
    padding: int | None
    """Pixels added to the side before the step; None: as many as are needed to reach ceil(side / stride)."""

    def side(self, side: int) -> int:
        """Side of the output for a side of the input, in pixels."""
        if self.padding is None:
            return -(-side // self.stride)
        return (side + self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Variant:
    """A backbone at one width."""

    alpha: float | None
    parameters: int
    features: int
    """Channels of the output."""
    blocks: tuple[Block, ...]
    reductions: tuple[Reduction, ...]
    weights_file: str
    """The name Keras gives the ImageNet weights without top; empty: it was never pretrained."""
    weights_url: str
    weights_md5: str | None
    """None: Keras publishes no hash for this file."""
    size_mb: float
    """Size of the weights in megabytes (4 bytes a parameter)."""
    top1: float | None
    """Share of ImageNet's validation images whose first guess is right; None: not published."""
    layers: tuple[str, ...]
    """Names of all layers, each behind those that feed it; the same at every width of a backbone."""

    @property
    def pretrained(self) -> bool:
        """True when there are ImageNet weights for it somewhere."""
        return bool(self.weights_file)

    @property
    def mult_adds(self) -> int:
        """Multiplications with addition for one image at the default size."""
        return sum(block.mult_adds for block in self.blocks)

    def output_side(self, size: int) -> int:
        """Height and width of the output for a square image of `size` pixels."""
        for reduction in self.reductions:
            size = reduction.side(size)
        return size


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its top."""

    name: str
    """As in `keras.applications`, and in `model.backbone`."""
    title: str
    description: str
    family: str
    default_size: int
    """Side in pixels of the images that it was pretrained on."""
    min_size: int
    default_alpha: float | None
    preprocessing: Literal["tf", "caffe", "torch", "inside"]
    """How raw RGB 0..255 is scaled: the modes of `keras.applications.imagenet_utils`; inside: the network does it."""
    variants: tuple[Variant, ...]

    @property
    def alphas(self) -> tuple[float, ...]:
        """The widths there are, narrow to wide; empty when there is only one."""
        return tuple(variant.alpha for variant in self.variants if variant.alpha is not None)


def get(name: str, alpha: float | None = None) -> tuple[Backbone, Variant]:
    """A backbone and its variant of that width (None: the usual one). Raises RecipeError, which names what there is."""
    backbone = BACKBONES.get(name)
    if backbone is None:
        raise RecipeError(f"There is no backbone '{name}'.", f"Use one of: {', '.join(BACKBONES)}.")
    wanted = backbone.default_alpha if alpha is None else alpha
    for variant in backbone.variants:
        if variant.alpha == wanted:
            return backbone, variant
    if not backbone.alphas:
        raise RecipeError(f"{name} has only one width, and alpha={alpha:g} was asked for.", "Leave alpha empty.")
    widths = ", ".join(f"{width:g}" for width in backbone.alphas)
    raise RecipeError(f"{name} has no pretrained weights for alpha={alpha:g}.", f"Use one of: {widths}.")


def resolve_freeze(variant: Variant, freeze: str) -> int:
    """Number of wholly frozen blocks for a freeze point: `none`, `all`, a block by its name, or any layer by its name.

    Raises:
        RecipeError: no such block or layer; the blocks are named.
    """
    if freeze == "none":
        return 0
    if freeze == "all":
        return len(variant.blocks)
    for index, block in enumerate(variant.blocks, 1):
        if freeze in (block.name, block.layer):
            return index
    if freeze in variant.layers:
        place = variant.layers.index(freeze)
        return sum(variant.layers.index(block.layer) < place for block in variant.blocks)
    names = ", ".join(block.name for block in variant.blocks)
    raise RecipeError(f"The backbone has no block or layer '{freeze}' to freeze up to.",
                      f"Use all, none, the name of a layer, or one of: {names}.")


def check(recipe: Recipe) -> None:
    """See that a recipe's backbone, width, freeze points and image size exist together. Raises RecipeError."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    for phase in recipe.train.phases:
        resolve_freeze(variant, phase.freeze)
    size = recipe.data.image_size
    if size is not None and size < backbone.min_size:
        raise RecipeError(f"{backbone.title} cannot work on images of {size} pixels.",
                          f"Set the image size to {backbone.min_size} or more, or leave it empty for "
                          f"{backbone.default_size}.")


def freeze_layer(variant: Variant, freeze: str) -> str | None:
    """The last frozen layer for a freeze point; None when nothing is frozen. Raises RecipeError as `resolve_freeze`."""
    blocks = resolve_freeze(variant, freeze)
    named = freeze in {"all", "none", *(block.name for block in variant.blocks)}
    if not named:
        return freeze
    return variant.blocks[blocks - 1].layer if blocks else None


def head_parameters(variant: Variant, model: ModelSettings, classes: int, size: int) -> int:
    """Trained weights of the head: hidden layers, their batch normalisation, and the classifier.

    A hidden layer with batch normalisation has no bias of its own: scale and offset of the normalisation follow it.
    `size` is the side of the input image in pixels; it matters when the pooling is `flatten`.
    """
    width = variant.features
    if model.pooling == "flatten":
        width *= variant.output_side(size) ** 2
    total = 0
    for layer in model.hidden:
        total += (width + (1 if layer.batch_norm == "none" else 2)) * layer.units
        width = layer.units
    return total + (width + 1) * classes


def trainable_parameters(variant: Variant, recipe: Recipe, classes: int) -> int:
    """Weights that a recipe trains, head included, in the phase that trains the most of them.

    Behind a freeze point inside a block the whole block counts as trained.

    Raises:
        RecipeError: the backbone does not have a phase's freeze point.
    """
    size = recipe.data.image_size or get(recipe.model.backbone, recipe.model.alpha)[0].default_size
    frozen = min(resolve_freeze(variant, phase.freeze) for phase in recipe.train.phases)
    tail = variant.blocks[frozen:]
    total = sum(block.trainable for block in tail)
    if recipe.model.trains_batch_norm:
        total += sum(block.batch_norm for block in tail)
    return total + head_parameters(variant, recipe.model, classes, size)


def _variant(row: dict[str, Any], layers: tuple[str, ...]) -> Variant:
    blocks = tuple(Block(**{**block, "shape": tuple(block["shape"])}) for block in row["blocks"])
    reductions = tuple(Reduction(**reduction) for reduction in row["reductions"])
    return Variant(**{**row, "blocks": blocks, "reductions": reductions}, layers=layers)


def _backbone(row: dict[str, Any]) -> Backbone:
    layers = tuple(row.pop("layers"))
    return Backbone(**{**row, "variants": tuple(_variant(variant, layers) for variant in row["variants"])})


@cache
def _load() -> dict[str, Backbone]:
    rows = json.loads(CATALOGUE_FILE.read_text("utf-8"))
    return {row["name"]: _backbone(row) for row in rows}


BACKBONES: dict[str, Backbone] = _load()
