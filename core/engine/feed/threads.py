"""Work in threads, in order, a bounded number of items ahead of the reader."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from core.store.processes import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


@functools.cache
def pool() -> ThreadPoolExecutor:
    """A thread for every core, for work on pieces of a batch. Such work must not wait for other work in here."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="piece")


def in_threads(work: Callable[[Item], Result], items: Iterable[Item], ahead: int) -> Iterator[Result]:
    """Yield `work(item)` for every item, in order."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(cores()) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
