"""A process on this machine as a place for jobs."""

from __future__ import annotations

import json
import time

import psutil
import pytest

from core.jobs.backends import LocalProcesses


@pytest.fixture
def started(tiny_run):
    backend = LocalProcesses()
    handle = backend.start(tiny_run("train.phases.0.freeze=none", "train.phases.0.epochs=1000"))
    yield backend, handle
    backend.cancel(handle)


def test_what_was_started_is_alive_until_it_is_cancelled(started):
    backend, handle = started
    assert backend.alive(handle)
    backend.cancel(handle)
    deadline = time.monotonic() + 10
    while backend.alive(handle):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    backend.collect()
    assert not psutil.pid_exists(json.loads(handle)["pid"])  # no zombie either
    backend.cancel(handle)  # nothing to be done any more


def test_another_process_of_this_machine_understands_the_handle(started):
    _, handle = started
    assert LocalProcesses().alive(handle)


@pytest.mark.parametrize("change", [{"host": "another-computer"}, {"started": 1.0, "folder": "/no/such/folder"}])
def test_a_handle_of_another_computer_or_process_is_neither_alive_nor_killed(started, change):
    backend, handle = started
    other = json.dumps({**json.loads(handle), **change})
    assert not backend.alive(other)
    backend.cancel(other)
    assert backend.alive(handle)


@pytest.mark.parametrize("handle", ["", "12", "[]", "{}", "nonsense"])
def test_text_that_is_no_handle(handle):
    backend = LocalProcesses()
    assert not backend.alive(handle)
    backend.cancel(handle)
