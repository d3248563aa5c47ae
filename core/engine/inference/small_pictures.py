"""Pictures made small, so that who shows them beside the answers never decodes what a visitor has brought."""

from __future__ import annotations

import base64
from pathlib import Path

from core.data.images.thumbnails import small_jpeg
from core.engine.feed.threads import in_threads
from core.engine.inference.models import LoadedModel
from core.engine.inference.request import Request
from core.errors import ImageDecodeError


def small_pictures(model: LoadedModel, request: Request) -> list[str | None]:
    """For each picture a JPEG in base64, at most `edge` pixels wide and high; None for a file that is no picture."""
    edge = request.options["edge"]

    def small(path: Path) -> str | None:
        try:
            return base64.b64encode(small_jpeg(path, edge, request.max_pixels)).decode("ascii")
        except ImageDecodeError:
            return None

    return list(in_threads(small, request.images, ahead=len(request.images)))
