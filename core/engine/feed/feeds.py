"""What a phase is trained on: features in memory, cached activations, or images. Adding a way is adding a row.

Each gives the model to fit and its batches; how the validation images are read is the same question asked again, for
the same model may be trained on images that change in every epoch and scored on activations that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np

from core.augment.augmenter import Augmenter
from core.augment.mixing import MIXES
from core.engine.feed import resident
from core.engine.feed.activations import ActivationCache, Trunk
from core.engine.feed.batches import Batch, Batches, Mixed, Read, Transform, balanced_weights
from core.engine.feed.examples import Examples
from core.engine.feed.pixels import Pixels
from core.engine.feed.row_store import MEMORY_BUDGET, RowStore
from core.engine.feed.threads import pool
from core.engine.model.boundary import Boundary
from core.engine.model.network import Network
from core.engine.reporter import Reporter
from core.engine.training.plan import PhasePlan
from core.errors import WorkspaceError
from core.recipe.fields import Recipe
from core.recipe.optimizers import EXACT
from core.scoring.task import Task

PREDICT_BATCH = 64
PREDICT_VECTORS = 1024
"""Rows at a time where a row is one vector of features, and a call costs more than its arithmetic."""


@dataclass(frozen=True)
class Reader:
    """A model, and how its inputs are read by row number: answers for images that are not trained on."""

    model: keras.Model
    read: Read

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        """float32 [n, units], in batches of one size so that one compiled graph serves all."""
        found = []
        at_once = PREDICT_VECTORS if len(self.model.input_shape) == 2 else PREDICT_BATCH
        size = min(at_once, len(rows))
        for start in range(0, len(rows), at_once):
            part = rows[start:start + at_once]
            filled = np.concatenate([part, np.repeat(part[:1], size - len(part))]) if len(part) < size else part
            x = self.read(filled)
            x = x if x.dtype == np.uint8 else x.astype(np.float32)
            found.append(np.asarray(self.model.predict_on_batch(x), np.float32)[:len(part)])
        return np.concatenate(found) if found else np.zeros((0, self.model.output_shape[-1]), np.float32)


@dataclass(frozen=True)
class FreshViews:
    """Another view of every image in every epoch, as a transform of batches; view 0 is the image itself."""

    augmenter: Augmenter
    contents_of: Callable[[np.ndarray], Sequence[str]]
    """The SHA-256 of each row's file."""
    before: int
    """Epochs of the phases before. `Model.fit` ends an epoch of its batches once before it begins, so that a phase's
    epochs count from 1, and view 0 is left to the images themselves."""

    def __call__(self, batch: Batch, rows: np.ndarray, epoch: int) -> Batch:
        """Change the images."""
        return batch._replace(x=self.augmenter(batch.x, self.contents_of(rows), self.before + epoch))


@dataclass
class Feed:
    """What one phase is trained and scored with."""

    model: keras.Model
    """To be fitted. It shares its layers with the whole network."""
    batches: Batches
    evaluation: Reader
    steps_per_call: int = 1
    """Where several short steps share a call of the compiled function."""
    stores: list[RowStore] = field(default_factory=list)

    def close(self) -> None:
        """Release files and memory."""
        for store in self.stores:
            store.close()


