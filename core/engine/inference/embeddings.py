"""What the backbone makes of a picture: its pooled features."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from core.engine.inference.decoding import answered
from core.engine.inference.models import LoadedModel
from core.engine.inference.request import Request
from core.errors import InferenceError


def embed(model: LoadedModel, request: Request) -> dict[str, Any]:
    """`{rows, width, errors}`: float32 [n, width], little-endian, in base64, and why each picture could not be read.

    The row of a file that is no picture is NaN.

    Raises:
        InferenceError: the model gives no features, or others kept it for too long.
    """
    if model.embed is None:
        raise InferenceError("This model has no pooled features.", "Choose another run.")
    items = list(answered(model, model.embed, request))
    width = next((len(item.row) for item in items if item.row is not None), 0)
    rows = np.full((len(items), width), np.nan, "<f4")
    for index, item in enumerate(items):
        if item.row is not None:
            rows[index] = item.row
    return {"rows": base64.b64encode(rows.tobytes()).decode("ascii"), "width": width,
            "errors": [item.error for item in items]}
