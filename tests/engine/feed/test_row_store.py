"""Rows on disk: what was written comes back, and what was damaged is missing."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.engine.feed import row_store
from core.engine.feed.row_store import RowStore

ROWS = np.arange(10)
VALUES = np.random.default_rng(0).normal(size=(10, 4, 3)).astype(np.float32)


def store(path: Path, **changes: object) -> RowStore:
    given = {"rows": 10, "shape": (4, 3), "dtype": "float32", **changes}
    return RowStore(path, given["rows"], given["shape"], given["dtype"])


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    new = store(tmp_path)
    new.write(ROWS, VALUES)
    new.commit()
    new.close()
    return tmp_path


def test_rows_come_back_in_any_order_from_disk_and_memory(filled):
    opened = store(filled)
    assert not len(opened.missing(ROWS))
    order = np.array([7, 8, 9, 2, 2, 0])
    np.testing.assert_array_equal(opened.read(order), VALUES[order])
    opened.keep_in_memory()
    np.testing.assert_array_equal(opened.read(order), VALUES[order])
    np.testing.assert_array_equal(opened.read(ROWS[:0]), VALUES[:0])


def test_a_store_that_does_not_fit_into_memory_stays_on_disk(filled):
    opened = store(filled)
    opened.keep_in_memory(budget=opened.nbytes - 1)
    (filled / "data.bin").write_bytes(bytes(opened.nbytes))
    assert not opened.read(ROWS).any()


def test_only_the_rows_asked_for_are_looked_at(tmp_path):
    new = store(tmp_path)
    new.write(ROWS[:4], VALUES[:4])
    assert list(new.missing(ROWS)) == [4, 5, 6, 7, 8, 9]
    assert list(new.missing(np.array([3, 5, 1]))) == [5]


def test_what_was_not_committed_is_missing(tmp_path):
    new = store(tmp_path)
    new.write(ROWS[:4], VALUES[:4])
    new.commit()
    new.write(ROWS[4:], VALUES[4:])
    new.close()
    assert list(store(tmp_path).missing(ROWS)) == [4, 5, 6, 7, 8, 9]


def test_a_flipped_byte_costs_one_row(filled):
    data = bytearray((filled / "data.bin").read_bytes())
    data[5 * 48 + 7] ^= 1
    (filled / "data.bin").write_bytes(data)
    opened = store(filled)
    assert list(opened.missing(ROWS)) == [5]
    opened.write(np.array([5]), VALUES[5:6])
    assert not len(opened.missing(ROWS))


def test_a_torn_file_costs_the_rows_behind_the_tear(filled):
    data = (filled / "data.bin").read_bytes()
    (filled / "data.bin").write_bytes(data[:6 * 48 + 20])
    assert list(store(filled).missing(ROWS)) == [6, 7, 8, 9]


def test_a_file_that_is_cut_while_it_is_read_is_an_error_not_noise(filled):
    reading = store(filled)
    os.truncate(filled / "data.bin", 100)
    np.testing.assert_array_equal(reading.read(ROWS[:2]), VALUES[:2])
    with pytest.raises(OSError, match="cut short"):
        reading.read(ROWS[:3])


@pytest.mark.parametrize("name", ["data.bin", "rows.bin", "meta.json"])
def test_a_lost_file_costs_everything(filled, name):
    (filled / name).unlink()
    assert len(store(filled).missing(ROWS)) == 10


@pytest.mark.parametrize("damage", [b"", b"{", b'{"rows": 11}'])
def test_a_broken_description_costs_everything(filled, damage):
    (filled / "meta.json").write_bytes(damage)
    assert len(store(filled).missing(ROWS)) == 10


def test_checksums_of_the_wrong_length_cost_everything(filled):
    with open(filled / "rows.bin", "ab") as file:
        file.write(b"xx")
    assert len(store(filled).missing(ROWS)) == 10


@pytest.mark.parametrize("changes", [{"rows": 11}, {"shape": (3, 4)}, {"dtype": "float16"}])
def test_another_layout_begins_anew(filled, changes):
    opened = store(filled, **changes)
    assert len(opened.missing(np.arange(opened.rows))) == opened.rows
    assert json.loads((filled / "meta.json").read_text())["rows"] == opened.rows


def test_half_precision_is_as_exact_as_it_says(tmp_path):
    new = store(tmp_path, dtype="float16")
    new.write(ROWS, VALUES)
    np.testing.assert_allclose(new.read(ROWS).astype(np.float32), VALUES, rtol=2.0**-11, atol=1e-7)
    assert new.nbytes == VALUES.nbytes // 2


def test_a_value_too_large_for_half_precision_is_refused(tmp_path):
    new = store(tmp_path, dtype="float16")
    with pytest.raises(FloatingPointError):
        new.write(ROWS, VALUES * np.float32(1e6))
    assert len(new.missing(ROWS)) == 10


@pytest.fixture
def settled(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that was left alone for long enough, and looked through once by this process."""
    monkeypatch.setattr(row_store, "SETTLED_SECONDS", 0.05)
    time.sleep(0.1)
    assert not len(store(filled).missing(ROWS))
    return filled


