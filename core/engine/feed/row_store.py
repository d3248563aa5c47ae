"""Arrays too large for memory, one row an image, kept on disk between runs.

A store is a folder: `data.bin` holds the rows one after the other, `rows.bin` a checksum for each (0: not there yet),
`meta.json` what they are. Rows are written in any order and at any time, so that an interrupted pass goes on where it
stopped, and a row that was damaged is simply one that is missing. What is there is looked through once per process, and
again when the files have changed (400 MB: 0.3 s the first time, 0.3 ms later). Rows are read with `pread`, not through
a memory map: pages of a map count as the process's memory, and a large dataset would look, and behave, like a leak.
"""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import NewerFormatError
from core.store.documents import Format

_META = Format("rows")
MEMORY_BUDGET = 192 * 2**20
"""Bytes of activations that are kept in memory while training, all views together."""

SETTLED_SECONDS = 2.0
"""What was found sound is believed for as long as the files stay as they are, but only when they had been left alone
for so long before: file systems count time in steps (FAT's are the longest), and within one a write does not show."""

Stamp = tuple[int, ...]
_sound: dict[Path, tuple[Stamp, np.ndarray]] = {}
"""Rows of stores that this process has found to match their checksums, bool [rows], and the files' stamp then."""


class RowStore:
    """A disk array [rows, *shape] with a checksum a row.

    Args:
        folder: Made when missing. A folder with another shape, type or number of rows is begun anew.
        rows: Number of rows of the whole array.
        shape: Shape of one row.
        dtype: NumPy type name.
        about: Kept in `meta.json` for people and for eviction.
    """

    def __init__(self, folder: Path, rows: int, shape: tuple[int, ...], dtype: str,
                 about: dict[str, Any] | None = None) -> None:
        self.folder, self.rows, self.shape, self.dtype = folder, rows, tuple(shape), np.dtype(dtype)
        self.row_bytes = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize
        folder.mkdir(parents=True, exist_ok=True)
        layout = {"rows": rows, "shape": list(self.shape), "dtype": self.dtype.name}
        self._begin(layout, about or {})
        self._data = os.open(folder / "data.bin", os.O_RDWR | os.O_CREAT)
        if os.fstat(self._data).st_size != self.nbytes:
            os.truncate(self._data, self.nbytes)
        self._checksums_stamp = _stamp(os.stat(folder / "rows.bin"))
        self._checksums = np.fromfile(folder / "rows.bin", "<u4")
        self._written = False
        self._memory: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Size of the rows on disk when all are there."""
        return self.rows * self.row_bytes

    def missing(self, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` that are not stored, or whose bytes do not match their checksum (they are forgotten).

        What this process has found sound is not read again while the store's files stay as they are.
        """
        rows = np.asarray(rows, np.int64)
        stamp, settled = self._settled()
        known, sound = _sound.get(self.folder, ((), np.zeros(0, bool)))
        if known != stamp or self._written:
            sound = np.zeros(self.rows, bool)
        there = self._checksums != 0
        self._check(np.unique(rows[there[rows] & ~sound[rows]]), sound)
        if settled and not self._written:
            _sound[self.folder] = stamp, sound
        return rows[~(there & sound)[rows]]

    def write(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Store rows [k, *shape], converted to the store's type. Raises FloatingPointError when one does not fit it."""
        with np.errstate(over="raise"):
            values = np.ascontiguousarray(values, self.dtype)
        self._written = True
        for row, value in zip(rows, values, strict=True):
            os.pwrite(self._data, value.data, int(row) * self.row_bytes)
            self._checksums[row] = _checksum(value)

    def commit(self) -> None:
        """Make what was written count: data first, then the checksums."""
        os.fsync(self._data)
        self._checksums.tofile(self.folder / "rows.bin")
        self._checksums_stamp = _stamp(os.stat(self.folder / "rows.bin"))
        self._written = False

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Rows as an array [k, *shape]. They must be there: see `missing`."""
        if self._memory is not None:
            return self._memory[rows]
        return self._pread(np.asarray(rows, np.int64))

    def keep_in_memory(self, budget: int = MEMORY_BUDGET) -> None:
        """Read everything into memory when it is small enough, for fast random access."""
        if self._memory is None and self.nbytes <= budget:
            self._memory = np.fromfile(self.folder / "data.bin", self.dtype).reshape(self.rows, *self.shape)

    @property
    def memory(self) -> np.ndarray | None:
        """All rows, where they are kept in memory."""
        return self._memory

    def close(self) -> None:
        """Release the file and the memory."""
        self._memory = None
        os.close(self._data)

    def _begin(self, layout: dict[str, Any], about: dict[str, Any]) -> None:
        meta, checksums = self.folder / "meta.json", self.folder / "rows.bin"
        try:
            old = _META.read(meta)
            intact = {key: old.get(key) for key in layout} == layout and checksums.stat().st_size == 4 * self.rows
        except (OSError, ValueError, NewerFormatError):  # what can be computed again is, whoever wrote it
            intact = False
        if not intact:
            np.zeros(self.rows, "<u4").tofile(checksums)
            _META.write(meta, {**layout, **about})

    def _settled(self) -> tuple[Stamp, bool]:
        """The stamp of data and checksums, and whether both have been left alone for a while."""
        data = os.fstat(self._data)
        stamp = (*_stamp(data), *self._checksums_stamp)
        last = max(data.st_mtime_ns, data.st_ctime_ns, *self._checksums_stamp[-2:])
        return stamp, time.time_ns() - last > SETTLED_SECONDS * 1e9

    def _check(self, rows: np.ndarray, sound: np.ndarray) -> None:
        """Mark those of `rows` in `sound` whose bytes match their checksums."""
        step = max(1, (16 * 2**20) // self.row_bytes)
        for start in range(0, len(rows), step):
            part = rows[start:start + step]
            values = self._pread(part)
            sound[part] = [_checksum(value) == self._checksums[row] for row, value in zip(part, values, strict=True)]

    def _pread(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape), self.dtype)
        flat = out.reshape(len(rows), -1).view(np.uint8) if len(rows) else out
        for start, stop in _runs(rows):
            wanted = flat[start:stop]
            if os.preadv(self._data, [wanted.data], int(rows[start]) * self.row_bytes) < wanted.nbytes:
                raise OSError(f"{self.folder / 'data.bin'} was cut short while it was in use")
        return out


def _runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of neighbouring rows, each of which is one read."""
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def _stamp(found: os.stat_result) -> Stamp:
    """What tells a file that was changed, or is another one, from the file that it was."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _checksum(row: np.ndarray) -> int:
    """CRC-32, with 0 kept for "not there"."""
    return zlib.crc32(row.data) or 1
