"""Which rows of the catalogue a test that builds networks goes over: one a family at once, all under `slow`."""

from __future__ import annotations

from typing import Any

import pytest

from core.backbones.catalogue import BACKBONES

ALWAYS = ("MobileNetV2", "MobileNetV3Small", "Xception")
"""Beside the smallest of each family: the default; layers named by Keras's counters; operations that are no layers."""


def one_a_family(params: list[Any]) -> list[Any]:
    """The same parameters, with all but the first of the smallest backbone of each family marked slow.

    Args:
        params: `pytest.param`s whose first value has a `name` (a backbone's), and whose id begins with it.
    """
    smallest: dict[str, str] = {}
    for backbone in sorted(BACKBONES.values(), key=lambda backbone: backbone.variants[0].parameters):
        smallest.setdefault(backbone.family, backbone.name)
    chosen, seen = [], set()
    for param in params:
        name = param.values[0].name
        quick = name not in seen and name in {*smallest.values(), *ALWAYS}
        seen.add(name)
        chosen.append(param if quick else pytest.param(*param.values, id=param.id, marks=pytest.mark.slow))
    return chosen


