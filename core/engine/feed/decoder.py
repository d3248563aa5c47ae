"""A process that decodes images while the worker imports Keras: `python -m core.engine.feed.decoder JOB FILE`.

Threads of the worker cannot: an import holds the interpreter's lock nearly all the time. JOB and FILE are open file
descriptors. JOB holds a `Job` as JSON; FILE is a ring of `slots` pieces, uint8 [piece, size, size, 3] each, in C
order. A line on standard output says that one more piece is in its slot, a line on standard input that the reader is
done with one. The process ends early when the reader is gone or an image cannot be decoded: the reader then decodes
itself, and meets the same error.

What it wins: 9 % of a cold run of a frozen backbone, start to end (4,317 images, 2 cores, medians of five pairs: 9.7 s
with it, 10.5 s without; `python -m benchmarks.look_ahead --pairs 5 --only decoding-process`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from core.data.images.decode import decode_batch
from core.data.images.reading import MAX_PIXELS
from core.errors import GraftError

NICENESS = 10
"""The import that goes on beside it is what everybody waits for."""


@dataclass(frozen=True)
class Job:
    """What to decode."""

    paths: list[str]
    size: int
    """Side of the square, pixels."""
    resize: str
    """crop, pad or squash."""
    piece: int
    """Images a piece."""
    slots: int
    """Pieces that FILE has room for."""
    max_pixels: int = MAX_PIXELS
    """Of one image."""

    @property
    def piece_bytes(self) -> int:
        """Bytes of one slot."""
        return self.piece * self.size * self.size * 3

    @classmethod
    def read(cls, descriptor: int) -> Job:
        """Read a job that `write` has written."""
        with os.fdopen(os.dup(descriptor), encoding="utf-8") as file:
            return cls(**json.load(file))

    def write(self, descriptor: int) -> None:
        """Write the job into an open file, to be read from its start."""
        with os.fdopen(os.dup(descriptor), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        os.lseek(descriptor, 0, os.SEEK_SET)


def main(job_descriptor: int, file: int) -> int:
    """Decode the job; 0 when all of it was."""
    os.nice(NICENESS)
    job = Job.read(job_descriptor)
    free = job.slots
    try:
        for index, start in enumerate(range(0, len(job.paths), job.piece)):
            if not free and not sys.stdin.readline():
                return 1
            free = max(free - 1, 0)
            images = decode_batch([Path(path) for path in job.paths[start:start + job.piece]], job.size, job.resize,
                                  max_pixels=job.max_pixels)
            if os.pwrite(file, images.data, index % job.slots * job.piece_bytes) < images.nbytes:
                return 1
            print(flush=True)
    except (GraftError, OSError):  # a broken image, a full disk, a reader that has gone
        return 1
    return 0


if __name__ == "__main__":
    code = main(*map(int, sys.argv[1:3]))
    sys.stdout = None  # a reader that has gone is no error at exit
    sys.exit(code)
