"""The prediction process from outside: answers, errors, deaths and silence."""

from __future__ import annotations

import io
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core.errors import InferenceError
from core.inference import Predictor, _read, shared_predictor
from core.runs.run import Run
from core.store.files import read_json, write_json
from tests.tiny import huge_png

_others: set[int] = set()
"""Prediction processes that earlier tests in the same process have left for the pages."""


@pytest.fixture(scope="module")
def predictor() -> Iterator[Predictor]:
    _others.update(process.pid for process in servers())
    started = Predictor()
    yield started
    started.close()


@pytest.fixture
def pictures(trained: Run) -> list[Path]:
    """One picture of each class, in the classes' order."""
    table = trained.splits()
    return [trained.dataset_path / "images" / table["file"][table["class"] == name].iloc[0] for name in trained.classes]


def servers() -> list[psutil.Process]:
    """The prediction processes that this module's tests have started."""
    return [child for child in psutil.Process().children()
            if child.pid not in _others
            and child.status() != psutil.STATUS_ZOMBIE and "core.engine.inference.server" in child.cmdline()]


def test_several_pictures_at_once(predictor, trained, pictures):
    answers = predictor.predict(trained.path, pictures, top_k=2)
    assert [answer.path for answer in answers] == [str(path) for path in pictures]
    assert [answer.label for answer in answers] == trained.classes
    for answer in answers:
        assert answer.error is None and answer.top[0] == {"label": answer.label, "probability": answer.probability}
        assert len(answer.top) == 2 and answer.top[0]["probability"] >= answer.top[1]["probability"]
    everything = predictor.predict(trained.path, pictures[:1], top_k=99)[0].top
    assert sum(item["probability"] for item in everything) == pytest.approx(1, abs=1e-4) and len(everything) == 3


def test_a_file_that_is_no_picture_does_not_spoil_the_others(predictor, trained, pictures, tmp_path):
    bad = tmp_path / "broken.jpg"
    bad.write_bytes(b"\xff\xd8 and no more")
    cut = tmp_path / "cut.png"
    cut.write_bytes(pictures[0].read_bytes()[:60])
    answers = predictor.predict(trained.path, [pictures[0], bad, cut, tmp_path / "missing.png", pictures[2]])
    assert [bool(answer.error) for answer in answers] == [False, True, True, True, False]
    assert [answers[0].label, answers[4].label] == ["blue", "red"]
    assert answers[1].label == "" and answers[1].top == []


def test_only_files_that_are_no_pictures(predictor, trained, tmp_path):
    bad = tmp_path / "notes.txt"
    bad.write_text("hello")
    assert predictor.predict(trained.path, [bad])[0].error
    assert predictor.predict(trained.path, []) == []


def test_progress_is_told(predictor, trained, pictures):
    told: list[tuple[int, int]] = []
    predictor.predict(trained.path, pictures * 20, progress=lambda done, total: told.append((done, total)))
    assert told == [(32, 60), (60, 60)]


def test_a_run_without_a_model_is_an_error_and_no_end(predictor, trained, pictures):
    (trained.path / "model.keras").unlink()
    with pytest.raises(InferenceError, match="has no model") as caught:
        predictor.predict(trained.path, pictures)
    assert caught.value.hint


def test_killed_between_calls_it_is_started_again(predictor, trained, pictures):
    before = predictor.predict(trained.path, pictures)
    (process,) = servers()
    process.kill()
    process.wait(10)
    assert predictor.predict(trained.path, pictures) == before
    assert servers()[0].pid != process.pid


def test_killed_during_a_call_the_caller_is_told_and_the_next_call_works(predictor, trained, pictures):
    def kill(done: int, total: int) -> None:
        for process in servers():
            process.kill()

    began = time.monotonic()
    with pytest.raises(InferenceError, match="ended unexpectedly") as caught:
        predictor.predict(trained.path, pictures * 2000, progress=kill)
    assert time.monotonic() - began < 30 and "again" in caught.value.hint
    assert [answer.label for answer in predictor.predict(trained.path, pictures)] == trained.classes


def test_silence_is_given_up_and_the_next_call_works(predictor, trained, pictures):
    predictor.predict(trained.path, pictures)
    servers()[0].suspend()
    with pytest.raises(InferenceError, match="longer than 1 s"):
        predictor.predict(trained.path, pictures, timeout=1.0)
    assert [answer.label for answer in predictor.predict(trained.path, pictures)] == trained.classes


def test_callers_in_several_threads_get_their_own_answers(predictor, trained, pictures):
    found: dict[int, str] = {}

    def ask(index: int) -> None:
        found[index] = predictor.predict(trained.path, [pictures[index % 3]])[0].label

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {index: trained.classes[index % 3] for index in range(9)}
    assert len(servers()) == 1


@pytest.mark.parametrize("damage", ["twin is gone", "twin of another model"])
def test_without_its_twin_keras_answers_the_same(predictor, trained, pictures, damage):
    fast = predictor.predict(trained.path, pictures)
    if damage == "twin is gone":
        (trained.path / "serving.onnx").unlink()
    else:  # trained again in the same folder, and ended before the twin was made
        write_json(trained.path / "serving.json", {**read_json(trained.path / "serving.json"), "model": "0" * 64})
    (trained.path / "model.keras").touch()
    slow = predictor.predict(trained.path, pictures)
    assert [answer.label for answer in slow] == [answer.label for answer in fast]
    assert [answer.probability for answer in slow] == pytest.approx([answer.probability for answer in fast], abs=1e-4)


