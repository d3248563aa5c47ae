"""How much memory decoding may take at one moment, however many threads decode."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from core.data.images.formats import FORMATS

IN_FLIGHT_BYTES = 256 * 2**20
"""Memory for the pixels that one process decodes at a time. An image that needs more is decoded alone."""
_STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes that Pillow keeps for a pixel; 4 in all other modes, RGB among them (Imaging.h)."""
_WEBP_CANVAS_BYTES = 12
"""libwebp's animation decoder holds two canvases of 4 bytes a pixel, and hands a copy over."""
_COEFFICIENT_BYTES = 2
"""libjpeg holds every coefficient of a progressive JPEG until the last scan, whatever scale it decodes to."""
_SMALL_PIXELS = 2**19
_SMALL_COPIES = 3
"""Up to this size whole copies are made, of the mode and of the orientation; larger ones are worked off in strips."""


class Budget:
    """Bytes that threads take before they decode and give back afterwards.

    Whoever wants more than there is waits, and those behind wait too: a large image is not overtaken for ever. More
    than all of it is lent when nobody else has any.
    """

    def __init__(self, total: int) -> None:
        self._total, self._lent = total, 0
        self._turn = threading.Lock()
        self._returned = threading.Condition()

    @contextmanager
    def lent(self, nbytes: int) -> Iterator[None]:
        """Hold `nbytes` for the length of the block; waits until they can be had."""
        with self._turn, self._returned:
            self._returned.wait_for(lambda: not self._lent or self._lent + nbytes <= self._total)
            self._lent += nbytes
        try:
            yield
        finally:
            with self._returned:
                self._lent -= nbytes
                self._returned.notify_all()


BUDGET = Budget(IN_FLIGHT_BYTES)


@contextmanager
def weighed(image: Image.Image, full_size: tuple[int, int]) -> Iterator[None]:
    """Wait until there is memory to decode an open image; its pixels are let go at the end of the block.

    Args:
        full_size: Width and height in the file, before a JPEG was told to decode to less.
    """
    with BUDGET.lent(needed(image, full_size)):
        try:
            yield
        finally:
            image.close()


def needed(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Bytes that decoding an open image takes at its peak, as its header tells."""
    pixels = image.width * image.height
    stored = pixels * _STORED_BYTES.get(image.mode, 4)
    if pixels <= _SMALL_PIXELS:
        stored *= _SMALL_COPIES
    row = FORMATS.get(image.format or "")
    if row is not None and row.pixel_bytes is not None:
        return stored + pixels * row.pixel_bytes(len(image.getbands()))
    if image.format == "WEBP":
        return stored + pixels * _WEBP_CANVAS_BYTES
    if image.format == "TIFF" and image.info.get("compression", "raw") != "raw":
        return stored + pixels * _file_bytes(image)  # it may be one strip, which libtiff unpacks as a whole
    if "progressive" in image.info:
        return stored + full_size[0] * full_size[1] * len(image.getbands()) * _COEFFICIENT_BYTES
    return stored


def _file_bytes(image: Image.Image) -> int:
    """Bytes of a pixel in a TIFF."""
    return 4 if image.mode in ("I", "F") else 2 if image.mode.startswith("I;16") else len(image.getbands())
