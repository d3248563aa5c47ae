"""What each phase of a recipe freezes, keeps, drops, trains and costs. Free of keras; page, estimate, engine read it.

A fixed trunk gives the same output in every epoch, so it runs once an image and its output is kept. Where it ends is
decided here by the names of layers; the engine finds their tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from core.backbones.catalogue import Variant, get
from core.backbones.freezing import cut, frozen_blocks, frozen_layers
from core.backbones.graph import Graph, members
from core.backbones.layers import OPERATION
from core.errors import RecipeError
from core.estimates import FORWARD, START, TYPICAL, Work, measured
from core.head import features, head_values, head_weights
from core.memory import activation_values, training_bytes
from core.recipe.fields import ModelSettings, Phase, Recipe
from core.recipe.optimizers import EXACT, ITERATIONS
from core.store.cache import PIXELS_SHARE
from core.store.workspace import Workspace

HEAD = "head_pool"
"""The end of a trunk that holds the whole backbone and the pooling, where an image is one row of numbers."""
CHOOSING_EPOCHS = 60
"""What it costs to choose the penalty of a head that is solved, in epochs of solving it."""
KEPT_BYTES = 2
"""Bytes of one number that is kept, as float16."""

State = Literal["kept", "retrained", "dropped"]
"""Of a block: kept as it was pretrained, retrained (or part of it), or behind the cut and not built."""


@dataclass(frozen=True)
class TrunkEnd:
    """Where a trunk ends: behind one layer, or several where a cell also reads the one before."""

    layers: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Of one image's activations behind each layer."""

    @property
    def values(self) -> int:
        """Numbers an image."""
        return sum(math.prod(shape) for shape in self.shapes)


@dataclass(frozen=True)
class Freezing:
    """What a phase leaves as it is, and the trunk it need not compute again."""

    phase: Phase
    frozen: int
    """The set of frozen layers, as `Graph` counts them."""
    trunk: int
    """The set of layers in the trunk."""
    end: TrunkEnd | None
    """None: nothing is frozen that an earlier phase left as it was; images go through the whole network."""
    cached: bool
    """False: the trunk's output takes too much room to be kept, and the trunk runs anew in every step."""


@dataclass(frozen=True)
class PlannedPhase:
    """One phase in figures."""

    index: int
    name: str
    epochs: int
    frozen: frozenset[str]
    """Names of the layers that stay as they are."""
    frozen_blocks: int
    states: tuple[State, ...]
    """One a block of the backbone."""
    end: TrunkEnd | None
    cached: bool
    views: int
    """Versions of a training image that are prepared."""
    cache_bytes: int
    """Activations to keep that no earlier phase has kept."""
    trunk_mult_adds: int
    """Multiplications with addition an image."""
    tail_mult_adds: int
    trained: int
    """Weights that change, the head's included."""
    memory_bytes: int
    """What one step of training needs at once: `core.memory.training_bytes`."""
    prepare_s: float
    """Running the trunk once over every image (and every view)."""
    epoch_s: float


@dataclass(frozen=True)
class Plan:
    """A recipe in figures, with nothing in the cache yet."""

    blocks: tuple[str, ...]
    """Names of the backbone's blocks, dropped ones included."""
    parameters: int
    """All weights of the model, the head's included; what is dropped is not built."""
    dropped: int
    """Weights of the backbone behind the cut."""
    phases: tuple[PlannedPhase, ...]
    pixel_bytes: int
    """Decoded images that are kept since they are read more than once."""
    start_s: float

    @property
    def cache_bytes(self) -> int:
        """All that is kept."""
        return sum(phase.cache_bytes for phase in self.phases) + self.pixel_bytes

    @property
    def memory_bytes(self) -> int:
        """What training needs at once, in the phase that needs the most: `core.memory.training_bytes`."""
        return max(phase.memory_bytes for phase in self.phases)

    @property
    def trained(self) -> int:
        """Weights that change in the phase that trains the most of them."""
        return max(phase.trained for phase in self.phases)

    @property
    def prepare_s(self) -> float:
        """The frozen layers' passes over the images, all phases together."""
        return sum(phase.prepare_s for phase in self.phases)

    @property
    def epoch_s(self) -> float:
        """One epoch of the first phase."""
        return self.phases[0].epoch_s

    @property
    def total_s(self) -> float:
        """The whole run, each phase by its own cost."""
        return self.start_s + self.prepare_s + sum(phase.epochs * phase.epoch_s for phase in self.phases)


