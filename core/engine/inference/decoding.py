"""The pictures of a request, decoded ahead of the model, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.images.decode import decode
from core.engine.feed.threads import in_threads
from core.engine.inference.models import Forward, LoadedModel
from core.engine.inference.request import Request
from core.errors import ImageDecodeError

BATCH = 32


@dataclass(frozen=True)
class Answered:
    """One picture: the model's row for it, or why it could not be read."""

    path: Path
    row: np.ndarray | None
    error: str | None


def answered(model: LoadedModel, forward: Forward, request: Request) -> Iterator[Answered]:
    """Run all pictures through one of the model's abilities, in order; progress is told after each batch.

    Raises:
        InferenceError: others kept the model for too long.
    """
    done = 0
    for batch in _batches(model, request):
        good = [image for _, image in batch if isinstance(image, np.ndarray)]
        rows: Iterator[np.ndarray] = iter(())
        if good:
            stacked = np.stack(good)
            with model.turn(request.seconds):
                rows = iter(forward(stacked))
        for path, image in batch:
            if isinstance(image, np.ndarray):
                yield Answered(path, next(rows), None)
            else:
                yield Answered(path, None, image.message)
        done += len(batch)
        request.tell(done, len(request.images))


def _batches(model: LoadedModel, request: Request) -> Iterator[list[tuple[Path, np.ndarray | ImageDecodeError]]]:
    def read(path: Path) -> tuple[Path, np.ndarray | ImageDecodeError]:
        try:
            return path, decode(path, model.size, model.resize, request.max_pixels)
        except ImageDecodeError as error:
            return path, error

    batch = []
    for item in in_threads(read, request.images, ahead=2 * BATCH):
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
