"""Results that become visible in one step, whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.runs import results
from core.runs.results import NAMES, clear_leftovers, publishing
from tests.runs.writer import LINES

PROJECT = Path(__file__).resolve().parents[2]
TOLD = {name: f"{name} of the second" for name in NAMES}


def publish(run: Path, version: str, names: tuple[str, ...] = NAMES) -> None:
    with publishing(run) as folder:
        for name in names:
            (folder / name).write_text(f"{name} of the {version}")


def visible(run: Path) -> dict[str, str]:
    return {name: (run / name).read_text() for name in NAMES if (run / name).is_file()}


def entries(run: Path) -> int:
    """Everything in the folder: the names, the link, the folder that it leads to."""
    return len(list(run.iterdir()))


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder where forcing something to the disk takes no time, so that kills hit all the other steps."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared if os.access(shared, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder)


def killed(what: str, run: Path, moment: float) -> None:
    """Let a process write without end, and kill it at some moment."""
    process = subprocess.Popen([sys.executable, "-m", "tests.runs.writer", what, str(run)], cwd=PROJECT,
                               stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_results_replace_each_other(tmp_path):
    publish(tmp_path, "first")
    assert (tmp_path / "model.keras").read_text() == "model.keras of the first"
    publish(tmp_path, "second")
    assert visible(tmp_path) == TOLD and entries(tmp_path) == len(NAMES) + 2


def test_results_that_hold_less_leave_nothing_of_the_earlier_ones(tmp_path):
    publish(tmp_path, "first")
    publish(tmp_path, "second", NAMES[:3])
    assert visible(tmp_path) == {name: TOLD[name] for name in NAMES[:3]} and entries(tmp_path) == 5


def test_what_fails_is_never_seen(tmp_path):
    publish(tmp_path, "second")
    with pytest.raises(ZeroDivisionError), publishing(tmp_path) as folder:
        (folder / "model.keras").write_text("half")
        raise ZeroDivisionError
    assert visible(tmp_path) == TOLD and entries(tmp_path) == len(NAMES) + 2


def test_a_copied_run_has_plain_files_which_later_results_replace(tmp_path):
    (tmp_path / "run").mkdir()
    publish(tmp_path / "run", "first")
    copy = Path(shutil.copytree(tmp_path / "run", tmp_path / "copy"))
    assert not (copy / "model.keras").is_symlink() and len(visible(copy)) == len(NAMES)
    publish(copy, "second")
    assert visible(copy) == TOLD and entries(copy) == len(NAMES) + 2


def test_plain_files_of_earlier_versions_stay_when_new_results_fail(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text(TOLD[name])
    with pytest.raises(ZeroDivisionError), publishing(tmp_path):
        raise ZeroDivisionError
    assert visible(tmp_path) == TOLD and entries(tmp_path) == len(NAMES)
    results._adopt(tmp_path)
    assert visible(tmp_path) == TOLD


def test_a_moved_run_keeps_its_results(tmp_path):
    (tmp_path / "run").mkdir()
    publish(tmp_path / "run", "second")
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert visible(tmp_path / "elsewhere") == TOLD


def test_a_disk_without_links(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    publish(tmp_path, "first")
    publish(tmp_path, "second", NAMES[2:])
    assert visible(tmp_path) == {name: TOLD[name] for name in NAMES[2:]} and entries(tmp_path) == len(NAMES) - 2


def test_a_kill_at_any_moment_leaves_one_version_whole(in_memory):
    """Also a kill inside the writing, and between the steps of showing it."""
    seen, moments, untidy = [], random.Random(0), 0
    for _ in range(12):
        killed("results", in_memory, moments.uniform(0, 0.1))
        untidy += entries(in_memory) != len(NAMES) + 2
        assert len(visible(in_memory)) in (0, len(NAMES))
        found = {version for text in visible(in_memory).values() for version in text.split()}
        assert len(found) <= 1 and all(text.count("\n") == LINES for text in visible(in_memory).values())
        seen += found
    assert seen == sorted(seen) and len(set(seen)) > 6 and untidy > 3, "they are meant to hit the writing"
    clear_leftovers(in_memory)
    assert entries(in_memory) == len(NAMES) + 2