def test_half_an_answer_is_the_end_and_not_a_long_wait():
    """A process that is killed while it writes leaves a torn line."""
    answers: queue.Queue[dict[str, object] | None] = queue.Queue()
    with subprocess.Popen([sys.executable, "-c", """print('{"id": 1}\\n{"id": 2, "resu', end="")"""],
                          stdout=subprocess.PIPE, text=True) as process:
        _read(process, answers.put)
    assert [answers.get(timeout=1), answers.get(timeout=1)] == [{"id": 1}, None]


def test_warming_up_starts_the_process(trained, pictures):
    fresh = Predictor()
    before = {process.pid for process in servers()}
    fresh.warm_up()
    deadline = time.monotonic() + 30
    while {process.pid for process in servers()} == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert fresh.predict(trained.path, pictures[:1])[0].label == "blue"
    fresh.close()
    assert {process.pid for process in servers()} == before
    assert shared_predictor() is shared_predictor()


def test_a_short_request_does_not_wait_for_the_end_of_a_long_one(predictor, trained, pictures):
    """They are for the same model: the short one gets in between two batches."""
    under_way, done = threading.Event(), threading.Event()
    long: list[int] = []

    def ask() -> None:
        answers = predictor.predict(trained.path, pictures * 700, progress=lambda done, total: under_way.set())
        long.append(len(answers))
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    assert under_way.wait(60)
    assert [answer.label for answer in predictor.predict(trained.path, pictures)] == trained.classes
    assert not done.is_set()
    thread.join(60)
    assert long == [2100] and len(servers()) == 1


def test_who_shares_the_process_with_a_request_that_was_given_up_is_still_answered(predictor, trained, pictures,
                                                                                   tmp_path):
    """A file that never ends holds up one request; the other one is answered, and the process goes with it."""
    predictor.predict(trained.path, pictures)
    stuck = tmp_path / "pipe.png"
    os.mkfifo(stuck)
    under_way, found = threading.Event(), []

    def ask() -> None:
        found.extend(predictor.predict(trained.path, pictures * 1500, progress=lambda done, total: under_way.set()))

    thread = threading.Thread(target=ask)
    thread.start()
    assert under_way.wait(60)
    (old,) = servers()
    with pytest.raises(InferenceError, match="longer than 0 s"):
        predictor.predict(trained.path, [stuck], timeout=0.1)
    assert [answer.label for answer in predictor.predict(trained.path, pictures)] == trained.classes
    thread.join(60)
    assert [answer.label for answer in found] == trained.classes * 1500
    assert old.pid not in [process.pid for process in servers()] and len(servers()) == 1


def test_a_process_that_does_not_read_does_not_hold_up_the_caller(predictor, trained, pictures):
    """More than fits into the pipe to it."""
    predictor.predict(trained.path, pictures)
    servers()[0].suspend()
    began = time.monotonic()
    with pytest.raises(InferenceError, match="longer than 1 s"):
        predictor.predict(trained.path, pictures * 2000, timeout=1.0)
    assert time.monotonic() - began < 10


def test_the_pixel_limit_of_the_workspace_holds_here_too(predictor, trained, pictures):
    (answer,) = predictor.predict(trained.path, pictures[:1], max_pixels=1599)
    assert answer.error is not None and "40 × 40 pixels" in answer.error
    (answer,) = predictor.predict(trained.path, pictures[:1], max_pixels=1600)
    assert answer.error is None


def test_features_of_pictures(predictor, trained, pictures, tmp_path):
    found = predictor.embed(trained.path, [*pictures, tmp_path / "missing.png"])
    assert found.rows.shape == (4, 128) and found.rows.dtype == np.float32
    assert np.isfinite(found.rows[:3]).all() and np.isnan(found.rows[3]).all()
    assert found.errors[:3] == [None] * 3 and "missing.png" in str(found.errors[3])
    assert np.abs(found.rows[0] - found.rows[1]).max() > 0.01
    assert predictor.embed(trained.path, []).rows.shape[0] == 0


def test_pictures_made_small(predictor, trained, pictures, tmp_path):
    wide = tmp_path / "wide.png"
    Image.new("RGB", (600, 300), "red").save(wide)
    found = predictor.small_pictures(trained.path, [wide, tmp_path / "missing.png", pictures[0]], edge=100)
    assert [picture and Image.open(io.BytesIO(picture)).size for picture in found] == [(100, 50), None, (40, 40)]
    assert predictor.small_pictures(trained.path, [wide], edge=100, max_pixels=1000) == [None]


SHOW = """
import resource, sys
from pathlib import Path
from core.inference import Predictor
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
predictor, run, pictures = Predictor(), Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
predictor.predict(run, pictures[:1])
before = peak()
assert all(answer.label for answer in predictor.predict(run, pictures))
assert all(predictor.small_pictures(run, pictures, edge=336))
print(peak() - before)
predictor.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource is of Unix")
def test_a_huge_picture_is_answered_and_shown_without_its_pixels_in_the_page_server(trained, pictures, tmp_path):
    huge = tmp_path / "huge.png"
    huge.write_bytes(huge_png(9_999))
    done = subprocess.run([sys.executable, "-c", SHOW, str(trained.path), str(pictures[0]), str(huge)],
                          capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20
