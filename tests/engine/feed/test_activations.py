"""The activation cache: computed once, by whoever comes first, and only what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from core.data.dataset import Dataset
from core.data.library import ingest
from core.engine.feed import activations
from core.engine.feed import pixels as pixels_module
from core.engine.feed.activations import ActivationCache, Trunk
from core.engine.feed.pixels import Pixels
from core.engine.model.boundary import Boundary
from core.engine.model.forward import Forward, fastest_forward, keras_forward
from core.engine.model.network import Network
from core.engine.reporter import Reporter, StopRequested
from core.engine.training.session import TrainingSession
from core.recipe.fields import AugmentSettings
from core.runs.run import Run
from core.store.cache import entries
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace
from tests.engine.conftest import session_of
from tests.engine.pretrained import write_weights
from tests.tiny import coloured_folder, tiny_recipe


class Counting:
    """Chooses the forward pass as always, and counts the images that go through it."""

    def __init__(self) -> None:
        self.images = 0

    def __call__(self, model: keras.Model, folder: Path, sample: np.ndarray) -> Forward:
        real = fastest_forward(model, folder, sample)

        def run(images: np.ndarray) -> np.ndarray:
            self.images += len(images)
            return real.run(images)

        return Forward(real.engine, real.why, run)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp("weights") for _ in range(2)]
    return [write_weights(folder, "SmallNet", None, seed) for seed, folder in enumerate(folders)]


@pytest.fixture
def session(tiny_run: Callable[..., Run], workspace: Workspace,
            weights: list[Path]) -> Callable[..., TrainingSession]:
    def make(*assignments: str, weights: Path | None = weights[0],
             limits: MachineLimits | None = None) -> TrainingSession:
        given = Workspace(workspace.root, machine=Machine(workspace.root, limits)) if limits else workspace
        return session_of(tiny_run("train.phases.0.freeze=block_3", *assignments), given, weights)

    return make


def trunk_of(session: TrainingSession, phase: int = 0) -> Trunk:
    boundary = session.plans[phase].boundary
    assert boundary is not None
    return Trunk(session.network, boundary, session.identity)


def passes(session: TrainingSession, view: int = 0, exact: bool = False) -> int:
    """Open the store of the session's trunk; gives how many images had to go through the trunk."""
    counting = Counting()
    cache = ActivationCache(session.workspace, session.pixels, session.reporter, counting, exact)
    augment = session.recipe.augment
    store = cache.open(trunk_of(session), session.examples.rows, view, augment, session.recipe.train.seed)
    assert store is not None and not len(store.missing(session.examples.rows))
    return counting.images


def test_what_is_kept_is_what_keras_computes(session):
    first = session()
    for exact, tolerance in ((False, 2.0**-10), (True, 1e-5)):
        cache = ActivationCache(first.workspace, first.pixels, first.reporter, exact=exact)
        store = cache.open(trunk_of(first), first.examples.rows)
        assert store is not None and store.dtype == (np.float32 if exact else np.float16)
        rows = first.examples.rows[:5]
        expected = keras_forward(trunk_of(first).model, "").run(first.pixels.decode(rows))
        np.testing.assert_allclose(store.read(rows).astype(np.float32), expected, rtol=tolerance, atol=1e-4)


def test_the_second_run_needs_no_forward_pass(session):
    assert passes(session()) == 36
    other = session("train.seed=5", "model.dropout=0.3", "train.phases.0.learning_rate=0.1", "train.batch_size=4")
    assert passes(other) == 0
    assert any("no forward pass" in note for note in other.run.notes())


@pytest.mark.parametrize("assignments", [
    ["data.image_size=40"], ["data.resize=squash"], ["train.phases.0.freeze=block_2"],
    ["train.phases.0.freeze=all", "model.pooling=max"],
])
def test_what_changes_the_activations_has_a_place_of_its_own(session, assignments):
    assert passes(session()) == 36
    assert passes(session(*assignments)) == 36
    assert passes(session()) == 0


