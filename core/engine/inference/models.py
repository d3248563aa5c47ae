"""Models that the prediction process holds: what each can do, and whose turn it is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.engine.model.onnx_session import FEATURES, FEATURES_LAYER, onnx_runners
from core.engine.quick_import import quickly
from core.errors import InferenceError
from core.runs.results import SERVING
from core.runs.run import Run
from core.scoring.task import TASKS
from core.store.files import digest

KEPT_MODELS = 3
Forward = Callable[[np.ndarray], np.ndarray]
_keras = threading.Lock()
"""Importing Keras and reading a model with it is for one thread at a time."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory. Each ability takes uint8 [n, size, size, 3]; None: this model does not have it."""

    size: int
    resize: str
    classes: list[str]
    engine: str
    predict: Forward | None
    """Probabilities [n, classes]."""
    embed: Forward | None
    """Pooled features [n, k]."""
    heat: Callable[[np.ndarray, np.ndarray | None], np.ndarray]
    """Where it finds what speaks for a class: see `core.engine.model.grad_cam.Heat`. The first call loads Keras."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Have the model for oneself, for one batch: a short request gets in between the batches of a long one.

        Raises:
            InferenceError: others had it for `seconds`.
        """
        if not self._lock.acquire(timeout=seconds):
            raise _busy(seconds)
        try:
            yield
        finally:
            self._lock.release()


class Models:
    """Loaded models, the least recently used one dropped first. A model that changed on disk is loaded again.

    Several threads may ask: who asks for a model that is being loaded waits for it, others do not.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Future[LoadedModel]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, folder: Path, seconds: float = 60.0) -> LoadedModel:
        """The model of a run folder, waiting at most `seconds` while another thread loads it. Raises InferenceError."""
        path = folder / "model.keras"
        if not path.is_file():
            raise InferenceError(f"The run {folder.name} has no model.", "Choose a completed run.")
        key = (str(folder), path.stat().st_mtime_ns)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                loading: Future[LoadedModel] = Future()
                self._kept[key] = loading
                if len(self._kept) > KEPT_MODELS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        if kept is None:
            return self._load(key, folder, loading)
        try:
            return kept.result(seconds)
        except TimeoutError:
            raise _busy(seconds) from None

    def _load(self, key: tuple[str, int], folder: Path, loading: Future[LoadedModel]) -> LoadedModel:
        try:
            model = load_model(folder)
        except BaseException as error:  # whatever it was: those who wait for this model are told, too
            with self._lock:
                if self._kept.get(key) is loading:
                    del self._kept[key]
            loading.set_exception(error)
            raise
        loading.set_result(model)
        return model


def load_model(folder: Path) -> LoadedModel:
    """Load a run's model: its ONNX twin when that belongs to the model.keras beside it, else Keras."""
    run = Run.open(folder)
    resize = run.recipe.data.resize
    record, twin = folder / "serving.json", folder / "serving.onnx"
    if record.is_file() and twin.is_file():
        kept = SERVING.read(record)
        if kept["model"] == digest(folder / "model.keras"):
            runners = onnx_runners(twin)
            return LoadedModel(kept["image_size"], resize, run.classes, "ONNX Runtime",
                               _probabilities(run, next(iter(runners.values()))),
                               runners.get(FEATURES) or _later(folder), _heat_later(folder))
    size, predict, embed = _with_keras(folder)
    return LoadedModel(size, resize, run.classes, "Keras", _probabilities(run, predict), embed,
                       _heat_later(folder))


def _probabilities(run: Run, outputs: Forward) -> Forward:
    """From what the last layer gives to a probability for each class."""
    task = TASKS[run.recipe.model.output]
    return lambda images: task.probabilities(outputs(images))


def _with_keras(folder: Path) -> tuple[int, Forward, Forward | None]:
    """Side of the input, probabilities and features of model.keras, as Keras runs it."""
    with _keras:
        with quickly():
            import keras

            from core.engine.model.forward import keras_forward
            from core.engine.model.loading import read_model

        model = read_model(folder / "model.keras")
        names = {layer.name for layer in model.layers}
        features = keras.Model(model.input, model.get_layer(FEATURES_LAYER).output) if FEATURES_LAYER in names else None
        return (model.input_shape[1], keras_forward(model, "no converted twin").run,
                None if features is None else keras_forward(features, "no converted twin").run)


def _later(folder: Path) -> Forward:
    """Features of a run whose twin gives none, as runs of earlier versions: Keras, loaded when they are asked for."""
    embed: Forward | None = None

    def run(images: np.ndarray) -> np.ndarray:
        nonlocal embed
        if embed is None:
            embed = _with_keras(folder)[2]
        if embed is None:
            raise InferenceError("This model has no pooled features.", "Train it again with this version.")
        return embed(images)

    return run


def _heat_later(folder: Path) -> Callable[[np.ndarray, np.ndarray | None], np.ndarray]:
    """Grad-CAM of model.keras, loaded when it is asked for."""
    heat: Callable[[np.ndarray, np.ndarray | None], np.ndarray] | None = None

    def run(images: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        nonlocal heat
        if heat is None:
            with _keras:
                with quickly():
                    from core.engine.model.grad_cam import grad_cam
                    from core.engine.model.loading import read_model

                heat = grad_cam(read_model(folder / "model.keras"))
        return heat(images, classes)

    return run


def _busy(seconds: float) -> InferenceError:
    return InferenceError(f"The model was busy with other requests for {seconds:.0f} s.", "Try again in a while.")