def read_for(look: Callable[[], object]) -> int:
    """Bytes that this process reads from files meanwhile."""
    gc.collect()
    before = psutil.Process().io_counters().read_chars
    overhead = psutil.Process().io_counters().read_chars - before
    look()
    return psutil.Process().io_counters().read_chars - before - 2 * overhead


LARGE = {"rows": 10, "shape": (2**18,), "dtype": "float32"}


def test_what_was_found_sound_is_read_once_by_a_process(tmp_path, monkeypatch):
    monkeypatch.setattr(row_store, "SETTLED_SECONDS", 0.05)
    new = store(tmp_path, **LARGE)
    new.write(ROWS, np.ones((10, 2**18), np.float32))
    new.commit()
    time.sleep(0.1)
    assert not len(store(tmp_path, **LARGE).missing(ROWS[:6]))
    opened = store(tmp_path, **LARGE)
    assert read_for(lambda: opened.missing(ROWS[:6])) < 2**19
    assert 4 * 2**20 <= read_for(lambda: opened.missing(ROWS)) < 4.5 * 2**20
    assert not len(opened.missing(ROWS))


def damage(path: Path, row: int) -> None:
    with open(path / "data.bin", "r+b") as file:
        file.seek(row * 48)
        file.write(b"\xff")


def test_what_changes_after_it_was_found_sound_is_noticed(settled):
    damage(settled, 3)
    assert list(store(settled).missing(ROWS)) == [3]
    assert list(store(settled).missing(ROWS[2:5])) == [3]


def test_a_change_that_hides_its_time_is_noticed(settled):
    before = os.stat(settled / "data.bin")
    damage(settled, 4)
    os.utime(settled / "data.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(store(settled).missing(ROWS)) == [4]


def test_a_file_in_place_of_another_is_noticed(settled):
    other = settled / "other"
    other.write_bytes(bytes(480))
    os.replace(other, settled / "data.bin")
    assert len(store(settled).missing(ROWS)) == 10


def test_a_change_within_one_step_of_the_clock_is_noticed(filled):
    """Where the system counts time in steps a write may leave the stamp as it was."""
    for row in range(5):
        assert list(store(filled).missing(ROWS)) == list(range(row))
        damage(filled, row)


def test_rows_that_are_written_again_are_looked_at_again(settled):
    opened = store(settled)
    opened.write(ROWS[:2], VALUES[2:4])
    assert not len(opened.missing(ROWS))
    damage(settled, 0)
    assert list(opened.missing(ROWS)) == [0]
    assert list(store(settled).missing(ROWS)) == [0, 1]  # not committed: the checksums on disk are the older ones
