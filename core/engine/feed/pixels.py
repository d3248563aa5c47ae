"""Decoded images: a stream that runs ahead of its reader, and a store for what is read more than once."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL

from core.data.dataset import Dataset
from core.data.images.decode import DECODER, decode_batch
from core.engine.feed.ahead import ProcessAhead, thread_ahead
from core.engine.feed.row_store import RowStore
from core.store.cache import PIXELS_SHARE, cache_key, claim, make_room
from core.store.processes import cores
from core.store.workspace import Workspace

CHUNK = 16 * max(2, cores())
"""Images decoded, and sent through a trunk, at a time: a few pieces for every core."""

Progress = Callable[[int, int], None]


class Pixels:
    """The images of a dataset at one size. Row numbers are positions in `dataset.usable()`.

    Args:
        size: Side of the square, pixels.
        resize: crop, pad or squash.
    """

    def __init__(self, dataset: Dataset, workspace: Workspace, size: int, resize: str) -> None:
        table = dataset.usable()
        self.paths: list[Path] = [dataset.image_path(file) for file in table["file"]]
        self.size, self.resize, self._workspace = size, resize, workspace
        self._max_pixels = workspace.limits.image_pixels
        self.contents: list[str] = list(table["hash"])
        contents = hashlib.sha256("\n".join(self.contents).encode()).hexdigest()
        self.key = cache_key(contents=contents, size=size, resize=resize, decoder=DECODER, pillow=PIL.__version__)
        self._store: RowStore | None = None
        self._kept = np.zeros(0, np.int64)
        self.seconds = 0.0
        """Time that `keep` took."""
        self._ahead: ProcessAhead | None = None

    @property
    def image_bytes(self) -> int:
        """Bytes of one decoded image."""
        return self.size * self.size * 3

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Decode now: uint8 [k, size, size, 3]."""
        return decode_batch([self.paths[row] for row in rows], self.size, self.resize, max_pixels=self._max_pixels)

    def contents_of(self, rows: np.ndarray) -> list[str]:
        """SHA-256 of each row's file."""
        return [self.contents[row] for row in rows]

    def sample(self, rows: np.ndarray, count: int) -> np.ndarray:
        """The first `count` images of `rows`, without decoding again what already waits for a reader."""
        if self._ahead is not None and np.array_equal(self._ahead.rows[:count], rows[:count]):
            return self._ahead.first()[:count]
        return self.read(rows[:count])

    def start(self, rows: np.ndarray) -> None:
        """Begin to decode `rows` in another process, for the next `stream` over the same rows."""
        with contextlib.suppress(OSError):  # then they are decoded when they are asked for
            self._ahead = ProcessAhead(self.decode, rows, [self.paths[row] for row in rows], self.size, self.resize,
                                       CHUNK, self._workspace.cache, self._max_pixels)

    def cancel(self) -> None:
        """Stop what `start` has begun and nobody has read."""
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def stream(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pieces of `rows` with their images (uint8 [k, size, size, 3]), in order, decoded ahead of the reader."""
        if self._store is not None:
            for start in range(0, len(rows), CHUNK):
                yield rows[start:start + CHUNK], self._store.read(rows[start:start + CHUNK])
            return
        if self._ahead is not None and not np.array_equal(self._ahead.rows, rows):
            self.cancel()
        begun, self._ahead = self._ahead, None
        if begun is None:
            yield from thread_ahead(self.decode, rows, CHUNK, self.image_bytes)
            return
        try:
            yield from begun
        finally:
            begun.cancel()

    def keep(self, rows: np.ndarray, progress: Progress) -> bool:
        """Store `rows` decoded, when they fit into the cache; later reads come from there.

        Returns:
            False when they do not fit: every read decodes again.
        """
        if self._store is not None:
            if np.array_equal(self._kept, rows):
                return True
            self._store.close()
            self._store = None
        if len(self.paths) * self.image_bytes > PIXELS_SHARE * self._workspace.machine.limits.cache_bytes:
            return False
        folder = self._workspace.cache / "pixels" / self.key
        claim(folder)
        store = RowStore(folder, len(self.paths), (self.size, self.size, 3), "uint8", {"what": "decoded images"})
        missing = store.missing(rows)
        if len(missing) and not make_room(self._workspace.machine, len(missing) * self.image_bytes):
            store.close()
            return False
        done, began = 0, time.monotonic()
        for part, images in self.stream(missing):
            store.write(part, images)
            done += len(part)
            progress(done, len(missing))
        store.commit()
        self.seconds += time.monotonic() - began
        self._store, self._kept = store, rows
        return True

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images by row: from the store when they are kept, else decoded."""
        return self.decode(rows) if self._store is None else self._store.read(rows)