def test_other_weights_have_a_place_of_their_own(session, weights):
    assert passes(session()) == 36
    assert passes(session(weights=weights[1])) == 36
    assert passes(session("train.seed=1", weights=None)) == passes(session("train.seed=2", weights=None)) == 36


def test_the_same_pictures_in_another_dataset_are_shared(session, colours, workspace, tmp_path, weights):
    assert passes(session()) == 36
    again = ingest(coloured_folder(tmp_path / "colours"), workspace, name="again")
    recipe = tiny_recipe("train.phases.0.freeze=block_3")
    assert passes(session_of(Run.create(again, recipe, workspace), workspace, weights[0])) == 0


def test_views_are_kept_apart_by_view_operations_and_seed(session):
    light = "augment.preset=light"
    assert [passes(session(light), view) for view in (0, 1, 2)] == [36, 36, 36]
    assert passes(session(light, "augment.views=8"), 2) == 0  # a longer row of views begins with the same ones
    assert passes(session("augment.preset=medium"), 1) == 36
    assert passes(session(light, "train.seed=9"), 1) == 36
    assert passes(session("augment.preset=strong"), 0) == 0  # the pictures themselves are not changed


def test_an_interrupted_pass_goes_on_where_it_was(session, monkeypatch):
    monkeypatch.setattr(activations, "COMMIT_SECONDS", 0.0)
    first = session()
    first.run.request_stop()
    with pytest.raises(StopRequested):
        passes(first)
    assert passes(session()) == 36 - 32  # one piece was done


