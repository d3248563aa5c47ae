"""Where in a picture the model finds what speaks for a class."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from core.data.images.decode import decode
from core.engine.inference.models import LoadedModel
from core.engine.inference.request import Request
from core.errors import ImageDecodeError, InferenceError

COLOURS = np.array([[20, 20, 60], [120, 28, 109], [229, 92, 48], [252, 255, 164]], np.float32)
"""From nothing to most: dark, violet, orange, yellow; lighter all the way, so that nobody needs to see colours."""
OPACITY = 0.55


def heatmaps(model: LoadedModel, request: Request) -> list[dict[str, Any]]:
    """`{heat, overlay, error}` for each picture: float16 [size, size] and a PNG of the model's square of the picture
    with the heat laid over it, both in base64.

    Options: `label`, a class, or None for the class that each picture is given; `opacity` of the heat, 0 to 1.

    Raises:
        InferenceError: no such class, or others kept the model for too long.
    """
    label, opacity = request.options.get("label"), float(request.options.get("opacity", OPACITY))
    if label is not None and label not in model.classes:
        raise InferenceError(f"The model knows no class '{label}'.", f"Its classes: {', '.join(model.classes[:20])}.")
    found: list[dict[str, Any]] = []
    for path in request.images:
        try:
            pixels = decode(path, model.size, model.resize, request.max_pixels)
        except ImageDecodeError as error:
            found.append({"heat": None, "overlay": None, "error": error.message})
        else:
            chosen = None if label is None else np.array([model.classes.index(label)])
            with model.turn(request.seconds):
                heat = model.heat(pixels[None], chosen)[0]
            found.append({"heat": _text(heat.astype("<f2").tobytes()), "overlay": _text(overlay(pixels, heat, opacity)),
                          "error": None})
        request.tell(len(found), len(request.images))
    return found


def overlay(pixels: np.ndarray, heat: np.ndarray, opacity: float = OPACITY) -> bytes:
    """A PNG of an image with heat laid over it, the more the hotter.

    Args:
        pixels: uint8 [h, w, 3].
        heat: float [h, w], 0 to 1.
        opacity: Of the hottest.
    """
    place = heat * (len(COLOURS) - 1)
    low = np.minimum(place.astype(int), len(COLOURS) - 2)
    share = (place - low)[..., None]
    colour = COLOURS[low] * (1 - share) + COLOURS[low + 1] * share
    weight = (opacity * np.sqrt(heat))[..., None]
    buffer = io.BytesIO()
    mixed = pixels * (1 - weight) + colour * weight
    Image.fromarray(mixed.round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
