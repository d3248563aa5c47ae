"""Work ahead of its reader: in order, bounded, and not begun any more once nobody reads."""

from __future__ import annotations

import threading
import time

import pytest

from core.engine.feed.threads import in_threads, pool
from core.store.processes import cores


def test_results_come_in_order_however_long_each_takes():
    def late_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number

    assert list(in_threads(late_first, range(20), ahead=4)) == list(range(20))


def test_no_more_is_done_than_may_wait():
    begun: list[int] = []
    results = in_threads(begun.append, range(100), ahead=3)
    for read in range(1, 4):
        next(results)
        time.sleep(0.05)
        assert len(begun) <= read + 3


def test_what_has_not_begun_is_dropped_when_the_reader_stops():
    begun, go = [], threading.Event()

    def wait(number: int) -> int:
        begun.append(number)
        if number:
            go.wait(5)
        return number

    results = in_threads(wait, range(50), ahead=40, threads=1)
    assert next(results) == 0
    threading.Timer(0.1, go.set).start()
    results.close()
    assert len(begun) <= 2 and not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_an_error_is_the_readers():
    results = in_threads([1, 2].index, [1, 2, 3], ahead=1)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError):
        next(results)


def test_pieces_share_one_thread_for_every_core():
    names = set(pool().map(lambda _: (time.sleep(0.02), threading.current_thread().name)[1], range(4 * cores())))
    assert pool() is pool() and 1 <= len(names) <= cores()
