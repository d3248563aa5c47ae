"""Builds the catalogue's backbones, and writes the files of `core/backbones/catalogue` from their graphs.

    python -m core.engine.model.describe [NAME ...]

Each backbone is built in a process of its own, one at a time: the largest take more than a gigabyte.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from core.backbones.catalogue import FOLDER, INDEX, SCHEMA
from core.engine.model.constructors import constructor
from core.engine.model.facts import FACTS
from core.engine.model.facts.row import Facts, Weights
from core.engine.model.render import render
from core.store.files import write_text


def build_backbone(facts: Facts, alpha: float | None, size: int) -> keras.Model:
    """A backbone with random weights and without top, for square RGB images of `size` pixels."""
    keras.utils.clear_session()  # layers without a name of their own are numbered through the session
    width = {} if alpha is None else {"alpha": alpha}
    return constructor(facts.name)(weights=None, include_top=False, input_shape=(size, size, 3), **width)


def describe(facts: Facts) -> dict[str, Any]:
    """One backbone: `index`, its row of `index.json`, and `graph`, its entry in the family's file."""
    found = [describe_variant(facts, alpha) for alpha in facts.weights]
    graphs = [graph for _, graph in found]
    shared = {key: value for key, value in graphs[0].items() if key != "width"}
    if any({key: value for key, value in graph.items() if key != "width"} != shared for graph in graphs):
        raise ValueError(f"{facts.name}: the layers are not the same at every width")
    index = {
        "name": facts.name, "title": facts.name, "description": facts.description, "family": facts.family,
        "default_size": facts.default_size, "min_size": facts.min_size, "default_alpha": facts.default_alpha,
        "preprocessing": facts.preprocessing, "depth": facts.depth,
        "paper": asdict(facts.paper) if facts.paper else None, "licence": facts.licence,
        "variants": [variant for variant, _ in found],
    }
    return {"index": index, "graph": {**shared, "widths": [graph["width"] for graph in graphs]}}


