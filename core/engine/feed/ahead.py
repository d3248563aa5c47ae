"""Decoding ahead of the reader: in threads of this process, or in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil

from core.data.images.reading import MAX_PIXELS
from core.engine.feed.decoder import Job
from core.engine.feed.threads import in_threads
from core.store.cache import disk_room

MEMORY_BYTES = 192 * 2**20
"""Decoded images that may wait in memory for their reader."""
FILE_BYTES = 2**30
"""Decoded images that may wait in the file of a decoding process, whose reader comes late."""
FILE_SHARE = 0.5
"""Share of the disk's reserve (`core.store.cache.disk_room`) that this file may take for the while: the rest of the
disk may be filled with activations at the same time."""
PAGE_SHARE = 0.125
"""Share of the free memory that this file may take: so little stays in the system's page cache and never waits for the
disk. Linux makes writers wait from 20 % on (`vm.dirty_ratio`)."""

Pieces = Iterator[tuple[np.ndarray, np.ndarray]]
"""Rows, and their images, uint8 [k, size, size, 3]."""


def thread_ahead(decode: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, piece: int, image_bytes: int) -> Pieces:
    """Decode rows in a thread, `piece` at a time, as far ahead as MEMORY_BYTES lets it.

    Args:
        decode: Rows to images.
        image_bytes: Size of one decoded image.
    """
    parts = [rows[start:start + piece] for start in range(0, len(rows), piece)]
    ahead = max(2, MEMORY_BYTES // (piece * image_bytes))
    with contextlib.closing(in_threads(decode, parts, ahead, threads=1)) as images:
        yield from zip(parts, images, strict=True)


class ProcessAhead:
    """A process (`core.engine.feed.decoder`) that decodes rows into a nameless temporary file, for one reader,
    who iterates once.

    The file is read and written with system calls: pages of a memory map would count as this process's memory. Where
    the process ends before its work is done, the rest is decoded here.

    Args:
        decode: Rows to images, for the rest.
        rows: int64 [n].
        paths: Their files.
        size, resize, max_pixels: As for `core.data.images.decode.decode`.
        piece: Rows at a time.
        folder: Where the temporary file is made.

    Raises:
        OSError: the process or its file cannot be made, for want of disk say.
    """

    def __init__(self, decode: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, paths: list[Path], size: int,
                 resize: str, piece: int, folder: Path, max_pixels: int = MAX_PIXELS) -> None:
        self.rows, self._decode = np.asarray(rows, np.int64), decode
        room = min(FILE_BYTES, FILE_SHARE * min(disk_room(folder)),
                   PAGE_SHARE * psutil.virtual_memory().available)
        slots = int(room) // (piece * size * size * 3)
        if slots < 2:
            raise OSError("no room for decoded images")
        self._job = Job([str(path) for path in paths], size, resize, piece, slots, max_pixels)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as job:
            self._job.write(job.fileno())
            descriptors = (job.fileno(), self._file.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.engine.feed.decoder", *map(str, descriptors)], pass_fds=descriptors,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._finished = 0
        """Pieces that are known to be in the file."""

    def first(self) -> np.ndarray:
        """The images of the first piece; it stays the first for the reader."""
        return self._images(0)

    def __iter__(self) -> Pieces:
        for index, start in enumerate(range(0, len(self.rows), self._job.piece)):
            yield self.rows[start:start + self._job.piece], self._images(index)
            self._free_slot()

    def cancel(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _images(self, index: int) -> np.ndarray:
        job = self._job
        part = self.rows[index * job.piece:(index + 1) * job.piece]
        assert self._process.stdout is not None
        while self._finished <= index and not self._process.stdout.closed and self._process.stdout.readline():
            self._finished += 1
        if self._finished <= index:
            return self._decode(part)
        images = np.empty((len(part), job.size, job.size, 3), np.uint8)
        if os.preadv(self._file.fileno(), [images.data], index % job.slots * job.piece_bytes) < images.nbytes:
            raise OSError("the temporary file of decoded images was cut short")
        return images

    def _free_slot(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended, done or not
            pass
