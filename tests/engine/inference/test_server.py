"""The models that the prediction process holds. The process itself: tests/test_inference."""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from core.data.images.decode import MAX_PIXELS, decode
from core.engine.inference import models
from core.engine.inference.embeddings import embed
from core.engine.inference.models import KEPT_MODELS, LoadedModel, Models, load_model
from core.engine.inference.operations import OPERATIONS
from core.engine.inference.predictions import predict
from core.engine.inference.request import Request
from core.engine.inference.server import serve
from core.engine.model.loading import read_model
from core.engine.model.onnx_graph import to_onnx
from core.errors import InferenceError
from core.runs.run import Run
from core.store.files import digest, read_json, write_json

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


def asked(files: list[Path], tell: Callable[[int, int], None] = lambda done, total: None, seconds: float = 60,
          **options: object) -> Request:
    return Request(files, seconds, MAX_PIXELS, tell, options)


@pytest.fixture
def copies(trained: Run, tmp_path: Path) -> Callable[[int], list[Path]]:
    return lambda count: [Path(shutil.copytree(trained.path, tmp_path / f"copy-{index}")) for index in range(count)]


def test_the_converted_twin_is_used_and_says_the_same_as_keras(trained):
    fast = load_model(trained.path)
    assert fast.engine == "ONNX Runtime" and fast.classes == ["blue", "green", "red"] and fast.size == 32
    (trained.path / "serving.onnx").unlink()
    slow = load_model(trained.path)
    assert slow.engine == "Keras" and slow.size == 32
    np.testing.assert_allclose(fast.predict(IMAGES), slow.predict(IMAGES), atol=1e-5)


def test_a_twin_of_another_model_is_not_used(trained):
    record = read_json(trained.path / "serving.json")
    assert record["model"] == digest(trained.path / "model.keras")
    write_json(trained.path / "serving.json", {**record, "model": "0" * 64})
    assert load_model(trained.path).engine == "Keras"


def test_only_the_last_models_are_kept(copies):
    folders = copies(KEPT_MODELS + 1)
    kept = Models()
    loaded = [kept.get(folder) for folder in folders[:KEPT_MODELS]]
    assert kept.get(folders[0]) is loaded[0]  # used again: now the second is the oldest
    kept.get(folders[KEPT_MODELS])
    assert kept.get(folders[0]) is loaded[0]
    assert kept.get(folders[1]) is not loaded[1]


def test_a_model_that_changed_is_loaded_again(trained):
    kept = Models()
    first = kept.get(trained.path)
    os.utime(trained.path / "model.keras", ns=(1, 1))
    assert kept.get(trained.path) is not first


def test_a_run_without_a_model(trained):
    (trained.path / "model.keras").unlink()
    with pytest.raises(InferenceError, match="has no model"):
        Models().get(trained.path)


def test_more_images_than_a_batch_are_answered_in_order(trained):
    files = sorted((trained.dataset_path / "images").iterdir())
    told: list[tuple[int, int]] = []
    answers = predict(load_model(trained.path), asked(files, lambda done, total: told.append((done, total)), top_k=2))
    assert [answer["path"] for answer in answers] == [str(path) for path in files]
    assert told == [(32, 36), (36, 36)]
    assert all(len(answer["top"]) == 2 and answer["top"][0]["label"] == answer["label"] for answer in answers)


def test_a_request_that_fails_does_not_end_the_service(trained):
    said: list[dict[str, object]] = []
    picture = str(next((trained.dataset_path / "images").iterdir()))
    good = {"op": "predict", "run_dir": str(trained.path), "images": [picture], "top_k": 1, "seconds": 60,
            "max_pixels": MAX_PIXELS}
    lines = [{"id": 1, **good, "run_dir": "/nowhere"}, {"id": 2, **good, "top_k": "three"}, {"id": 3, **good},
             {"id": 4, "op": "ping"}]
    serve(iter([json.dumps(line) for line in lines]), said.append)
    final = {message["id"]: message for message in said if "done" not in message}
    assert final[1]["error"]["kind"] == "InferenceError"
    assert "unexpected" in final[2]["error"]["message"]
    assert final[3]["results"][0]["error"] is None and final[4]["results"] == []


def test_the_traceback_of_a_bug_reaches_the_terminal_as_text(trained, monkeypatch, capsys):
    def failing(model: LoadedModel, request: Request) -> list[dict[str, object]]:
        raise ValueError(f"{request.images[0].name} cannot be held")

    monkeypatch.setitem(OPERATIONS, "fail", failing)
    line = {"id": 1, "op": "fail", "run_dir": str(trained.path), "images": ["\x1b[2J\u202e.png"], "seconds": 60,
            "max_pixels": MAX_PIXELS}
    serve(iter([json.dumps(line)]), lambda message: None)
    shown = capsys.readouterr().err
    assert "ValueError: \\x1b[2J\\u202e.png cannot be held" in shown and "\x1b" not in shown


