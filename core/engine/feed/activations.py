"""The activation cache: what a frozen trunk gives for every image, computed once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from core.augment.augmenter import Augmenter, identity
from core.engine.feed.pixels import Pixels
from core.engine.feed.row_store import RowStore
from core.engine.feed.threads import pool
from core.engine.model.boundary import Boundary
from core.engine.model.forward import CHECK_IMAGES, Forward, fastest_forward, largest_output, note_largest
from core.engine.model.network import Network
from core.engine.reporter import Reporter
from core.estimates import FORWARD, record
from core.recipe.fields import AugmentSettings
from core.store.cache import cache_key, claim, make_room
from core.store.workspace import Workspace

FLOAT16_RANGE = (2.0**-4, 3e4)
"""Where the largest activation lies in here they are stored as float16, which ends at 65504 and has its full 11 bits
from 6e-5 on; smaller and larger ones are stored as float32."""
COMMIT_SECONDS = 5.0


@dataclass(frozen=True)
class Trunk:
    """The frozen front of a network, and everything that decides its output."""

    network: Network
    boundary: Boundary
    identity: dict[str, object]
    """Backbone, width, and the hash of the weights."""
    mult_adds: float = 0.0
    """Multiply-adds an image, to learn this machine's speed from."""

    @property
    def model(self) -> keras.Model:
        """Raw images to activations."""
        return keras.Model(self.network.whole.input, self.boundary.tensor)

    def key(self, pixels: Pixels) -> str:
        """Name of the converted network."""
        return cache_key(**self.identity, size=pixels.size, layer=self.boundary.layer, keras=keras.__version__)


class ActivationCache:
    """Fills and opens the stores of a trunk's activations.

    Args:
        choose: How the forward pass is chosen; a test takes Keras alone.
        exact: Store float32 always.
    """

    def __init__(self, workspace: Workspace, pixels: Pixels, reporter: Reporter,
                 choose: Callable[[keras.Model, Path, np.ndarray], Forward] = fastest_forward,
                 exact: bool = False) -> None:
        self.workspace, self.pixels, self.reporter, self._choose = workspace, pixels, reporter, choose
        self._exact = exact
        self._forwards: dict[str, Forward] = {}
        self.seconds = 0.0
        """Time that forward passes took, what they waited for images included."""

    def fits(self, boundary: Boundary, images: int, views: int) -> bool:
        """True when the activations may be kept: within the cache's limit, counted as float16."""
        return 2 * boundary.values * images * views <= self.workspace.machine.limits.cache_bytes

    def open(self, trunk: Trunk, rows: np.ndarray, view: int = 0, augment: AugmentSettings | None = None,
             seed: int = 0) -> RowStore | None:
        """The store with the activations of `rows`, computed where they are missing.

        Args:
            view: 0 is the image itself; further ones are changed copies as `augment` and `seed` say.

        Returns:
            None when there is no room for it.
        """
        changes: dict[str, object] = {}
        if view and augment is not None:
            changes = {"view": view, "seed": seed, **identity(augment)}
        dtype = self._dtype(trunk, rows)
        key = cache_key(trunk=trunk.key(self.pixels), pixels=self.pixels.key, dtype=dtype, **changes)
        folder = self.workspace.cache / "activations" / key
        claim(folder)
        about = {"what": "activations", "pixels": self.pixels.key, **trunk.identity, "layer": trunk.boundary.layer,
                 **changes}
        store = RowStore(folder, len(self.pixels.paths), trunk.boundary.shape, dtype, about)
        missing = store.missing(rows)
        if not len(missing):
            self.reporter.note(f"{self._named(trunk, view)}: found in the cache, no forward pass needed.")
        elif make_room(self.workspace.machine, store.row_bytes * len(missing)):
            change = Augmenter(augment, self.pixels.size, seed, pool().map) if augment and changes else None
            try:
                self._fill(store, trunk, missing, view, change)
            except FloatingPointError:  # images that the check did not see give larger values
                store.close()
                note_largest(self._network_folder(trunk.key(self.pixels)), float(np.finfo(np.float16).max))
                return self.open(trunk, rows, view, augment, seed)
        else:
            store.close()
            return None
        return store

    def _fill(self, store: RowStore, trunk: Trunk, rows: np.ndarray, view: int,
              change: Augmenter | None) -> None:
        forward = self._forward(trunk, rows)
        began = committed = time.monotonic()
        done = 0
        for part, images in self.pixels.stream(rows):
            if change:
                images = change(images, self.pixels.contents_of(part), view)
            store.write(part, forward.run(images))
            done += len(part)
            now = time.monotonic()
            if now - committed > COMMIT_SECONDS:
                store.commit()
                committed = now
            self.reporter.progress(f"Running the frozen layers once over every image"
                                   f"{f' (view {view + 1})' if view else ''}: {done:,} of {len(rows):,}",
                                   done, len(rows), done / max(now - began, 1e-6))
        store.commit()
        seconds = time.monotonic() - began
        self.seconds += seconds
        if view == 0:
            record(self.workspace, FORWARD, trunk.mult_adds * len(rows) / max(seconds, 1e-6))
        self.reporter.note(
            f"{self._named(trunk, view)}: {len(rows):,} images in {seconds:.1f} s with {forward.engine} "
            f"({forward.why}); {store.row_bytes * len(rows) / 2**20:.1f} MB as {store.dtype.name}.")

    def _forward(self, trunk: Trunk, rows: np.ndarray) -> Forward:
        key = trunk.key(self.pixels)
        if key not in self._forwards:
            sample = self.pixels.sample(rows, CHECK_IMAGES)
            self._forwards[key] = self._choose(trunk.model, self._network_folder(key), sample)
        return self._forwards[key]

    def _dtype(self, trunk: Trunk, rows: np.ndarray) -> str:
        if self._exact:
            return "float32"
        folder = self._network_folder(trunk.key(self.pixels))
        largest = largest_output(folder)
        if largest is None:
            self._forward(trunk, rows)
            largest = largest_output(folder)
        least, most = FLOAT16_RANGE
        return "float16" if largest is not None and least <= largest <= most else "float32"

    def _network_folder(self, key: str) -> Path:
        return self.workspace.cache / "networks" / key

    @staticmethod
    def _named(trunk: Trunk, view: int) -> str:
        return f"Activations at {trunk.boundary.layer}" + (f", view {view + 1}" if view else "")
