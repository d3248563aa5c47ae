"""Worker processes: started, queued, stopped, killed, and outliving whoever started them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from core import api
from core.api import delete_dataset
from core.data.library import ingest
from core.errors import DataError, RunError, WeightsNotFoundError
from core.jobs import queue as jobs
from core.jobs.backends import BACKENDS, LOCAL, PROJECT, LocalProcesses, worker_environment
from core.jobs.failures import error_of
from core.jobs.job import Job
from core.runs.index import active_runs, list_runs
from core.runs.run import Run
from core.runs.status import Status
from core.store.files import write_json
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace
from tests.tiny import coloured_folder, tiny_recipe

LONG = ("train.phases.0.freeze=none", "train.phases.0.epochs=1000")
NO_WEIGHTS = ("model.backbone=VGG16", "model.weights=imagenet")
"""Ends after a second or two, before keras is imported."""


def until(done: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def _machine_without_weights(no_weights: None) -> None:
    """No test here downloads anything."""


def test_a_run_outlives_who_started_it_and_stop_keeps_the_best_model(tiny_run, workspace):
    run = tiny_run(*LONG)
    code = ("import sys; from core.jobs import queue as jobs; from core.runs.run import Run; "
            "from core.store.workspace import Workspace; "
            "jobs.submit(Run.open(sys.argv[1]), Workspace(sys.argv[2]).machine)")
    subprocess.run([sys.executable, "-c", code, str(run.path), str(workspace.root)], cwd=PROJECT, check=True,
                   timeout=60)
    assert run.status().state == "running"
    until(lambda: len(run.history()) >= 2 and run.status().epoch >= 2)
    seen = run.status()
    assert seen.pid is not None and psutil.pid_exists(seen.pid)
    assert seen.epochs == 1000 and seen.epoch >= 2 and seen.eta_s is not None and seen.eta_s > 0
    began = time.monotonic()
    run.request_stop()
    assert jobs.wait(run).state == "stopped"
    assert time.monotonic() - began < 30
    metrics = run.metrics()
    assert run.has_model and metrics is not None and len(run.history()) < 1000
    assert metrics["val_accuracy"] == pytest.approx(
        max(run.history()["val_accuracy"].max(), metrics["val_accuracy"]), abs=1e-6)
    assert api.outcome(run)["state"] == "stopped"


def test_a_killed_worker_leaves_an_interrupted_run_with_its_log(tiny_run, workspace):
    run = tiny_run(*LONG)
    jobs.submit(run, workspace.machine)
    until(lambda: len(run.history()) >= 1)
    pid = run.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    assert jobs.wait(run).state == run.status().state == "interrupted"
    assert time.monotonic() - began < 2
    assert "Random starting weights" in run.log_tail()
    assert len(run.history()) >= 1 and run.events()
    assert isinstance(error_of(run, run.status()), RunError)
    following = tiny_run(*NO_WEIGHTS)
    jobs.submit(following, workspace.machine)  # a dead run does not hold the place
    assert jobs.wait(following).state == "failed"


def test_runs_wait_for_each_other(tiny_run, workspace):
    first, second, third = (tiny_run(*NO_WEIGHTS) for _ in range(3))
    for run in (first, second, third):
        jobs.submit(run, workspace.machine)
    assert [run.status().state for run in (first, second, third)] == ["running", "queued", "queued"]
    third.request_stop()

    def both_ended() -> bool:
        jobs.tick(workspace.machine)
        states = [run.status().state for run in (first, second)]
        assert states != ["running", "running"]
        return states == ["failed", "failed"]

    until(both_ended)
    assert second.status().started >= first.status().updated
    assert third.status().state == "stopped" and third.status().started is None


def test_as_many_as_allowed_run_at_once(tiny_run, workspace):
    two = Machine(workspace.root, MachineLimits(max_parallel_runs=2))
    runs = [tiny_run(*NO_WEIGHTS) for _ in range(3)]
    for run in runs:
        jobs.submit(run, two)
    assert [run.status().state for run in runs] == ["running", "running", "queued"]
    runs[2].request_stop()
    for run in runs:
        jobs.wait(run)


def test_a_missing_weights_file_reaches_who_waits(tiny_run, workspace):
    run = tiny_run(*NO_WEIGHTS)
    seen: list[Status] = []
    jobs.run_now(run, workspace.machine)
    status = jobs.wait(run, seen.append)
    assert status.state == "failed" and [item.state for item in seen][-1] == "failed"
    error = error_of(run, status)
    assert isinstance(error, WeightsNotFoundError) and "model.weights=none" in error.hint
    assert "Traceback" in run.log_tail()


@pytest.mark.parametrize("first", ["submit", "tick", "run_now"])
def test_a_run_is_started_once(tiny_run, workspace, first):
    """A page that polls may start what the command line has just made, and the other way round."""
    run = tiny_run(*NO_WEIGHTS)
    ways = {"submit": lambda: jobs.submit(run, workspace.machine), "tick": lambda: jobs.tick(workspace.machine),
            "run_now": lambda: jobs.run_now(run, workspace.machine)}
    ways[first]()
    handle = run.status().handle
    assert LOCAL.alive(handle)
    for start in ways.values():
        start()
        assert run.status().handle == handle
    jobs.wait(run)
    for start in (ways["submit"], ways["run_now"]):
        with pytest.raises(RunError, match="failed"):
            start()


def test_a_bug_is_told_apart_from_what_a_user_can_put_right(tiny_run):
    run = tiny_run()
    failed = Status(state="failed", error={"kind": "GraftError", "message": "Unexpected.", "hint": ""})
    assert isinstance(error_of(run, failed), RuntimeError)


def test_ended_workers_do_not_stay_as_zombies(tiny_run, workspace):
    run = tiny_run(*NO_WEIGHTS)
    jobs.submit(run, workspace.machine)
    pid = json.loads(run.status().handle)["pid"]
    assert psutil.pid_exists(pid)
    jobs.wait(run)

    def collected() -> bool:
        jobs.tick(workspace.machine)
        return not psutil.pid_exists(pid)

    until(collected, 20)


def test_a_run_that_cannot_be_started_does_not_hold_up_the_next(tiny_run, workspace, monkeypatch):
    broken, good = tiny_run(), tiny_run()
    started = []

    class Backend(LocalProcesses):
        def start(self, job):
            if job.id == broken.id:
                raise PermissionError("worker.log")
            started.append(job.id)
            return super().start(job)

    monkeypatch.setitem(BACKENDS, "local", Backend())
    jobs.tick(workspace.machine)
    assert broken.status().state == "failed" and "worker.log" in (broken.status().error or {})["message"]
    jobs.tick(workspace.machine)
    assert started == [good.id]
    LOCAL.cancel(good.status().handle)
    assert jobs.wait(good).state == "interrupted"


class Elsewhere:
    """Workers on another computer, as a queue knows them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled: list[str] = []

    def start(self, job):
        self.begun.append(job.id)
        return f"elsewhere:{job.id}"

    def alive(self, handle):
        return handle not in self.cancelled

    def cancel(self, handle):
        self.cancelled.append(handle)


