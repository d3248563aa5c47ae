"""Decoded images: a stream, a store, and the same pixels from both."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.dataset import Dataset
from core.data.images.decode import decode
from core.engine.feed.pixels import CHUNK, Pixels
from core.errors import ImageDecodeError
from core.store.limits import MachineLimits
from core.store.machine import Machine
from core.store.workspace import Workspace

ROWS = np.arange(36)


@pytest.fixture
def pixels(colours: Dataset, workspace: Workspace) -> Pixels:
    return Pixels(colours, workspace, 24, "crop")


def ignore(done: int, total: int) -> None:
    """Nobody wants to know."""


def test_rows_are_the_images_of_the_one_decoder(pixels):
    for row in (0, 20, 35):
        np.testing.assert_array_equal(pixels.read(np.array([row]))[0], decode(pixels.paths[row], 24, "crop"))


@pytest.mark.parametrize("started", [True, False])
def test_a_stream_gives_all_rows_in_order(pixels, started):
    order = ROWS[::-1]
    if started:
        pixels.start(order)
        np.testing.assert_array_equal(pixels.sample(order, 4), pixels.decode(order[:4]))
    parts = list(pixels.stream(order))
    assert [len(part) for part, _ in parts] == [CHUNK, 36 - CHUNK]
    np.testing.assert_array_equal(np.concatenate([part for part, _ in parts]), order)
    np.testing.assert_array_equal(np.concatenate([images for _, images in parts]), pixels.decode(order))


def test_a_stream_of_other_rows_than_were_begun(pixels):
    pixels.start(ROWS)
    ((part, images),) = pixels.stream(ROWS[30:])
    np.testing.assert_array_equal(part, ROWS[30:])
    np.testing.assert_array_equal(images, pixels.decode(ROWS[30:]))


def test_what_is_kept_is_read_without_decoding(pixels):
    expected = pixels.decode(ROWS)
    assert pixels.keep(ROWS, ignore)
    for path in pixels.paths:
        path.unlink()
    np.testing.assert_array_equal(pixels.read(ROWS[::3]), expected[::3])
    np.testing.assert_array_equal(next(iter(pixels.stream(ROWS)))[1], expected[:CHUNK])


def test_a_later_run_finds_what_was_kept(pixels, colours, workspace):
    assert pixels.keep(ROWS[:20], ignore)
    told: list[tuple[int, int]] = []
    again = Pixels(colours, workspace, 24, "crop")
    assert again.keep(ROWS, lambda done, total: told.append((done, total)))
    assert told == [(16, 16)]


def test_what_does_not_fit_is_decoded_each_time(colours, workspace):
    machine = Machine(workspace.root, MachineLimits(cache_bytes=36 * 24 * 24 * 3))
    small = Pixels(colours, Workspace(workspace.root, machine=machine), 24, "crop")
    assert not small.keep(ROWS, ignore)  # half of the limit at most
    np.testing.assert_array_equal(small.read(ROWS[:2]), small.decode(ROWS[:2]))


def test_an_image_that_is_lost_is_an_error_for_the_reader(pixels):
    pixels.paths[34].write_bytes(b"gone bad")
    with pytest.raises(ImageDecodeError):
        list(pixels.stream(ROWS))
