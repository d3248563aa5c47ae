"""The models that the prediction process holds. The process itself: tests/test_inference."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.engine.inference.server import KEPT_MODELS, Models, load_model, predict, serve
from core.errors import InferenceError
from core.runs.run import Run
from core.store.files import digest, read_json, write_json

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


@pytest.fixture
def copies(trained: Run, tmp_path: Path) -> Callable[[int], list[Path]]:
    return lambda count: [Path(shutil.copytree(trained.path, tmp_path / f"copy-{index}")) for index in range(count)]


def test_the_converted_twin_is_used_and_says_the_same_as_keras(trained):
    fast = load_model(trained.path)
    assert fast.engine == "ONNX Runtime" and fast.classes == ["blue", "green", "red"] and fast.size == 32
    (trained.path / "serving.onnx").unlink()
    slow = load_model(trained.path)
    assert slow.engine == "Keras" and slow.size == 32
    np.testing.assert_allclose(fast.run(IMAGES), slow.run(IMAGES), atol=1e-5)


def test_a_twin_of_another_model_is_not_used(trained):
    record = read_json(trained.path / "serving.json")
    assert record["model"] == digest(trained.path / "model.keras")
    write_json(trained.path / "serving.json", {**record, "model": "0" * 64})
    assert load_model(trained.path).engine == "Keras"


def test_only_the_last_models_are_kept(copies):
    folders = copies(KEPT_MODELS + 1)
    models = Models()
    loaded = [models.get(folder) for folder in folders[:KEPT_MODELS]]
    assert models.get(folders[0]) is loaded[0]  # used again: now the second is the oldest
    models.get(folders[KEPT_MODELS])
    assert models.get(folders[0]) is loaded[0]
    assert models.get(folders[1]) is not loaded[1]


def test_a_model_that_changed_is_loaded_again(trained):
    models = Models()
    first = models.get(trained.path)
    os.utime(trained.path / "model.keras", ns=(1, 1))
    assert models.get(trained.path) is not first


def test_a_run_without_a_model(trained):
    (trained.path / "model.keras").unlink()
    with pytest.raises(InferenceError, match="has no model"):
        Models().get(trained.path)


def test_more_images_than_a_batch_are_answered_in_order(trained):
    files = sorted((trained.dataset_path / "images").iterdir())
    told: list[tuple[int, int]] = []
    answers = predict(load_model(trained.path), [str(path) for path in files], 2,
                      lambda done, total: told.append((done, total)))
    assert [answer["path"] for answer in answers] == [str(path) for path in files]
    assert told == [(32, 36), (36, 36)]
    assert all(len(answer["top"]) == 2 and answer["top"][0]["label"] == answer["label"] for answer in answers)


def test_a_request_that_fails_does_not_end_the_service(trained):
    said: list[dict[str, object]] = []
    picture = str(next((trained.dataset_path / "images").iterdir()))
    good = {"op": "predict", "run_dir": str(trained.path), "images": [picture], "top_k": 1}
    lines = [{"id": 1, **good, "run_dir": "/nowhere"}, {"id": 2, **good, "top_k": "three"}, {"id": 3, **good},
             {"id": 4, "op": "ping"}]
    serve(iter([json.dumps(line) for line in lines]), said.append)
    final = {message["id"]: message for message in said if "done" not in message}
    assert final[1]["error"]["kind"] == "InferenceError"
    assert "unexpected" in final[2]["error"]["message"]
    assert final[3]["results"][0]["error"] is None and final[4]["results"] == []
