"""What a loaded model can be asked for. A further operation is a file beside this one and a row here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.engine.inference.embeddings import embed
from core.engine.inference.heatmaps import heatmaps
from core.engine.inference.models import LoadedModel
from core.engine.inference.predictions import predict
from core.engine.inference.request import Request
from core.engine.inference.small_pictures import small_pictures

OPERATIONS: dict[str, Callable[[LoadedModel, Request], Any]] = {
    "predict": predict,
    "embed": embed,
    "heatmaps": heatmaps,
    "small_pictures": small_pictures,
}
"""By the name that a request gives; what they return can be written as JSON."""
