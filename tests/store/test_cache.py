"""The cache folder stays within its limit, and nobody's rows are taken away while he reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.store import cache
from core.store.cache import cache_key, claim, entries, make_room
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.processes import process_started, this_host

BLOCK = 1 << 16
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tmp_path: Path) -> Machine:
    """Room for three entries and a bit."""
    return Machine(tmp_path / "machine", MachineLimits(cache_bytes=3 * BLOCK + BLOCK // 2))


def put(machine: Machine, name: str, used: float, pid: int | None = None) -> Path:
    """An entry of one block, last used at that time, by that process (none: one that is gone)."""
    folder = machine.cache / "activations" / name
    folder.mkdir(parents=True)
    (folder / "data.bin").write_bytes(os.urandom(BLOCK))
    (folder / "used").write_text("" if pid is None else f"{pid} {process_started(pid) or 0.0}\n")
    os.utime(folder / "used", (used, used))
    return folder


def gone_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_key_follows_every_part_and_nothing_else():
    assert cache_key(a=1, b="x") == cache_key(b="x", a=1)
    assert len({cache_key(a=1), cache_key(a=2), cache_key(b=1), cache_key(a="1")}) == 4


def test_entries_are_listed_by_last_use(small):
    put(small, "new", used=300)
    put(small, "old", used=100)
    (small.cache / "speed.json").write_text("{}")  # no entry
    assert [entry.path.name for entry in entries(small)] == ["old", "new"]
    assert 2 * BLOCK <= sum(entry.nbytes for entry in entries(small)) < 2.5 * BLOCK


def test_nothing_goes_while_there_is_room(small):
    for index in range(2):
        put(small, str(index), used=index)
    assert make_room(small, BLOCK)
    assert len(entries(small)) == 2


def test_the_least_recently_used_goes_first(small):
    for index, used in enumerate([300, 100, 200]):
        put(small, str(index), used=used, pid=gone_pid())
    assert make_room(small, BLOCK)
    assert [entry.path.name for entry in entries(small)] == ["2", "0"]


def test_what_can_never_fit_costs_nobody_his_entry(small):
    for index in range(3):
        put(small, str(index), used=100 + index)
    assert not make_room(small, 4 * BLOCK)
    assert len(entries(small)) == 3


def test_using_an_entry_makes_it_the_most_recent(small):
    for index in range(3):
        put(small, str(index), used=100 + index)
    claim(small.cache / "activations" / "0")
    assert [entry.path.name for entry in entries(small)] == ["1", "2", "0"]


def test_what_a_living_process_uses_stays(small):
    mine = put(small, "mine", used=1, pid=os.getpid())
    put(small, "other", used=2)
    put(small, "another", used=3)
    assert make_room(small, 2 * BLOCK)
    assert [entry.path for entry in entries(small)] == [mine]
    other = put(small, "other", used=2)
    assert not make_room(small, 3 * BLOCK)
    assert mine.is_dir() and other.is_dir()


def test_a_claim_of_another_process_holds_until_it_ends(small):
    folder = put(small, "theirs", used=1)
    code = ("import sys; from pathlib import Path; from core.store.cache import claim; claim(Path(sys.argv[1])); "
            "print('claimed', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=PROJECT, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "claimed\n"
        assert not make_room(small, 3 * BLOCK) and folder.is_dir()
        process.stdin.close()
        process.wait(20)
    assert make_room(small, 3 * BLOCK) and not folder.exists()


def test_a_pid_that_was_given_again_holds_nothing(small):
    folder = put(small, "theirs", used=1)
    (folder / "used").write_text(f"{os.getpid()} {process_started(os.getpid()) - 60}\n{os.getpid()}\nnonsense\n")
    assert make_room(small, 3 * BLOCK) and not folder.exists()


def test_claiming_leaves_one_line_for_each_living_process(small):
    folder = put(small, "mine", used=1)
    parent = f"{os.getppid()} {process_started(os.getppid())}\n"
    (folder / "used").write_text(f"{gone_pid()} 0.0\n{parent}")
    for _ in range(3):
        claim(folder)
    mine = f"{os.getpid()} {process_started(os.getpid())} {this_host()}\n"
    assert (folder / "used").read_text() == f"{parent}{mine}"  # a line of before there were hosts is of this one


def test_more_than_the_limit_never_fits(small):
    put(small, "old", used=1)
    assert not make_room(small, small.limits.cache_bytes + 1)


def test_more_than_the_disk_never_fits(tmp_path):
    endless = Machine(tmp_path / "machine", MachineLimits(cache_bytes=2**62))
    assert not make_room(endless, 2**61)


def test_what_another_computer_uses_is_kept_for_a_day(small):
    folder = put(small, "theirs", used=1)
    (folder / "used").write_text(f"{os.getpid()} 1.0 another-host-12345678\n")
    assert cache._in_use(folder)
    claim(folder)
    assert len((folder / "used").read_text().splitlines()) == 2
    os.utime(folder / "used", (1, 1))
    (folder / "used").write_text("77777777 1.0 another-host-12345678\n")
    os.utime(folder / "used", (1, 1))
    assert not cache._in_use(folder)
