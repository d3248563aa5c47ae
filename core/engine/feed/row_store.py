"""Arrays too large for memory, one row an image, kept on disk between runs.

A store is a folder: `data.bin` holds the rows one after the other, `rows.bin` a checksum for each (0: not there yet),
`meta.json` what they are. Rows are written in any order and at any time, so that an interrupted pass goes on where it
stopped, and a row that was damaged is simply one that is missing. Rows are read with `pread`, not through a memory
map: pages of a map count as the process's memory, and a large dataset would look, and behave, like a leak.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from core.store.files import read_json, write_json

MEMORY_BUDGET = 192 * 2**20
"""Bytes of activations that are kept in memory while training, all views together."""


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
        self._checksums = np.fromfile(folder / "rows.bin", "<u4")
        self._memory: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Size of the rows on disk when all are there."""
        return self.rows * self.row_bytes

    def missing(self, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` that are not stored, or whose bytes do not match their checksum (they are forgotten)."""
        rows = np.asarray(rows, np.int64)
        absent = self._checksums[rows] == 0
        step = max(1, (16 * 2**20) // self.row_bytes)
        for start in range(0, len(rows), step):
            part = np.arange(start, min(start + step, len(rows)))
            part = part[~absent[part]]
            values = self._pread(rows[part])
            for position, value in zip(part, values, strict=True):
                absent[position] = _checksum(value) != self._checksums[rows[position]]
        return rows[absent]

    def write(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Store rows [k, *shape], converted to the store's type. Raises FloatingPointError when one does not fit it."""
        with np.errstate(over="raise"):
            values = np.ascontiguousarray(values, self.dtype)
        for row, value in zip(rows, values, strict=True):
            os.pwrite(self._data, value.data, int(row) * self.row_bytes)
            self._checksums[row] = _checksum(value)

    def commit(self) -> None:
        """Make what was written count: data first, then the checksums."""
        os.fsync(self._data)
        self._checksums.tofile(self.folder / "rows.bin")

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
            old = read_json(meta)
            intact = {key: old.get(key) for key in layout} == layout and checksums.stat().st_size == 4 * self.rows
        except (OSError, ValueError):
            intact = False
        if not intact:
            np.zeros(self.rows, "<u4").tofile(checksums)
            write_json(meta, {**layout, **about})

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


def _checksum(row: np.ndarray) -> int:
    """CRC-32, with 0 kept for "not there"."""
    return zlib.crc32(row.data) or 1
