"""Measuring speeds, in the process that does it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core.backbones import measuring, speeds
from core.backbones.catalogue import get
from core.backbones.speeds import Subject, subject
from core.engine import measure, worker
from core.jobs import queue, requests
from core.jobs.job import Job
from core.jobs.status import Status

SMALL = Subject("SmallNet", None, 32)
NARROW = Subject("MobileNetV2", 0.35, 96)


@pytest.fixture
def job(workspace):
    """`job(subjects)`: a measurement that waits, entered nowhere."""
    def made(*subjects: Subject) -> Job:
        return requests.made(workspace, measuring.KIND, {"subjects": [vars(one) for one in subjects]})

    return made


def test_figures_are_kept_one_by_one_with_the_way_they_went(workspace, job):
    began = time.time()
    made = job(SMALL, NARROW)
    assert worker.main([str(made.path)]) == 0
    status, found = made.status(), speeds.known(workspace.machine)
    assert (status.state, status.step, status.message) == ("completed", 2, "2 measured.")
    assert set(found) == {SMALL.key, NARROW.key}
    for one in found.values():
        assert one.images_per_second > 1 and one.measured >= began
        assert one.engine in ("ONNX Runtime", "Keras") and one.why


def test_a_larger_picture_takes_longer():
    small, large = (measure.speed(Subject("SmallNet", None, size))[0] for size in (32, 128))
    assert small > 2 * large  # sixteen times the multiplications


def test_who_cancels_keeps_what_was_measured(workspace, job):
    made = job(SMALL, NARROW)
    speeds.keep(workspace.machine, SMALL, 7.0, "Keras", "from before")
    made.request_stop()
    made.write_status(Status(state="running"))
    assert worker.main([str(made.path)]) == 0
    assert made.status().state == "stopped" and "0 of 2" in made.status().message
    assert speeds.known(workspace.machine)[SMALL.key].images_per_second == 7.0


def test_what_is_too_large_for_this_machine_keeps_nobody_from_the_others(workspace, job, monkeypatch):
    honest = measure.speed

    def little_memory(found, *more):
        if found.backbone == "MobileNetV2":
            raise MemoryError
        return honest(found, *more)

    monkeypatch.setattr(measure, "speed", little_memory)
    made = job(NARROW, SMALL)
    assert worker.main([str(made.path)]) == 0
    assert set(speeds.known(workspace.machine)) == {SMALL.key}
    assert "memory for MobileNetV2" in made.status().message
    alone = job(NARROW)
    assert worker.main([str(alone.path)]) == 2
    assert alone.status().error["kind"] == "OutOfMemoryError"


def test_through_the_queue_in_a_process_of_its_own(workspace):
    found = measuring.start([SMALL], workspace)
    assert queue.wait(found).state == "completed"
    assert speeds.known(workspace.machine)[SMALL.key].images_per_second > 1


def test_numbers_of_an_ordinary_size_leave_a_network_of_random_weights():
    import keras

    keras.utils.set_random_seed(0)
    model = measure._pooled_backbone(subject(get("MobileNetV2", 0.35)[1], 96))
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), np.uint8)
    measure.settle(model, images)
    assert 1e-2 < float(np.abs(model(images, training=False)).max()) < 1e2


def test_few_images_of_a_large_network_are_passed_at_once():
    few, many = (measure.images_a_pass(variant, variant.default_size)
                 for variant in (get("EfficientNetB7")[1], get("SmallNet")[1]))
    assert 1 <= few < many <= measuring.MOST_IMAGES