def test_the_features_are_those_of_the_layer_before_the_head(trained):
    """From the twin, from Keras, and with a twin that was written before twins gave features."""
    files = sorted((trained.dataset_path / "images").iterdir())[:5]
    model = read_model(trained.path / "model.keras")
    pooled = keras.Model(model.input, model.get_layer("head_pool").output)
    expected = np.asarray(pooled(np.stack([decode(path, 32) for path in files])))
    loaded = load_model(trained.path)
    assert loaded.engine == "ONNX Runtime"
    found = embed(loaded, asked([*files, Path("/nowhere.png")]))
    rows = np.frombuffer(base64.b64decode(found["rows"]), "<f4").reshape(6, found["width"])
    np.testing.assert_allclose(rows[:5], expected, atol=1e-5)
    assert np.isnan(rows[5]).all() and found["errors"][:5] == [None] * 5 and "nowhere" in found["errors"][5]
    images = np.stack([decode(path, 32) for path in files])
    onnx.save(to_onnx(model), trained.path / "serving.onnx")
    np.testing.assert_allclose(load_model(trained.path).embed(images), expected, atol=1e-5)
    (trained.path / "serving.onnx").unlink()
    np.testing.assert_allclose(load_model(trained.path).embed(images), expected, atol=1e-5)


def test_a_model_without_an_ability_says_so(trained):
    plain = replace(load_model(trained.path), embed=None)
    with pytest.raises(InferenceError, match="no pooled features"):
        OPERATIONS["embed"](plain, asked([]))
    with pytest.raises(InferenceError, match="does not classify"):
        OPERATIONS["predict"](replace(plain, predict=None), asked([], top_k=1))


class Gate:
    """A model's forward pass that waits until it is let through."""

    def __init__(self, run: Callable[[np.ndarray], np.ndarray]) -> None:
        self.run, self.entered, self.open = run, threading.Event(), threading.Event()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.entered.set()
        assert self.open.wait(30)
        return self.run(images)


def gated(trained: Run) -> tuple[LoadedModel, Gate]:
    model = load_model(trained.path)
    gate = Gate(model.predict)
    return replace(model, predict=gate), gate


def test_a_model_that_is_busy_for_too_long_is_an_error_and_comes_free_again(trained):
    model, gate = gated(trained)
    picture = [next((trained.dataset_path / "images").iterdir())]
    first = threading.Thread(target=lambda: predict(model, asked(picture, top_k=1)))
    first.start()
    assert gate.entered.wait(30)
    began = time.monotonic()
    with pytest.raises(InferenceError, match="busy"):
        predict(model, asked(picture, seconds=0.2, top_k=1))
    assert 0.2 <= time.monotonic() - began < 5
    gate.open.set()
    first.join(30)
    assert predict(model, asked(picture, seconds=0.2, top_k=1))[0]["error"] is None


def test_requests_for_different_models_do_not_wait_for_each_other(copies, monkeypatch):
    """The first model is stuck in its forward pass while the second one answers, and another is loaded."""
    slow, quick = copies(2)
    picture = str(next((Run.open(slow).dataset_path / "images").iterdir()))
    gate = Gate(load_model(slow).predict)

    def load(folder: Path) -> LoadedModel:
        model = load_model(folder)
        if folder == slow:
            model = replace(model, predict=gate)
        return model

    monkeypatch.setattr(models, "load_model", load)
    answers: queue.Queue[dict[str, object]] = queue.Queue()
    lines: queue.Queue[str | None] = queue.Queue()
    server = threading.Thread(target=serve, args=(iter(lines.get, None), answers.put))
    server.start()

    def ask(number: int, folder: Path) -> None:
        lines.put(json.dumps({"id": number, "op": "predict", "run_dir": str(folder), "images": [picture], "top_k": 1,
                              "seconds": 60, "max_pixels": MAX_PIXELS}))

    try:
        ask(1, slow)
        assert gate.entered.wait(30)
        ask(2, quick)
        told = [answers.get(timeout=30) for _ in range(2)]
        assert [message["id"] for message in told] == [2, 2] and "results" in told[1]
    finally:
        gate.open.set()
        lines.put(None)
        server.join(30)
    assert "results" in list(answers.queue)[-1] and list(answers.queue)[-1]["id"] == 1


def test_who_asks_for_a_model_that_is_being_loaded_waits_for_the_one_load(trained, monkeypatch):
    loads: list[Path] = []
    going = threading.Event()

    def slowly(folder: Path) -> LoadedModel:
        loads.append(folder)
        assert going.wait(30)
        return load_model(folder)

    monkeypatch.setattr(models, "load_model", slowly)
    kept, found = Models(), []
    threads = [threading.Thread(target=lambda: found.append(kept.get(trained.path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    with pytest.raises(InferenceError, match="busy"):
        while not loads:
            time.sleep(0.01)
        kept.get(trained.path, seconds=0.1)
    going.set()
    for thread in threads:
        thread.join(30)
    assert len(loads) == 1 and len(found) == 3 and len(set(map(id, found))) == 1


def test_a_model_that_could_not_be_loaded_is_tried_again(trained, monkeypatch):
    def broken(folder: Path) -> LoadedModel:
        raise OSError("the disk is gone")

    kept = Models()
    with monkeypatch.context() as patched:
        patched.setattr(models, "load_model", broken)
        with pytest.raises(OSError, match="gone"):
            kept.get(trained.path)
    assert kept.get(trained.path).classes == trained.classes
