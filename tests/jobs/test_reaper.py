"""Who is gone and who is not: on this host by the process, elsewhere by the heartbeat."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest

from core.jobs import queue as jobs
from core.jobs import reaper
from core.jobs.backends import LOCAL
from core.jobs.job import Job
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import read_json, write_json
from core.store.processes import process_started, this_host

NOBODY = 2**22 - 7
"""A process id that is never given on a machine of this size."""


def sleeping() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def running(run: Run, pid: int) -> None:
    run.write_status(replace(run.status(), state="running", pid=pid, pid_started=process_started(pid)))


def test_a_running_run_whose_process_is_killed_is_interrupted(tiny_run):
    run = tiny_run()
    process = sleeping()
    running(run, process.pid)
    assert reaper.judge(run).state == "running"
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert reaper.judge(run).state == "interrupted"
    process.wait()
    assert read_json(run.path / "status.json")["state"] == "interrupted"
    assert not run.status().active and "gone" in run.status().message


def test_another_process_with_the_same_number_is_not_the_worker(tiny_run):
    run = tiny_run()
    started = psutil.Process(os.getpid()).create_time()
    run.write_status(replace(run.status(), state="running", pid=os.getpid(), pid_started=started - 1000))
    assert reaper.judge(run).state == "interrupted"


def test_the_last_word_of_a_worker_counts(tiny_run, monkeypatch):
    """The worker ends between the reading of its status and the look for its process."""
    run = tiny_run()
    process = sleeping()
    running(run, process.pid)
    final = replace(run.status(), state="completed")
    reading = Job.status

    def read_then_end(self: Job) -> Status:
        seen = reading(self)
        if process.poll() is None:
            self.write_status(final)
            process.kill()
            process.wait()
        return seen

    monkeypatch.setattr(Job, "status", read_then_end)
    assert reaper.judge(run).state == "completed"


def test_a_clock_that_was_set_does_not_end_a_run(tiny_run):
    run = tiny_run()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(run.path)])
    try:
        started = psutil.Process(process.pid).create_time()
        run.write_status(replace(run.status(), state="running", pid=process.pid, pid_started=started - 3600))
        assert reaper.judge(run).state == "running"
    finally:
        process.kill()
        process.wait()




def test_reading_a_status_writes_nothing(tiny_run):
    run = tiny_run()
    run.write_status(replace(run.status(), state="running", pid=NOBODY, pid_started=1.0))
    before = sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in run.path.iterdir())
    assert run.status().state == "running"
    assert sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in run.path.iterdir()) == before


def beating(run: Run, host: str, seconds_ago: float) -> None:
    """A worker on some host that last spoke so long ago."""
    run.write_status(replace(run.status(), state="running", host=host, pid=NOBODY, pid_started=1.0))
    document = read_json(run.path / "status.json")
    write_json(run.path / "status.json", {**document, "updated": time.time() - seconds_ago})


def test_a_worker_elsewhere_lives_as_long_as_its_heart_beats(tiny_run, workspace):
    """No process here has its pid; looking from here, again and again, does not kill it."""
    run = tiny_run()
    beating(run, "another-computer", 20)
    jobs.tick(workspace.machine)
    assert reaper.judge(run).state == run.status().state == "running"
    beating(run, "another-computer", 31)
    assert run.status().state == "running"
    jobs.tick(workspace.machine)
    assert run.status().state == "interrupted" and run.status().eta_s is None


def test_on_this_host_the_process_counts_however_fresh_the_heartbeat(tiny_run):
    run = tiny_run()
    beating(run, this_host(), 0)
    assert reaper.judge(run).state == "interrupted"


def test_a_process_that_is_held_up_is_not_given_up(tiny_run):
    """Importing Keras on a busy machine, or a laptop's sleep, can keep a worker from speaking for minutes."""
    run = tiny_run()
    running(run, os.getpid())
    document = read_json(run.path / "status.json")
    write_json(run.path / "status.json", {**document, "host": this_host(), "updated": time.time() - 600})
    assert reaper.judge(run).state == "running"


def test_before_the_worker_has_spoken_its_backend_is_asked(tiny_run):
    run = tiny_run()
    handle = LOCAL.start(run)
    run.write_status(replace(run.status(), state="running", handle=handle))
    assert not reaper.lost(run, run.status())
    LOCAL.cancel(handle)
    LOCAL.collect()
    run.write_status(replace(run.status(), pid=None, host=""))
    assert reaper.judge(run).state == "interrupted"


@pytest.mark.parametrize("stop", [Run.delete, Run.request_stop])
def test_a_dead_run_can_be_deleted_by_who_finds_it(tiny_run, stop: Callable[[Run], None]):
    run = tiny_run()
    run.write_status(replace(run.status(), state="running", pid=NOBODY, pid_started=1.0))
    stop(run)
    assert run.stop_requested or not run.path.exists()
