"""Which class a picture is of."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.engine.inference.decoding import answered
from core.engine.inference.models import LoadedModel
from core.engine.inference.request import Request
from core.errors import InferenceError


def predict(model: LoadedModel, request: Request) -> list[dict[str, Any]]:
    """`{path, label, probability, top, error}` for each picture, in order; `top` has the best `top_k` classes.

    A file that is no picture has an `error` in place of an answer.

    Raises:
        InferenceError: the model gives no probabilities, or others kept it for too long.
    """
    if model.predict is None:
        raise InferenceError("This model does not classify.", "Choose another run.")
    top_k = request.options["top_k"]
    return [
        {"path": str(item.path), "label": "", "probability": 0.0, "top": [], "error": item.error} if item.row is None
        else {"path": str(item.path), **_answer(item.row, model.classes, top_k)}
        for item in answered(model, model.predict, request)
    ]


def _answer(probabilities: np.ndarray, classes: list[str], top_k: int) -> dict[str, Any]:
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    top = [{"label": classes[index], "probability": round(float(probabilities[index]), 6)} for index in order]
    return {**top[0], "top": top, "error": None}