def plan(recipe: Recipe, classes: int, images: int, training_images: int, cache_bytes: float = math.inf,
         speeds: Mapping[str, float] = TYPICAL) -> Plan:
    """The plan of a recipe.

    Args:
        images: All images of the run.
        training_images: Those that are trained on.
        cache_bytes: Room for what is kept.
        speeds: As `core.estimates.measured` gives them.

    Raises:
        RecipeError: unknown backbone, layer or freeze point.
    """
    _, variant = get(recipe.model.backbone, recipe.model.alpha)
    graph, size = backbone_of(recipe)
    augment = recipe.augment
    views = augment.views if augment.active and isinstance(augment.views, int) else 1
    freezings = decide(graph, recipe, size, variant.graph,
                       lambda end: KEPT_BYTES * end.values * images * views <= cache_bytes)
    channels, side = graph.layers[-1].channels, graph.sides(size)[-1] or 1
    head, head_trained = head_weights(recipe.model, channels, side, classes)
    head_numbers = head_values(recipe.model, features(recipe.model, channels, side), classes)
    kept = graph.parameters(graph.everything)
    work = graph.work(size)
    seen: dict[TrunkEnd, int] = {}
    phases = []
    for index, freezing in enumerate(freezings):
        trained = graph.trainable(graph.everything & ~freezing.frozen, recipe.model.trains_batch_norm) + head_trained
        values = head_numbers + activation_values(
            graph, size, freezing.frozen, *((freezing.trunk, freezing.end.values) if freezing.cached and freezing.end
                                            else (0, None)))
        memory = training_bytes(freezing.phase, kept + head, trained, recipe.train.batch_size, values)
        if freezing.phase.optimizer == EXACT:  # all features at once, and their axes
            memory += 2 * 4 * training_images * views * features(recipe.model, channels, side)
        phases.append(_phase(recipe, index, freezing, graph, variant, work, head_trained, trained, memory, images,
                             training_images, seen, speeds))
    return Plan(tuple(name for name, _ in variant.graph.ends), kept + head, variant.parameters - kept, tuple(phases),
                _pixel_bytes(recipe, freezings, images, cache_bytes), speeds[START])


def estimate(recipe: Recipe, images: int, training_images: int, workspace: Workspace, classes: int = 2) -> Plan:
    """The plan in a workspace: with its room for what is kept, and the speeds measured there. Raises RecipeError."""
    return plan(recipe, classes, images, training_images, workspace.machine.limits.cache_bytes, measured(workspace))