@pytest.fixture
def elsewhere(monkeypatch, workspace):
    place = Elsewhere()
    monkeypatch.setitem(BACKENDS, "elsewhere", place)
    return place, Machine(workspace.root, MachineLimits(backend="elsewhere"))


def test_a_machine_says_where_its_jobs_are_started_and_whoever_looks_asks_there(tiny_run, elsewhere):
    place, machine = elsewhere
    run = tiny_run()
    jobs.submit(run, machine)
    assert place.begun == [run.id] and run.status().backend == "elsewhere"
    jobs.tick(Machine(machine.root))  # as a page does
    assert run.status().state == "running" and place.begun == [run.id]
    place.cancelled.append(run.status().handle)
    jobs.tick(Machine(machine.root))
    assert run.status().state == "interrupted"


def test_a_job_of_a_place_that_this_version_does_not_know_is_left_alone(tiny_run, elsewhere, monkeypatch):
    _, machine = elsewhere
    run, other = tiny_run(), tiny_run()
    jobs.submit(run, machine)
    monkeypatch.delitem(BACKENDS, "elsewhere")
    jobs.tick(machine)
    assert run.status().state == "running"
    with pytest.raises(RunError, match="elsewhere"):
        jobs.run_now(other, machine)


def test_a_job_whose_start_cannot_be_noted_is_not_started_twice(tiny_run, elsewhere, monkeypatch, caplog):
    place, machine = elsewhere
    run = tiny_run()
    write = Job.write_status

    def failing(job, status):
        if status.state == "running":
            raise OSError(errno.EIO, "Input/output error of \x1b[2J")
        write(job, status)

    monkeypatch.setattr(Job, "write_status", failing)
    jobs.submit(run, machine)
    assert place.cancelled == [f"elsewhere:{run.id}"] and run.status().state == "failed"
    assert "OSError" in caplog.text and "of \\x1b[2J" in caplog.text and "\x1b" not in caplog.text
    jobs.tick(machine)
    assert place.begun == [run.id]