class Feeds:
    """Opens the feed of each phase.

    Args:
        classes: Number of classes.
        trunk_of: Makes the trunk for a phase, by its index.
    """

    def __init__(self, network: Network, recipe: Recipe, task: Task, classes: int, examples: Examples, pixels: Pixels,
                 cache: ActivationCache, reporter: Reporter, trunk_of: Callable[[int], Trunk]) -> None:
        self.network, self.recipe, self.task = network, recipe, task
        self.examples, self.train, self.validation = examples, examples.of("train"), examples.of("validation")
        self.pixels, self.cache, self.reporter, self._trunk_of = pixels, cache, reporter, trunk_of
        self.classes = classes
        self._epochs_before = 0

    def open(self, plan: PhasePlan, index: int, epochs_before: int = 0) -> Feed:
        """The feed of a phase, by the first way that can serve it. Computes and decodes what is missing.

        Args:
            epochs_before: Of the phases before it: random changes are others in every epoch of the run.
        """
        self._epochs_before = epochs_before
        stores = self._cached_views(plan, index)
        evaluation = self.evaluation(plan, stores)
        feed = next(filter(None, (way(self, plan, index, stores, evaluation) for way in WAYS)))
        feed.stores = stores
        return feed

    def reader(self, plan: PhasePlan, index: int) -> tuple[Reader, list[RowStore]]:
        """How validation and test images are read in a phase without training it, and the stores to close."""
        stores = self._cached_views(plan, index, images_only=True)
        if not stores:
            self.keep_pixels()
        return self.evaluation(plan, stores), stores

    def evaluation(self, plan: PhasePlan, stores: Sequence[RowStore]) -> Reader:
        """Scores from activations where there are any, else from images."""
        whole = self.network.whole
        if stores:
            return Reader(_compiled(_boundary(plan).tail(whole.output)), stores[0].read)
        return Reader(_compiled(keras.Model(whole.input, whole.output)), self.pixels.read)

    @property
    def changes_every_epoch(self) -> bool:
        """True when no two epochs see the same images."""
        return self.recipe.augment.active and self.recipe.augment.views == "fresh"

    def image_transforms(self) -> list[Transform]:
        """Changes to batches of images, made anew in every epoch."""
        augment = self.recipe.augment
        if not augment.active:
            return []
        augmenter = Augmenter(augment, self.pixels.size, self.recipe.train.seed, pool().map)
        return [FreshViews(augmenter, self.pixels.contents_of, self._epochs_before)]

    def batches(self, views: Sequence[Read], index: int, transforms: Sequence[Transform] = (),
                **options: Any) -> Batches:
        """Batches of the training images for a phase; mixed, where the recipe says so, after all other transforms."""
        settings = self.recipe.train
        if settings.mix != "none":
            mixed = Mixed(MIXES[settings.mix], settings.mix_alpha, settings.seed, self.pixels.contents_of,
                          self._epochs_before)
            transforms = [*transforms, mixed]
        return Batches(views, self.train.rows, self.task.targets(self.train.labels, self.classes), self.image_weights(),
                       settings.batch_size, settings.seed + 7919 * index, transforms=transforms, **options)

    def image_weights(self) -> np.ndarray | None:
        """How much each training image counts, float32 [n]; None: all the same."""
        balanced = self.recipe.train.class_weights == "balanced"
        return balanced_weights(self.train.labels, self.classes) if balanced else None

    def group(self) -> int:
        """Batches a call; fewer where an epoch has so few that the curve would hardly move inside it."""
        steps = -(-len(self.train) // self.recipe.train.batch_size)
        return max(1, min(resident.GROUP, steps // 4))

    def keep_pixels(self) -> None:
        """Decode all images once, if there is room to keep them."""
        self.pixels.keep(self.examples.rows, partial(self.reporter.progress, "Decoding the images once"))

    def _cached_views(self, plan: PhasePlan, index: int, images_only: bool = False) -> list[RowStore]:
        """The stores of all views, the images themselves first; empty where nothing is cached."""
        if plan.boundary is None:
            return []
        stores = self._open_views(plan, index, images_only) if plan.cached else []
        if not stores:
            self.reporter.note("There is no room to keep what the frozen layers give: they run in every epoch.")
        for store in stores:
            store.keep_in_memory(MEMORY_BUDGET // len(stores))
        return stores

    def _open_views(self, plan: PhasePlan, index: int, images_only: bool) -> list[RowStore]:
        trunk, augment = self._trunk_of(index), self.recipe.augment
        held_back = [self.validation.rows, self.examples.of("test").rows]
        only = self.changes_every_epoch and plan.phase.optimizer != EXACT or images_only
        first = self.cache.open(trunk, np.concatenate(held_back) if only else self.examples.rows)
        if first is None:
            return []
        stores = [first]
        if images_only or not augment.active or not isinstance(augment.views, int):
            return stores
        solved = plan.phase.optimizer == EXACT  # on all views at once
        views = augment.views if solved else min(augment.views, plan.phase.epochs)
        if views > 2:
            self.keep_pixels()
        for view in range(1, views):
            store = self.cache.open(trunk, self.train.rows, view, augment, self.recipe.train.seed)
            if store is None:
                self.reporter.note(f"Only {view} of {augment.views} views fit into the cache.")
                break
            stores.append(store)
        return stores


Way = Callable[[Feeds, PhasePlan, int, list[RowStore], Reader], Feed | None]


def features_to_solve(feeds: Feeds, plan: PhasePlan, index: int, stores: list[RowStore],
                      evaluation: Reader) -> Feed | None:
    """Features of all images at once, for a head that is solved."""
    if plan.phase.optimizer != EXACT:
        return None
    if not stores or plan.boundary is None:
        raise WorkspaceError("There is no room to keep what the frozen layers give, which L-BFGS needs.",
                             "Raise the cache's limit, free space on the disk, or choose the optimizer adam.")
    if feeds.changes_every_epoch or feeds.recipe.train.mix != "none":
        feeds.reporter.note(f"The head of the phase {plan.phase.name} is solved on the images as they are: neither "
                            "fresh views nor mixtures are part of it.")
    tail = _boundary(plan).tail(feeds.network.whole.output)
    return Feed(tail, feeds.batches([store.read for store in stores], index), evaluation)


def resident_features(feeds: Feeds, plan: PhasePlan, index: int, stores: list[RowStore],
                      evaluation: Reader) -> Feed | None:
    """Pooled features that lie in memory, looked up by the model itself."""
    if not stores or feeds.changes_every_epoch or feeds.recipe.train.mix != "none" or not resident.fits(stores):
        return None
    tail = _boundary(plan).tail(feeds.network.whole.output)
    model, reads = resident.resident(stores, tail, feeds.recipe.train.batch_size)
    return Feed(model, feeds.batches(reads, index, group=feeds.group()), evaluation)


def cached_activations(feeds: Feeds, plan: PhasePlan, index: int, stores: list[RowStore],
                       evaluation: Reader) -> Feed | None:
    """What the frozen layers give, read from the cache."""
    if not stores or feeds.changes_every_epoch:
        return None
    tail = _boundary(plan).tail(feeds.network.whole.output)
    vectors = len(tail.input_shape) == 2  # too large to be resident
    return Feed(tail, feeds.batches([store.read for store in stores], index), evaluation,
                feeds.group() if vectors else 1)


def images(feeds: Feeds, plan: PhasePlan, index: int, stores: list[RowStore], evaluation: Reader) -> Feed | None:
    """Images, through frozen layers too where there are any."""
    feeds.keep_pixels()
    model = _from_pixels(feeds.network.whole, plan)
    return Feed(model, feeds.batches([feeds.pixels.read], index, transforms=feeds.image_transforms()), evaluation)


WAYS: Sequence[Way] = (features_to_solve, resident_features, cached_activations, images)
"""In the order in which they are tried; the last one always can."""


class _FrozenTrunk(keras.layers.Layer):
    """A trunk inside a model that is being trained: always in inference mode."""

    def __init__(self, trunk: keras.Model) -> None:
        super().__init__(name="frozen_trunk")
        self.trunk = trunk

    def call(self, images: Any) -> Any:
        """Raw images to activations."""
        return self.trunk(images, training=False)


def _from_pixels(whole: keras.Model, plan: PhasePlan) -> keras.Model:
    """A model to fit on raw images: frozen trunk, tail."""
    image = keras.Input(whole.input_shape[1:])
    if plan.boundary is None:
        return keras.Model(image, keras.Model(whole.input, whole.output)(image))
    activations = _FrozenTrunk(keras.Model(whole.input, plan.boundary.tensor))(image)
    return keras.Model(image, plan.boundary.tail(whole.output)(activations))


def _boundary(plan: PhasePlan) -> Boundary:
    assert plan.boundary is not None
    return plan.boundary


def _compiled(model: keras.Model) -> keras.Model:
    model.compile(jit_compile=False)
    return model