def backbone_of(recipe: Recipe) -> tuple[Graph, int]:
    """The backbone's graph up to the cut, and the side of the images that enter it. Raises RecipeError."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    return (cut(variant.graph, recipe.model.cut_layer),
            (recipe.data.image_size or backbone.default_size) * (recipe.model.upsample or 1))


def decide(graph: Graph, recipe: Recipe, size: int, whole: Graph | None = None,
           fits: Callable[[TrunkEnd], bool] = lambda end: True) -> list[Freezing]:
    """What every phase freezes, and where its trunk ends.

    A trunk may hold only layers that no phase so far has changed: after a phase that trained block 12, a later one
    that freezes all still has its trunk end before block 12. Where the activations at the deepest such point do not
    fit, the deepest one that fits is taken.

    Args:
        whole: The graph before it was cut.
        fits: True for an end whose activations may be kept.

    Raises:
        RecipeError: there is no such freeze point.
    """
    shapes, pristine, found = graph.shapes(size), graph.everything, []
    for phase in recipe.train.phases:
        frozen = frozen_layers(graph, phase.freeze, whole)
        pristine &= frozen
        ends = [(graph.trunk(end), TrunkEnd(graph.named(end), tuple(shapes[index] for index in end)))
                for end in graph.trunk_ends(pristine)]
        if pristine == graph.everything and recipe.model.pooling != "flatten":
            ends.append((pristine, TrunkEnd((HEAD,), ((features(recipe.model, graph.layers[-1].channels),),))))
        fitting = [(trunk, end) for trunk, end in ends if fits(end)]
        trunk, end = (fitting or ends)[-1] if ends else (0, None)
        found.append(Freezing(phase, frozen, trunk, end, cached=bool(fitting)))
    return found


def check_output(model: ModelSettings, classes: int) -> None:
    """Raise RecipeError for one sigmoid unit that is to tell more than two classes apart."""
    if model.output == "sigmoid" and classes != 2:
        raise RecipeError(f"model.output=sigmoid tells two classes apart, and there are {classes}.",
                          "Use model.output=softmax.")


def layer_names(graph: Graph, mask: int) -> frozenset[str]:
    """Names of the Keras layers in a set."""
    return frozenset(graph.layers[index].name for index in members(mask) if graph.layers[index].kind != OPERATION)


def trunk_and_tail(recipe: Recipe, phase: int) -> tuple[float, float]:
    """Multiply-adds an image of a phase's trunk and of the rest, at the recipe's image size, when there is room."""
    graph, size = backbone_of(recipe)
    trunk = graph.mult_adds(decide(graph, recipe, size)[phase].trunk, size)
    return trunk, graph.mult_adds(graph.everything, size) - trunk


def trainable_parameters(variant: Variant, recipe: Recipe, classes: int) -> int:
    """Weights that a recipe trains, head included, in the phase that trains the most of them. Raises RecipeError."""
    return plan(recipe, classes, 0, 0).trained


def _phase(recipe: Recipe, index: int, freezing: Freezing, graph: Graph, variant: Variant, work: list[int],
           head: int, trained: int, memory: int, images: int, training: int, seen: dict[TrunkEnd, int],
           speeds: Mapping[str, float]) -> PlannedPhase:
    augment, epochs, end = recipe.augment, freezing.phase.epochs, freezing.end
    fresh = augment.active and augment.views == "fresh"
    solved = freezing.phase.optimizer == EXACT
    views = augment.views if augment.active and isinstance(augment.views, int) else 1
    views = views if solved else min(views, epochs)
    fresh = fresh and not solved
    trunk = sum(work[layer] for layer in members(freezing.trunk))
    tail = sum(work) - trunk
    cached = end is not None and freezing.cached
    before = seen.get(end, 0) if cached and end else 0
    more = max(views - max(before, 1), 0) * training if cached else 0
    first = (images - training if fresh else images) if cached and not before else 0
    if cached and end:
        seen[end] = max(before, views)
    again = not solved and (fresh or not cached)
    asked = Work(
        decoded=0 if before and not more else images, changed=more, passes=first + more,
        steps=0 if solved else -(-training // recipe.train.batch_size),
        training=training * (ITERATIONS * views if solved else 1), trunk=trunk, tail=head if solved else tail + head,
        trunk_again=bool(trunk) and again, change_again=augment.active and again)
    prepare = asked.prepare_seconds(speeds)
    if solved:
        prepare += training * views * tail / speeds[FORWARD]
        prepare += 0 if freezing.phase.penalty else CHOOSING_EPOCHS * asked.epoch_seconds(speeds)
    return PlannedPhase(
        index=index, name=freezing.phase.name, epochs=epochs, frozen=layer_names(graph, freezing.frozen),
        frozen_blocks=frozen_blocks(graph, freezing.frozen), states=_states(graph, variant.graph, freezing.frozen),
        end=end, cached=freezing.cached, views=views,
        cache_bytes=(first + more) * KEPT_BYTES * end.values if cached and end else 0,
        trunk_mult_adds=trunk, tail_mult_adds=tail, trained=trained, memory_bytes=memory,
        prepare_s=prepare,
        epoch_s=asked.epoch_seconds(speeds))


def _states(graph: Graph, whole: Graph, frozen: int) -> tuple[State, ...]:
    found: dict[str, State] = {}
    before = 0
    for (name, _), mask in zip(graph.ends, graph.block_masks, strict=True):
        found[name] = "retrained" if mask & ~before & ~frozen else "kept"
        before = mask
    return tuple(found.get(name, "dropped") for name, _ in whole.ends)


def _pixel_bytes(recipe: Recipe, freezings: list[Freezing], images: int, cache_bytes: float) -> int:
    """Bytes of the decoded images, where they are kept: for phases that read them in every epoch, or for many views."""
    views = recipe.augment.views if recipe.augment.active else 1
    again = any(views == "fresh" or min(views, freezing.phase.epochs) > 2 or not freezing.cached
                for freezing in freezings)
    side = recipe.data.image_size or get(recipe.model.backbone, recipe.model.alpha)[0].default_size
    nbytes = 3 * side * side * images
    return nbytes if again and nbytes <= PIXELS_SHARE * cache_bytes else 0