def test_folders_of_the_environment_reach_the_worker_as_absolute_ones(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAFT_WEIGHTS_DIR", "weights")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    found = worker_environment()
    assert found["GRAFT_WEIGHTS_DIR"] == str(tmp_path / "weights") and "KERAS_HOME" not in found


def test_workspaces_of_one_machine_share_its_slots_oldest_first(tmp_path):
    machine = Machine(tmp_path / "machine")
    runs = []
    for index, name in enumerate(("ada", "bob", "ada")):
        workspace = Workspace(tmp_path / name, machine=machine)
        dataset = ingest(coloured_folder(tmp_path / f"pictures-{index}"), workspace)
        runs.append(Run.create(dataset, tiny_recipe(*NO_WEIGHTS), workspace))
    for run, name in zip(runs, ("ada", "bob", "ada"), strict=True):
        jobs.submit(run, Workspace(tmp_path / name).machine)  # as another process sees it
    assert [run.status().state for run in runs] == ["running", "queued", "queued"]
    assert [job.id for job in jobs.active(machine)] == [run.id for run in runs]
    assert [run.id for run in active_runs(Workspace(tmp_path / "bob"))] == [runs[1].id]

    def second_has_begun() -> bool:
        jobs.tick(machine)
        assert sum(run.status().state == "running" for run in runs) <= 1
        return runs[1].status().state != "queued"

    until(second_has_begun)
    assert runs[0].status().state == "failed" and runs[2].status().state == "queued"
    runs[2].request_stop()
    jobs.wait(runs[1])


def entries(machine: Machine) -> list[str]:
    return sorted(path.name for path in machine.queue.glob("*.json"))


def test_the_index_holds_what_waits_or_works_and_nothing_else(tiny_run, workspace):
    first, second = tiny_run(), tiny_run()
    still = Machine(workspace.root, MachineLimits(max_parallel_runs=0))
    for run in (first, second):
        jobs.submit(run, still)
    assert [name.rsplit("-", 1)[0] for name in entries(still)] == sorted([first.id, second.id])
    first.request_stop()
    assert [job.id for job in jobs.active(still)] == [second.id]
    jobs.tick(still)
    assert [name.rsplit("-", 1)[0] for name in entries(still)] == [second.id]
    second.delete()
    jobs.tick(still)
    assert entries(still) == [] and jobs.active(still) == []


def test_an_index_that_is_lost_is_made_again_from_the_folders(tiny_run, workspace):
    still = Machine(workspace.root, MachineLimits(max_parallel_runs=0))
    waiting, ended = tiny_run(), tiny_run()
    ended.request_stop()
    assert [job.id for job in jobs.active(still)] == [waiting.id] and not still.queue.exists()  # looking writes nothing
    jobs.tick(still)
    assert len(entries(still)) == 1
    shutil.rmtree(still.queue)
    jobs.tick(still)
    assert [job.id for job in jobs.active(still)] == [waiting.id]
    forgotten = tiny_run()  # made, and a crash before it was submitted
    assert len(jobs.active(still)) == 1
    jobs.rebuild(still)
    assert {job.id for job in jobs.active(still)} == {waiting.id, forgotten.id}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"path": 3}', '{"schema": 99, "path": "runs/x"}'])
