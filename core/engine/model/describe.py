"""Builds the catalogue's backbones, and writes `core/backbones/catalogue.json` from their graphs.

    python -m core.engine.model.describe
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import keras

from core.backbones.catalogue import CATALOGUE_FILE
from core.engine.model.boundary import split_points
from core.engine.model.constructors import constructor
from core.engine.model.facts import FACTS, WEIGHTS_BASE, Facts
from core.store.files import write_text


def build_backbone(facts: Facts, alpha: float | None, size: int) -> keras.Model:
    """A backbone with random weights and without top, for square RGB images of `size` pixels."""
    keras.utils.clear_session()  # layers without a name of their own are numbered through the session
    width = {} if alpha is None else {"alpha": alpha}
    return constructor(facts.name)(weights=None, include_top=False, input_shape=(size, size, 3), **width)


def describe(facts: Facts) -> dict[str, Any]:
    """One row of `catalogue.json`."""
    variants = [describe_variant(facts, alpha) for alpha in facts.weights]
    layers = [row.pop("layers") for row in variants]
    if any(names != layers[0] for names in layers):
        raise ValueError(f"{facts.name}: the layers are not the same at every width")
    return {
        "name": facts.name,
        "title": facts.name,
        "description": facts.description,
        "family": facts.family,
        "default_size": facts.default_size,
        "min_size": facts.min_size,
        "default_alpha": facts.default_alpha,
        "preprocessing": facts.preprocessing,
        "layers": layers[0],
        "variants": variants,
    }


def describe_variant(facts: Facts, alpha: float | None) -> dict[str, Any]:
    """One width of a backbone, with its blocks and the names of its layers."""
    weights = facts.weights[alpha]
    model = build_backbone(facts, alpha, facts.default_size)
    parameters = model.count_params()
    return {
        "alpha": alpha,
        "parameters": parameters,
        "features": model.output_shape[-1],
        "size_mb": round(parameters * 4 / 1e6, 1),
        "top1": weights.top1,
        "weights_file": weights.file.rpartition("/")[2],
        "weights_url": WEIGHTS_BASE + weights.file if weights.file else "",
        "weights_md5": weights.md5,
        "reductions": list(_reductions(model, facts.fitted_padding)),
        "blocks": list(_blocks(model, facts)),
        "layers": [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)],
    }


def _producers(operation: Any) -> Iterator[Any]:
    for node in operation._inbound_nodes:
        for tensor in node.input_tensors:
            yield tensor._keras_history.operation


def _blocks(model: keras.Model, facts: Facts) -> Iterator[dict[str, Any]]:
    ends: dict[str, str] = {}
    for point in split_points(model):
        for pattern, template in facts.ends.items():
            match = re.fullmatch(pattern, point.layer)
            if match:
                ends[match.expand(template)] = point.layer
    operations = list(model.operations)
    start = 0
    for name, last in ends.items():
        end = model.get_layer(last)
        stop = operations.index(end) + 1
        layers = [layer for layer in operations[start:stop] if isinstance(layer, keras.layers.Layer)]
        start = stop
        yield {
            "name": name,
            "layer": last,
            "parameters": sum(layer.count_params() for layer in layers),
            "trainable": sum(_trained(layer) for layer in layers if not _is_batch_norm(layer)),
            "batch_norm": sum(_trained(layer) for layer in layers if _is_batch_norm(layer)),
            "shape": list(end.output.shape[1:]),
            "mult_adds": sum(_mult_adds(layer) for layer in layers),
        }
    if start != len(operations):
        raise ValueError(f"{facts.name}: the layers after {operations[start - 1].name} belong to no block")


def _is_batch_norm(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _trained(layer: keras.layers.Layer) -> int:
    return sum(math.prod(weight.shape) for weight in layer.trainable_weights)


def _mult_adds(layer: keras.layers.Layer) -> int:
    """Multiply-adds of convolutions: output positions times the kernel's weights. Other layers count as none."""
    kernels = [weight for weight in layer.trainable_weights if "kernel" in weight.name]
    if not kernels:
        return 0
    _, height, width, _ = layer.output.shape
    return height * width * sum(math.prod(kernel.shape) for kernel in kernels)


def _reductions(model: keras.Model, fitted_padding: bool) -> Iterator[dict[str, Any]]:
    """The steps along one way through the graph that change height and width (parallel ways change them alike)."""
    way = [model.operations[-1]]
    while producers := list(_producers(way[-1])):
        way.append(producers[0])
    padding = 0
    for layer in reversed(way):
        if isinstance(layer, keras.layers.ZeroPadding2D):
            padding += sum(layer.padding[0])
            continue
        kernel, stride = _window(layer)
        same = getattr(layer, "padding", "same") == "same" or (fitted_padding and padding > 0)
        if stride > 1 or not (same or kernel == padding + 1):
            yield {"kernel": kernel, "stride": stride, "padding": None if same else padding}
        padding = 0


def _window(layer: Any) -> tuple[int, int]:
    """Kernel and stride along the height."""
    kernel = getattr(layer, "kernel_size", getattr(layer, "pool_size", (1, 1)))
    return kernel[0], getattr(layer, "strides", (1, 1))[0]


def _render(rows: list[dict[str, Any]]) -> str:
    """JSON with a line for each block and each reduction, so that differences read well; lists of names are filled."""
    text = json.dumps(rows, indent=1)
    text = re.sub(r"\{[^{}]*\}", lambda match: " ".join(match[0].split()), text)
    return re.sub(r'\[\s*("[^\[\]{}]*")\s*\]', lambda match: f"[\n{_filled(match[1])}\n  ]", text) + "\n"


def _filled(names: str) -> str:
    return textwrap.fill(" ".join(names.split()), 118, initial_indent="   ", subsequent_indent="   ",
                         break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Rewrite the catalogue."""
    write_text(CATALOGUE_FILE, _render([describe(facts) for facts in FACTS]))


if __name__ == "__main__":
    main()