def describe_variant(facts: Facts, alpha: float | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """One width of a backbone: its figures for the index, and its graph."""
    model = build_backbone(facts, alpha, facts.default_size)
    graph = describe_graph(model, facts)
    parameters = model.count_params()
    width = {"alpha": alpha, **graph["width"]}
    variant = {
        "alpha": alpha, "parameters": parameters, "features": model.output_shape[-1],
        "mult_adds": sum(kernel * positions for kernel, positions in zip(width["kernels"], _positions(model, graph),
                                                                         strict=True)),
        "size_mb": round(parameters * 4 / 1e6, 1), **_published(facts.weights[alpha]),
    }
    return variant, {**graph, "width": width}


def _published(weights: Weights) -> dict[str, Any]:
    name = weights.saved_as or weights.file.rpartition("/")[2]
    return {"top1": weights.top1, "top5": weights.top5, "weights_file": name,
            "weights_url": weights.url, "weights_hash": weights.hash}


def describe_graph(model: keras.Model, facts: Facts) -> dict[str, Any]:
    """Layers, what feeds them, windows and blocks, as the family's file has them; lists go by layer."""
    operations, blocks = _in_blocks(model, facts)
    places = {id(operation): index for index, operation in enumerate(operations)}
    kinds = sorted({type(operation).__name__ for operation in operations
                    if isinstance(operation, keras.layers.Layer)})
    found = [_window(operation, facts.fitted_padding) for operation in operations]
    windows = sorted({window for window in found if window is not None}, key=str)
    return {
        "layers": [operation.name for operation in operations],
        "kinds": kinds,
        "kind": [kinds.index(type(operation).__name__) + 1 if isinstance(operation, keras.layers.Layer) else 0
                 for operation in operations],
        "back": [_back(index, operation, places) for index, operation in enumerate(operations)],
        "windows": [list(window) for window in windows],
        "window": [0 if window is None else windows.index(window) + 1 for window in found],
        "blocks": blocks,
        "width": {
            "channels": [operation.output.shape[-1] for operation in operations],
            "parameters": [_parameters(operation) for operation in operations],
            "kernels": [_kernel(operation) for operation in operations],
        },
    }


def _back(index: int, operation: Any, places: dict[int, int]) -> int | list[int]:
    """How far before it the layers stand that feed it; the image stands before the first."""
    distances = [index - places.get(id(producer), -1) for producer in _producers(operation)]
    return distances[0] if len(distances) == 1 else distances


def _producers(operation: Any) -> Iterator[Any]:
    for node in operation._inbound_nodes:
        for tensor in node.input_tensors:
            yield tensor._keras_history.operation


def _in_blocks(model: keras.Model, facts: Facts) -> tuple[list[Any], list[list[Any]]]:
    """All operations, block by block, each behind those that feed it; name and position of every block's last layer."""
    operations = [item for item in model.operations if not isinstance(item, keras.layers.InputLayer)]
    ends: dict[str, Any] = {}
    for operation in operations:
        for pattern, template in facts.ends.items():
            match = re.fullmatch(pattern, operation.name)
            if match and isinstance(operation, keras.layers.Layer):
                ends[match.expand(template)] = operation
    ordered: list[Any] = []
    blocks: list[list[Any]] = []
    done = {id(item) for item in model.operations if isinstance(item, keras.layers.InputLayer)}
    for name, end in sorted(ends.items(), key=lambda item: operations.index(item[1])):
        wanted = _needed(end, done)
        for operation in operations:
            # A bare operation with all it needs goes along: ConvNeXt's blocks end in a sum that is no layer.
            bare = not isinstance(operation, keras.layers.Layer)
            free = bare and all(id(producer) in done for producer in _producers(operation))
            if id(operation) not in done and (id(operation) in wanted or free):
                done.add(id(operation))
                ordered.append(operation)
        blocks.append([name, ordered.index(end)])
    if len(ordered) != len(operations):
        raise ValueError(f"{facts.name}: some layers after the block '{blocks[-1][0]}' belong to no block")
    return ordered, blocks


def _needed(end: Any, known: set[int]) -> set[int]:
    """What an operation depends on and is not yet known, itself included."""
    found: set[int] = set()
    open_operations = [end]
    while open_operations:
        operation = open_operations.pop()
        if id(operation) in found or id(operation) in known:
            continue
        found.add(id(operation))
        open_operations += list(_producers(operation))
    return found


def _parameters(operation: Any) -> int:
    return operation.count_params() if isinstance(operation, keras.layers.Layer) else 0


def _kernel(operation: Any) -> int:
    """Weights that are multiplied at every position of the output; other layers count as none."""
    weights = operation.trainable_weights if isinstance(operation, keras.layers.Layer) else []
    return sum(math.prod(weight.shape) for weight in weights if "kernel" in weight.name)


def _positions(model: keras.Model, graph: dict[str, Any]) -> list[int]:
    shapes = {operation.name: operation.output.shape for operation in model.operations}
    return [math.prod(shapes[name][1:-1]) for name in graph["layers"]]


def _window(operation: Any, fitted_padding: str) -> tuple[Any, ...] | None:
    """Kernel, stride and padding along the height (`core.backbones.graph.Window`); None: the side passes unchanged."""
    rank = len(operation.output.shape)
    if isinstance(operation, keras.layers.ZeroPadding2D):
        before, after = operation.padding[0]
        return (2 * after + 1, 1, "fit") if re.fullmatch(fitted_padding, operation.name) else (1, 1, before + after)
    if isinstance(operation, keras.layers.Cropping2D):
        return (1, 1, -sum(operation.cropping[0]))
    if rank == 2:
        return (0, 1, "vector")
    if isinstance(operation, keras.layers.GlobalAveragePooling2D) or operation.output.shape[1:3] == (1, 1) and all(
            len(producer.output.shape) == 2 for producer in _producers(operation)):
        return (0, 1, "point")
    if isinstance(operation, keras.Sequential):
        return next((window for layer in operation.layers if (window := _window(layer, ""))), None)
    kernel = getattr(operation, "kernel_size", getattr(operation, "pool_size", (1, 1)))[0]
    stride = getattr(operation, "strides", (1, 1))[0]
    same = getattr(operation, "padding", "same") == "same"
    if stride == 1 and (same or kernel == 1):
        return None
    return (kernel, stride, "same" if same else 0)


def files(rows: list[dict[str, Any]]) -> dict[Path, str]:
    """The catalogue's files and what is in them, from what `describe` found for each backbone."""
    found = {INDEX: render({"schema": SCHEMA, "backbones": [row["index"] for row in rows]})}
    for family in dict.fromkeys(row["index"]["family"] for row in rows):
        graphs = {row["index"]["name"]: row["graph"] for row in rows if row["index"]["family"] == family}
        found[FOLDER / f"{family.lower()}.json"] = render({"schema": SCHEMA, "family": family, "backbones": graphs})
    return found


def _in_own_process(name: str) -> dict[str, Any]:
    code = ("import json, sys; from core.engine.model.describe import describe; "
            "from core.engine.model.facts import FACTS; "
            "json.dump(describe(next(facts for facts in FACTS if facts.name == sys.argv[1])), sys.stdout)")
    result = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{name} could not be described:\n{result.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _written() -> dict[str, dict[str, Any]]:
    """What the files have now, by backbone."""
    if not INDEX.is_file():
        return {}
    index = {row["name"]: row for row in json.loads(INDEX.read_text("utf-8"))["backbones"]}
    graphs: dict[str, Any] = {}
    for family in {row["family"] for row in index.values()}:
        graphs |= json.loads((FOLDER / f"{family.lower()}.json").read_text("utf-8"))["backbones"]
    return {name: {"index": row, "graph": graphs[name]} for name, row in index.items()}


def main(names: list[str]) -> None:
    """Rewrite the catalogue: the backbones named, and those that it lacks; without names all of them."""
    known = _written() if names else {}
    rows = []
    for facts in FACTS:
        if facts.name in names or facts.name not in known:
            print(f"describing {facts.name}", file=sys.stderr, flush=True)
            known[facts.name] = _in_own_process(facts.name)
        rows.append(known[facts.name])
    FOLDER.mkdir(exist_ok=True)
    for path, text in files(rows).items():
        write_text(path, text)


if __name__ == "__main__":
    main(sys.argv[1:])