def test_damage_is_noticed_and_only_that_is_done_again(session):
    opened = session()
    assert passes(opened) == 36
    (folder,) = (path.parent for path in opened.workspace.cache.glob("activations/*/data.bin"))
    data = bytearray((folder / "data.bin").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (folder / "data.bin").write_bytes(data)
    assert passes(opened) == 1
    (folder / "data.bin").write_bytes(bytes(data[:len(data) // 2]))
    assert 17 <= passes(opened) <= 19
    (folder / "rows.bin").write_bytes(b"torn")
    assert passes(opened) == 36
    assert passes(opened) == 0


def test_without_room_there_is_no_store(session):
    small = session(limits=MachineLimits(cache_bytes=1000))
    cache = ActivationCache(small.workspace, small.pixels, small.reporter)
    boundary = trunk_of(small).boundary
    assert not cache.fits(boundary, 36, 1)
    assert cache.open(trunk_of(small), small.examples.rows) is None
    assert sum(entry.nbytes for entry in entries(small.workspace) if entry.path.parent.name == "activations") < 20_000


def test_tiny_activations_do_not_lose_their_digits(session):
    """Half precision has fewer digits below 6e-5."""
    faint = session(weights=None)
    for layer in faint.network.backbone_layers:
        if layer.name.endswith("_bn"):
            layer.gamma.assign(layer.gamma * 1e-3)
    cache = ActivationCache(faint.workspace, faint.pixels, faint.reporter)
    store = cache.open(trunk_of(faint), faint.examples.rows)
    assert store is not None and store.dtype == np.float32


def test_activations_too_large_for_half_precision_are_kept_whole(colours, workspace, tiny_run):
    """The check sees the blue pictures alone, which are harmless; red ones exceed what half precision can hold."""
    image = keras.Input((32, 32, 3))
    redness = keras.layers.Rescaling([350.0, 0.0, 0.0])(image)
    features = keras.layers.GlobalAveragePooling2D()(redness)
    network = Network(keras.Model(image, keras.layers.Dense(3)(features)), redness, features)
    trunk = Trunk(network, Boundary("features", (features,)), {"backbone": "redness"})
    pixels = Pixels(colours, workspace, 32, "crop")
    order = np.argsort(colours.usable()["class"] != "blue", kind="stable")
    cache = ActivationCache(workspace, pixels, Reporter(tiny_run()),
                            lambda model, folder, sample: fastest_forward(model, folder, sample[:12]))
    store = cache.open(trunk, order)
    assert store is not None and store.dtype == np.float32
    expected = pixels.decode(order)[..., 0].mean(axis=(1, 2)) * 350
    assert expected[:12].max() < 3e4 and expected.max() > 65504
    np.testing.assert_allclose(store.read(order)[:, 0], expected, rtol=1e-4)


@pytest.fixture
def untouched() -> Trunk:
    """A trunk that gives the images themselves, so that what is kept are the changed pixels."""
    image = keras.Input((32, 32, 3))
    same = keras.layers.Rescaling(1.0, name="same")(image)
    return Trunk(Network(keras.Model(image, same), same, same), Boundary("same", (same,)), {"backbone": "none"})


class Views:
    """Views of the images of a dataset, each time in a new cache."""

    def __init__(self, trunk: Trunk, run: Callable[..., Run], folder: Path) -> None:
        self.trunk, self.run, self.folder, self.settings = trunk, run, folder, AugmentSettings(preset="strong")
        self.caches = 0

    def fill(self, dataset: Dataset, rows: np.ndarray, view: int = 1, interrupted: bool = False) -> dict[str, bytes]:
        """Content of the image's file: the view's pixels."""
        self.caches += 1
        workspace = Workspace(self.folder / f"cache-{self.caches}")
        pixels = Pixels(dataset, workspace, 32, "crop")
        if interrupted:
            stopped = self.run()
            stopped.request_stop()
            cache = ActivationCache(workspace, pixels, Reporter(stopped))
            with pytest.raises(StopRequested):
                cache.open(self.trunk, rows, view, self.settings, 0)
        run = self.run()
        store = ActivationCache(workspace, pixels, Reporter(run)).open(self.trunk, rows, view, self.settings, 0)
        assert store is not None and not len(store.missing(rows))
        if interrupted:
            assert any("4 images in" in note for note in run.notes())  # what was done before is there
        return {pixels.contents[row]: store.read(rows[index:index + 1]).tobytes() for index, row in enumerate(rows)}


@pytest.fixture
def views(untouched: Trunk, tiny_run: Callable[..., Run], tmp_path: Path) -> Views:
    return Views(untouched, tiny_run, tmp_path)


ROWS = np.arange(36)


def test_a_view_is_the_same_after_an_interrupted_pass(views, colours, monkeypatch):
    expected = views.fill(colours, ROWS)
    monkeypatch.setattr(activations, "COMMIT_SECONDS", 0.0)
    assert views.fill(colours, ROWS, interrupted=True) == expected
    assert len(set(expected.values())) == 36 and views.fill(colours, ROWS, view=2) != expected


@pytest.mark.parametrize("chunk", [5, 16, 64])
def test_a_view_does_not_depend_on_how_many_images_are_done_at_a_time(views, colours, monkeypatch, chunk):
    expected = views.fill(colours, ROWS)
    monkeypatch.setattr(pixels_module, "CHUNK", chunk)
    assert views.fill(colours, ROWS) == expected


def test_a_view_does_not_depend_on_the_order_of_rows(views, colours):
    expected = views.fill(colours, ROWS)
    order = np.random.default_rng(1).permutation(ROWS)
    assert views.fill(colours, order) == expected
    assert views.fill(colours, ROWS[20:]).items() <= expected.items()


def test_a_view_does_not_depend_on_the_images_beside_it(views, colours, workspace, tmp_path):
    expected = views.fill(colours, ROWS)
    fewer = coloured_folder(tmp_path / "fewer")
    for path in [*fewer.glob("*/0[0-4].png")]:
        path.unlink()
    found = views.fill(ingest(fewer, workspace, name="fewer"), np.arange(21))
    assert len(found) == 21 and found.items() <= expected.items()
