"""Decoding ahead, in threads and in a process: the same images in the same order, whatever happens to the process."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.data.dataset import Dataset
from core.engine.feed import ahead
from core.engine.feed.ahead import Pieces, ProcessAhead, thread_ahead
from core.engine.feed.decoder import Job
from core.engine.feed.pixels import Pixels
from core.errors import ImageDecodeError
from core.store.workspace import Workspace

SIZE, PIECE = 24, 4
ROWS = np.arange(36)[::-1]
PIECE_BYTES = PIECE * SIZE * SIZE * 3


@pytest.fixture
def pixels(colours: Dataset, workspace: Workspace) -> Pixels:
    return Pixels(colours, workspace, SIZE, "pad")


def in_process(pixels: Pixels, folder: Path) -> ProcessAhead:
    return ProcessAhead(pixels.decode, ROWS, [pixels.paths[row] for row in ROWS], SIZE, "pad", PIECE, folder)


def in_threads(pixels: Pixels, folder: Path) -> Pieces:
    return thread_ahead(pixels.decode, ROWS, PIECE, SIZE * SIZE * 3)


def check(pixels: Pixels, pieces: list[tuple[np.ndarray, np.ndarray]]) -> None:
    assert [len(rows) for rows, _ in pieces] == [PIECE] * 9
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in pieces]), ROWS)
    np.testing.assert_array_equal(np.concatenate([images for _, images in pieces]), pixels.decode(ROWS))


@pytest.mark.parametrize("begin", [in_process, in_threads])
def test_all_rows_come_in_order(pixels, tmp_path, begin):
    check(pixels, list(begin(pixels, tmp_path)))
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_the_first_piece_may_be_looked_at_before(pixels, tmp_path):
    images = in_process(pixels, tmp_path)
    np.testing.assert_array_equal(images.first(), pixels.decode(ROWS[:PIECE]))
    check(pixels, list(images))


@pytest.mark.parametrize(("begin", "room"), [(in_process, "FILE_BYTES"), (in_threads, "MEMORY_BYTES")])
def test_the_decoder_waits_when_there_is_no_room(pixels, tmp_path, monkeypatch, begin, room):
    monkeypatch.setattr(ahead, room, 2 * PIECE_BYTES)
    check(pixels, list(begin(pixels, tmp_path)))


def test_the_process_keeps_to_its_room(pixels, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "FILE_BYTES", 2 * PIECE_BYTES)
    images = in_process(pixels, tmp_path)
    assert images._process.stdout is not None
    assert [images._process.stdout.readline() for _ in range(2)] == [b"\n", b"\n"]
    images._finished = 2
    time.sleep(0.5)
    assert images._file.seek(0, 2) == 2 * PIECE_BYTES
    check(pixels, list(images))


def test_a_process_that_was_killed_is_done_without(pixels, tmp_path):
    images = in_process(pixels, tmp_path)
    parts = iter(images)
    begun = [next(parts)]
    images._process.kill()
    check(pixels, begun + list(parts))


@pytest.mark.parametrize("begin", [in_process, in_threads])
def test_an_image_that_cannot_be_decoded_is_an_error_for_the_reader(pixels, tmp_path, begin):
    pixels.paths[ROWS[6]].write_bytes(b"gone bad")
    parts = iter(begin(pixels, tmp_path))
    next(parts)
    with pytest.raises(ImageDecodeError, match=pixels.paths[ROWS[6]].name):
        next(parts)


def test_what_nobody_reads_ends_when_cancelled(pixels, tmp_path):
    pixels.start(ROWS)
    process = psutil.Process(pixels._ahead._process.pid)
    pixels.cancel()
    assert not process.is_running()


def test_without_room_on_the_disk_there_is_no_process(pixels, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "FILE_SHARE", 0.0)
    with pytest.raises(OSError, match="no room"):
        in_process(pixels, tmp_path)
    pixels.start(ROWS)
    np.testing.assert_array_equal(pixels.sample(ROWS, 3), pixels.decode(ROWS[:3]))


def test_a_job_survives_its_file(tmp_path):
    with open(tmp_path / "job", "w+b", buffering=0) as file:
        job = Job(["a b.jpg", "ü\n.png"], 32, "crop", 16, 3, 10**6)
        job.write(file.fileno())
        assert Job.read(file.fileno()) == job
