"""Who is gone and who is not: on this host by the process, elsewhere by the heartbeat."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import psutil

from core.jobs import reaper
from core.jobs.job import Job
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import read_json
from core.store.processes import process_started

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


