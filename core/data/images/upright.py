"""An image as people see it: upright and in RGB, transparency over white, a strip at a time where it is large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

WHITE = (255, 255, 255)
STRIP_PIXELS = 2**19
"""Pixels that are turned and converted at a time: whole copies of a large image would take many times its memory."""
_WHOLE_PIXELS = 2**24
"""Up to this size an image that is only to be made a little smaller is converted as a whole."""
_REDUCING_GAP = 2.0
_BILINEAR_SUPPORT = 0.5
"""What Pillow's BILINEAR looks at beyond a box, in target pixels (`Image._get_safe_box`)."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom, in pixels."""

_ORIENTATION_TAG = 0x0112
LYING = (5, 6, 7, 8)
"""Of these orientations, width and height change places."""
_UPRIGHT = {  # EXIF 2.32, section 4.6.4: what undoes each orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STORED: dict[int, Callable[[Box, int, int], Box]] = {  # where a box of the upright image lies in the stored w × h
    2: lambda box, w, h: (w - box[2], box[1], w - box[0], box[3]),
    3: lambda box, w, h: (w - box[2], h - box[3], w - box[0], h - box[1]),
    4: lambda box, w, h: (box[0], h - box[3], box[2], h - box[1]),
    5: lambda box, w, h: (box[1], box[0], box[3], box[2]),
    6: lambda box, w, h: (box[1], h - box[2], box[3], h - box[0]),
    7: lambda box, w, h: (w - box[3], h - box[2], w - box[1], h - box[0]),
    8: lambda box, w, h: (w - box[3], box[0], w - box[1], box[2]),
}


class Upright:
    """The pixels of an open image, upright and in RGB. Decodes it.

    The results are, pixel for pixel, those of turning, converting and resizing the whole image at once.
    """

    def __init__(self, image: Image.Image) -> None:
        image.load()
        self._image = image
        self._orientation = orientation(image)
        self._range = _value_range(image) if _is_deep(image) else (0.0, 0.0)
        self.size = image.size[::-1] if self._orientation in LYING else image.size

    @property
    def width(self) -> int:
        """Pixels."""
        return self.size[0]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.size[1]

    def whole(self) -> Image.Image:
        """All of it at once."""
        return self._part((0, 0, *self.size))

    def pixels(self) -> np.ndarray:
        """All of it: uint8 [h, w, 3]."""
        result = np.empty((self.height, self.width, 3), np.uint8)
        rows = self._rows(self.width)
        for top in range(0, self.height, rows):
            bottom = min(top + rows, self.height)
            result[top:bottom] = np.asarray(self._part((0, top, self.width, bottom)))
        return result

    def resized(self, to: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
        """A part of it at another size.

        Pillow's BILINEAR weighs all pixels under the target pixel, so it does not alias.
        """
        if self.size == to and box == (0, 0, *to):
            return self.whole()
        by = _factor(box[2] - box[0], to[0]), _factor(box[3] - box[1], to[1])
        pixels = self.width * self.height
        if self._plain or pixels <= STRIP_PIXELS or (by == (1, 1) and pixels <= _WHOLE_PIXELS):
            return self.whole().resize(to, Image.Resampling.BILINEAR, box=box, reducing_gap=_REDUCING_GAP)
        part, inner = self._reduced(to, box, by)
        return part.resize(to, Image.Resampling.BILINEAR, box=inner)

    def _reduced(self, to: tuple[int, int], box: tuple[float, float, float, float],
                 by: tuple[int, int]) -> tuple[Image.Image, tuple[float, float, float, float]]:
        """What `Image.resize` makes of an image first: a part reduced by whole factors, and the box in it."""
        scale_x, scale_y = (box[2] - box[0]) / to[0], (box[3] - box[1]) / to[1]
        by_x, by_y = by
        margin_x, margin_y = _BILINEAR_SUPPORT * scale_x, _BILINEAR_SUPPORT * scale_y
        left, top = max(0, int(box[0] - margin_x)), max(0, int(box[1] - margin_y))
        right, bottom = min(self.width, math.ceil(box[2] + margin_x)), min(self.height, math.ceil(box[3] + margin_y))
        reduced = Image.new("RGB", (-(-(right - left) // by_x), -(-(bottom - top) // by_y)))
        rows = max(self._rows(right - left) // by_y, 1) * by_y
        for start in range(top, bottom, rows):
            strip = self._part((left, start, right, min(start + rows, bottom)))
            reduced.paste(strip.reduce((by_x, by_y)), (0, (start - top) // by_y))
        return reduced, ((box[0] - left) / by_x, (box[1] - top) / by_y, (box[2] - left) / by_x, (box[3] - top) / by_y)

    @property
    def _plain(self) -> bool:
        """Nothing is to be turned or converted, so no copy is made."""
        return self._orientation not in _UPRIGHT and self._image.mode == "RGB" and \
            not self._image.has_transparency_data

    def _part(self, box: Box) -> Image.Image:
        """A box of the upright image, in RGB."""
        part, size = self._image, self._image.size
        if box != (0, 0, *self.size):
            locate = _STORED.get(self._orientation)
            part = part.crop(box if locate is None else locate(box, *size))
        rgb = Image.fromarray(_scaled(part, *self._range)).convert("RGB") if _is_deep(part) else _rgb(part)
        method = _UPRIGHT.get(self._orientation)
        return rgb if method is None else rgb.transpose(method)

    @staticmethod
    def _rows(width: int) -> int:
        return max(1, STRIP_PIXELS // max(width, 1))


def _factor(length: float, to: int) -> int:
    """By how much `Image.resize` reduces one side before it resizes."""
    return int(length / to / _REDUCING_GAP) or 1


def orientation(image: Image.Image) -> int:
    """How the stored image lies, as EXIF numbers it: 1 is upright."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # broken EXIF does not make a photo unusable, and can raise anything
        return 1
    return value if isinstance(value, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode of 8 bits to RGB: transparency over white."""
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", image.size, WHITE)
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """16-bit, 32-bit and float: scaled by their own range."""
    return image.mode.startswith(("I", "F"))


def _value_range(image: Image.Image) -> tuple[float, float]:
    """The least and the greatest finite value."""
    low, high = np.inf, -np.inf
    for _, values in _strips(image):
        finite = np.isfinite(values)
        low = min(low, values.min(where=finite, initial=np.inf))
        high = max(high, values.max(where=finite, initial=-np.inf))
    return float(low), float(high)


def _scaled(image: Image.Image, low: float, high: float) -> np.ndarray:
    """Stretch finite values from low..high to 0..255; an even image becomes mid-grey. uint8 [h, w]."""
    result = np.full((image.height, image.width), 128, np.uint8)
    if high <= low:
        return result
    for top, values in _strips(image):
        share = (np.where(np.isfinite(values), values, low) - low) / (high - low)
        result[top:top + len(values)] = np.round(share * 255)
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, float64 [rows, w]) from top to bottom: in float64 a whole image would take 4 times its memory."""
    rows = max(1, STRIP_PIXELS // max(image.width, 1))
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(top + rows, image.height)))
        yield top, np.asarray(part, np.float32).astype(np.float64)
