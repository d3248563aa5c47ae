"""How many images a second go through a backbone on this machine: measured on demand, and kept with the machine.

A figure belongs to a backbone, its width and an image size. What was not measured is estimated from multiply-adds.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from core.backbones.catalogue import Variant
from core.errors import GraftError
from core.estimates import FORWARD
from core.store.documents import Format
from core.store.machine import Machine

_FILE = "backbone-speeds.json"
"""Beside the machine's limits, not in its cache: minutes of measuring are not to go when room is made."""
_FORMAT = Format("speeds of backbones")


@dataclass(frozen=True)
class Subject:
    """What a speed belongs to."""

    backbone: str
    alpha: float | None
    size: int
    """Side of the square images in pixels."""

    @property
    def key(self) -> str:
        """`MobileNetV2 0.35 224`; without a width `VGG16 - 224`."""
        return f"{self.backbone} {'-' if self.alpha is None else f'{self.alpha:g}'} {self.size}"


@dataclass(frozen=True)
class Speed:
    """What was measured."""

    images_per_second: float
    """Through the frozen backbone and the pooling, decoding not counted."""
    engine: str
    """`ONNX Runtime` or `Keras`, whichever Graft uses for this backbone here."""
    why: str
    """Why it is that one, in words."""
    measured: float
    """When, in seconds since the epoch."""


def subject(variant: Variant, size: int | None = None) -> Subject:
    """A variant at an image size. None: the one that it was pretrained on."""
    return Subject(variant.backbone, variant.alpha, size or variant.default_size)


def known(machine: Machine) -> dict[str, Speed]:
    """All that was measured on a machine, by `Subject.key`; what cannot be read counts as not measured."""
    found: dict[str, Speed] = {}
    with contextlib.suppress(OSError, ValueError, GraftError):
        for key, row in _FORMAT.content(machine.root / _FILE).items():
            with contextlib.suppress(TypeError, ValueError):
                speed = Speed(**row)
                found |= {key: speed} if speed.images_per_second > 0 else {}
    return found


def keep(machine: Machine, what: Subject, images_per_second: float, engine: str, why: str) -> Speed:
    """Remember a speed in place of an older one. Raises OSError, and NewerFormatError for a file that is not ours."""
    speed = Speed(images_per_second, engine, why, time.time())
    path = machine.root / _FILE
    with machine.lock("backbone-speeds"):
        try:
            before = _FORMAT.content(path)
        except (FileNotFoundError, ValueError):  # none yet, or one that nobody can read
            before = {}
        _FORMAT.write(path, {**before, what.key: asdict(speed)})
    return speed


def estimated(variant: Variant, speeds: Mapping[str, float]) -> float:
    """Images a second at the usual image size by multiply-adds alone. `speeds`: of `core.estimates.measured`."""
    return speeds[FORWARD] / variant.mult_adds
