"""JPEG XL for Pillow, by libjxl (`pylibjxl`: BSD). Imported when one is met.

The package has a plugin of its own, which copies the pixels twice and tells Pillow the EXIF orientation although
libjxl has turned the image already.
"""

from __future__ import annotations

from typing import Any

import pylibjxl
from PIL import Image, ImageFile

from core.data.images.formats import FORMATS

_HEADER = 2**16
"""Bytes that hold the header, unless large boxes stand before it."""
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class JpegXlFile(ImageFile.ImageFile):
    """An open JPEG XL: the header is read at once, the pixels when they are asked for."""

    format = "JXL"
    format_description = "JPEG XL"

    def _open(self) -> None:
        assert self.fp is not None
        header = self.fp.read(_HEADER)
        try:
            about = pylibjxl.probe(header)
        except RuntimeError:
            try:
                about = pylibjxl.probe(header + self.fp.read())
            except RuntimeError as error:
                raise SyntaxError(str(error)) from error  # what Pillow expects of a plugin that declines
        self._size = (about["width"], about["height"])
        self._mode = "RGBA" if about["has_alpha"] else _MODES[about["color_channels"]]
        self.tile = []

    def load(self) -> Any:
        """Decode all pixels, once."""
        if self._im is None:
            assert self.fp is not None
            self.fp.seek(0)
            pixels = pylibjxl.decode(self.fp.read())
            decoded = Image.fromarray(pixels)
            if decoded.size != self._size:
                raise OSError("it has another size than its header says")
            self._im, self._mode = decoded.im, decoded.mode
        return Image.Image.load(self)


def _accept(prefix: bytes) -> bool:
    return FORMATS["JXL"].marks(prefix)


Image.register_open(JpegXlFile.format, JpegXlFile, _accept)
