"""The backbones as rows of data: sizes, accuracy, weights files, and the graph of each.

`catalogue/index.json` has what a list needs; `catalogue/<family>.json` has the layers and blocks, and is read when one
of its backbones is asked for them. `python -m core.engine.model.describe` writes both from the Keras graphs, so that
pages and command line know every block and every parameter count without importing keras.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core.backbones.freezing import cut, frozen_layers
from core.backbones.graph import Graph
from core.backbones.layers import OPERATION, Block, Layer, Window
from core.errors import RecipeError
from core.recipe.fields import Recipe

FOLDER = Path(__file__).with_name("catalogue")
INDEX = FOLDER / "index.json"
SCHEMA = 1
"""Version of both kinds of file, under `schema`. They come with the program that reads them."""

LARGEST_SIDE = 1024
"""Pixels that a backbone is given: as large as `data.image_size` may be, also where the model enlarges the image."""

Preprocessing = Literal["tf", "caffe", "torch", "lite", "inside"]
"""How raw RGB 0..255 is scaled: the modes of `keras.applications.imagenet_utils`; lite: (x - 127) / 128; inside: the
network does it."""


@dataclass(frozen=True)
class Paper:
    """Where a network was described."""

    title: str
    authors: str
    year: int
    arxiv: str
    """The paper's number at arxiv.org."""


@dataclass(frozen=True)
class Variant:
    """A backbone at one width."""

    backbone: str
    family: str
    default_size: int
    alpha: float | None
    parameters: int
    features: int
    """Channels of the output."""
    mult_adds: int
    """Multiplications with addition for one image at the default size."""
    weights_file: str
    """The name Keras gives the ImageNet weights without top; empty: it was never pretrained."""
    weights_url: str
    weights_hash: str | None
    """MD5 or SHA-256; None: Keras publishes no hash for this file."""
    size_mb: float
    """Size of the weights in megabytes (4 bytes a parameter)."""
    top1: float | None
    """Share of ImageNet's validation images whose first guess is right; None: not published."""
    top5: float | None
    """The same for the first five guesses."""

    @property
    def pretrained(self) -> bool:
        """True when there are ImageNet weights for it somewhere."""
        return bool(self.weights_file)

    @property
    def graph(self) -> Graph:
        """Layers and blocks; the first question for a family reads its file."""
        return _graph(self.family, self.backbone, self.alpha)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The natural pieces, from the image to the features, at the default size."""
        return _blocks(self.family, self.backbone, self.alpha, self.default_size)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all Keras layers, each behind those that feed it; the same at every width of a backbone."""
        return self.graph.names

    def output_side(self, size: int) -> int:
        """Height and width of the output for a square image of `size` pixels."""
        side = self.graph.sides(size)[-1]
        assert side is not None  # every backbone ends in a map
        return side


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
    preprocessing: Preprocessing
    depth: int | None
    """Layers with parameters, as Keras's documentation counts them; None: not given there."""
    paper: Paper | None
    licence: str
    """Of the weights."""
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


def check(recipe: Recipe) -> None:
    """See that a recipe's backbone, width, cut, freeze points and image size exist together. Raises RecipeError."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    graph = cut(variant.graph, recipe.model.cut_layer)
    for phase in recipe.train.phases:
        frozen_layers(graph, phase.freeze, variant.graph)
    size = recipe.data.image_size or backbone.default_size
    seen = size * (recipe.model.upsample or 1)
    if seen < backbone.min_size:
        raise RecipeError(f"{backbone.title} cannot work on images of {seen} pixels.",
                          f"Enlarge them in the model (model.upsample={-(-backbone.min_size // size)}), set the image "
                          f"size to {backbone.min_size} or more, or leave it empty for {backbone.default_size}.")
    if seen > LARGEST_SIDE:
        raise RecipeError(f"Images of {size} pixels, enlarged {recipe.model.upsample} times, come to {seen} pixels; "
                          f"{LARGEST_SIDE} is the most that a backbone is given.",
                          f"Choose a smaller model.upsample ({LARGEST_SIDE // size} at most), leave it empty, or set a "
                          "smaller data.image_size.")


@cache
def _family(name: str) -> dict[str, dict[str, Any]]:
    document: dict[str, dict[str, Any]] = json.loads((FOLDER / f"{name.lower()}.json").read_text("utf-8"))
    return document["backbones"]


@cache
def _graph(family: str, backbone: str, alpha: float | None) -> Graph:
    row = _family(family)[backbone]
    widths = next(item for item in row["widths"] if item["alpha"] == alpha)
    windows = [None, *(Window(*window) for window in row["windows"])]
    kinds = [OPERATION, *row["kinds"]]
    layers = [
        Layer(name, kinds[kind], _inputs(index, back), windows[window], channels, parameters, kernel)
        for index, (name, kind, back, window, channels, parameters, kernel) in enumerate(zip(
            row["layers"], row["kind"], row["back"], row["window"], widths["channels"], widths["parameters"],
            widths["kernels"], strict=True))
    ]
    return Graph(layers, [(name, end) for name, end in row["blocks"]])


def _inputs(index: int, back: int | list[int]) -> tuple[int, ...]:
    """Positions from distances; what reaches before the first layer is the image."""
    return tuple(max(index - distance, -1) for distance in (back if isinstance(back, list) else (back,)))


@cache
def _blocks(family: str, backbone: str, alpha: float | None, size: int) -> tuple[Block, ...]:
    return _graph(family, backbone, alpha).blocks(size)


def _backbone(row: dict[str, Any]) -> Backbone:
    shared = {"backbone": row["name"], "family": row["family"], "default_size": row["default_size"]}
    variants = tuple(Variant(**shared, **variant) for variant in row["variants"])
    return Backbone(**{**row, "paper": Paper(**row["paper"]) if row["paper"] else None, "variants": variants})


def _load() -> dict[str, Backbone]:
    return {row["name"]: _backbone(row) for row in json.loads(INDEX.read_text("utf-8"))["backbones"]}


BACKBONES: dict[str, Backbone] = _load() if INDEX.is_file() else {}
"""Every backbone by name. Empty only while the catalogue is being written for the first time."""