def test_an_entry_that_cannot_be_read_stops_nobody(tiny_run, workspace, content):
    still = Machine(workspace.root, MachineLimits(max_parallel_runs=0))
    run = tiny_run()
    jobs.submit(run, still)
    (still.queue / "broken.json").write_text(content)
    jobs.tick(still)
    assert [job.id for job in jobs.active(still)] == [run.id]


def test_a_workspace_that_was_moved_keeps_its_queue(tiny_run, workspace, tmp_path):
    run = tiny_run()
    jobs.submit(run, Machine(workspace.root, MachineLimits(max_parallel_runs=0)))
    moved = Machine(workspace.root.rename(tmp_path / "elsewhere"))
    assert [job.path for job in jobs.active(moved)] == [tmp_path / "elsewhere" / "runs" / run.id]


def test_a_job_of_a_newer_version_is_not_started_and_stays_in_the_queue(tiny_run, workspace):
    newer, later = tiny_run(), tiny_run()
    jobs.submit(newer, Machine(workspace.root, MachineLimits(max_parallel_runs=0)))
    write_json(later.path / "status.json", {"schema": 99, "state": "queued"})
    jobs._enter(later, workspace.machine)
    Job.describe(newer.path, "dream")
    jobs.tick(Machine(workspace.root, MachineLimits(max_parallel_runs=5)))
    assert newer.status().state == "queued" and len(entries(workspace.machine)) == 2


def test_a_run_in_a_folder_of_its_own_keeps_its_dataset_from_being_deleted(colours, workspace, tmp_path):
    run = api.start(colours, tiny_recipe(*LONG), workspace, run_dir=tmp_path / "mine", at_once=True)
    with pytest.raises(DataError, match="in use by mine"):
        delete_dataset(workspace, colours.id)
    LOCAL.cancel(run.status().handle)
    assert jobs.wait(run).state == "interrupted"
    delete_dataset(workspace, colours.id)
    assert not colours.path.exists()


def test_a_look_at_the_queue_opens_no_file_of_what_has_ended(tiny_run, workspace):
    still = Machine(workspace.root, MachineLimits(max_parallel_runs=0))
    jobs.submit(tiny_run(), still)
    opened: list[str] = []
    watching = False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir"):
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)  # stays, asleep, until the process ends

    def cost() -> int:
        nonlocal watching
        opened.clear()
        watching = True
        jobs.tick(still)
        active_runs(workspace)
        watching = False
        return len(opened)

    cost()  # the first time more is read, and remembered
    before = cost()
    for _ in range(12):
        tiny_run().request_stop()
    assert 0 < cost() == before < 20


def test_start_puts_a_run_into_the_queue_or_past_it(colours, workspace, tmp_path):
    Machine(workspace.root, MachineLimits(max_parallel_runs=0))
    waiting = api.start(colours, tiny_recipe(*NO_WEIGHTS), Workspace(workspace.root))
    assert waiting.status().state == "queued" and waiting.status().stage == "queue"
    with pytest.raises(WeightsNotFoundError):  # who waits in front of it learns before anything is made
        api.start(colours, tiny_recipe(*NO_WEIGHTS), Workspace(workspace.root), at_once=True)
    assert [run.id for run in list_runs(workspace)] == [waiting.id]
    run = api.start(colours.id, tiny_recipe(), Workspace(workspace.root), at_once=True)
    assert run.status().state == "running" and {job.id for job in jobs.active(workspace.machine)} == {
        waiting.id, run.id}
    LOCAL.cancel(run.status().handle)
    jobs.wait(run)
