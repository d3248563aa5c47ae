"""What is asked of a loaded model, whatever the operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """Pictures for an operation, and how it may go about them."""

    images: list[Path]
    seconds: float
    """The longest wait for the model, while others use it."""
    max_pixels: int
    """Larger pictures are refused: the limit of the workspace that asks."""
    tell: Callable[[int, int], None]
    """Takes (pictures done, pictures in all)."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What only this operation knows, such as `top_k`."""
