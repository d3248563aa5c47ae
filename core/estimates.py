"""How long a run will take and how much it will keep, before it is started.

A rough model: multiply-adds over speed, plus decoding, the cost of a step, and a start that every run has. Speeds and
start begin with what a 2-core machine does and are replaced by what this machine did in its last run, which is kept in
the workspace.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from core.backbones.catalogue import get, resolve_freeze
from core.recipe.fields import Recipe
from core.store.cache import PIXELS_SHARE
from core.store.files import read_json, write_json
from core.store.workspace import Workspace

FORWARD, TRAINING, START = "forward", "training", "start"
TYPICAL = {FORWARD: 25e9, TRAINING: 10e9, START: 14.0}
"""On 2 CPU cores: multiply-adds a second of MobileNets through ONNX Runtime and of Keras on TensorFlow, and the seconds
for loading TensorFlow, building, checking and saving the model."""
DECODE_PER_SECOND = 800.0
CHANGE_SECONDS = 0.001
"""Time to change one image at random (turn, zoom, shift)."""
STEP_SECONDS = 0.003
BACKWARD = 2.0
"""A backward pass costs about twice the forward one."""


@dataclass(frozen=True)
class Estimate:
    """What a run will cost."""

    cache_bytes: int
    """Activations to keep, and decoded images where they are read more than once."""
    prepare_s: float
    """Running the frozen layers once over every image (and every view)."""
    epoch_s: float
    total_s: float


def estimate(recipe: Recipe, images: int, training_images: int, workspace: Workspace) -> Estimate:
    """The cost of a run with nothing in the cache.

    Args:
        images: All images of the run.
        training_images: Those that are trained on.

    Raises:
        RecipeError: unknown backbone or freeze point.
    """
    phases = estimate_phases(recipe, images, training_images, workspace)
    total = sum(cost.prepare_s + cost.epoch_s * phase.epochs
                for cost, phase in zip(phases, recipe.train.phases, strict=True))
    kept = sum(cost.cache_bytes for cost in phases) + _pixel_bytes(recipe, images, workspace)
    return Estimate(kept, sum(cost.prepare_s for cost in phases),
                    phases[0].epoch_s, total + measured(workspace)[START])


def estimate_phases(recipe: Recipe, images: int, training_images: int, workspace: Workspace) -> list[Estimate]:
    """The cost of each phase, by itself; `total_s` is left 0."""
    speeds = measured(workspace)
    return [_phase(recipe, index, images, training_images, speeds) for index in range(len(recipe.train.phases))]


def measured(workspace: Workspace) -> dict[str, float]:
    """The figures of `TYPICAL` as they were measured here, else the typical ones."""
    try:
        found = read_json(workspace.cache / "speed.json")
    except (OSError, ValueError):
        found = {}
    return {kind: float(found.get(kind) or TYPICAL[kind]) for kind in TYPICAL}


def record(workspace: Workspace, kind: str, figure: float) -> None:
    """Remember what was measured here, if it can be: no run fails for it."""
    if figure > 0:
        with contextlib.suppress(OSError):
            write_json(workspace.cache / "speed.json", {**measured(workspace), kind: figure})


def trunk_and_tail(recipe: Recipe, phase: int) -> tuple[float, float]:
    """Multiply-adds an image of the frozen blocks and of the others, at the recipe's image size."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    frozen = resolve_freeze(variant, recipe.train.phases[phase].freeze)
    area = ((recipe.data.image_size or backbone.default_size) / backbone.default_size) ** 2
    costs = [block.mult_adds * area for block in variant.blocks]
    return sum(costs[:frozen]), sum(costs[frozen:])


def _phase(recipe: Recipe, phase: int, images: int, training: int, speeds: dict[str, float]) -> Estimate:
    trunk, tail = trunk_and_tail(recipe, phase)
    epochs, augment = recipe.train.phases[phase].epochs, recipe.augment
    views = min(augment.views, epochs) if augment.active and isinstance(augment.views, int) else 1
    fresh = augment.active and augment.views == "fresh"
    step = STEP_SECONDS * training / recipe.train.batch_size
    per_image = (1 + BACKWARD) * tail / speeds[TRAINING]
    if not trunk:
        changing = CHANGE_SECONDS if augment.active else 0.0
        return Estimate(0, images / DECODE_PER_SECOND, step + training * (per_image + changing), 0.0)
    passes = images + (views - 1) * training
    prepare = images / DECODE_PER_SECOND + passes * trunk / speeds[FORWARD] + (views - 1) * training * CHANGE_SECONDS
    if fresh:
        per_image += CHANGE_SECONDS + trunk / speeds[TRAINING]
    return Estimate(passes * _row_bytes(recipe, phase), prepare, step + training * per_image, 0.0)


def _pixel_bytes(recipe: Recipe, images: int, workspace: Workspace) -> int:
    """Bytes of the decoded images, where they are kept: for phases that read them in every epoch, or for many views."""
    views = recipe.augment.views if recipe.augment.active else 1
    again = any(views == "fresh" or min(views, phase.epochs) > 2 or not trunk_and_tail(recipe, index)[0]
                for index, phase in enumerate(recipe.train.phases))
    side = recipe.data.image_size or get(recipe.model.backbone, recipe.model.alpha)[0].default_size
    nbytes = 3 * side * side * images
    return nbytes if again and nbytes <= PIXELS_SHARE * workspace.limits.cache_bytes else 0


def _row_bytes(recipe: Recipe, phase: int) -> int:
    """Bytes of one image's activations at the end of the trunk, as float16."""
    backbone, variant = get(recipe.model.backbone, recipe.model.alpha)
    frozen = resolve_freeze(variant, recipe.train.phases[phase].freeze)
    if frozen == len(variant.blocks) and recipe.model.pooling != "flatten":
        return 2 * variant.features
    height, width, channels = variant.blocks[frozen - 1].shape
    scale = (recipe.data.image_size or backbone.default_size) / backbone.default_size
    return 2 * max(1, round(height * scale)) * max(1, round(width * scale)) * channels
