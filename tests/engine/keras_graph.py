"""What Keras itself says of a graph: the truth that the catalogue and the plan are compared with."""

from __future__ import annotations

from collections import Counter

import keras

from core.engine.model.boundary import calls


def split_points(model: keras.Model) -> list[str]:
    """Names of all layers behind which a single tensor carries the graph, in order, the model's own output included."""
    nodes = calls(model)
    waiting = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    waiting[id(model.outputs[0])] += 1
    open_tensors = {id(model.inputs[0])}
    found = []
    for node in nodes:
        result = node.output_tensors[0]
        for tensor in node.input_tensors:
            waiting[id(tensor)] -= 1
            if waiting[id(tensor)] == 0:
                open_tensors.discard(id(tensor))
        open_tensors.add(id(result))
        if open_tensors == {id(result)}:
            found.append(node.operation.name)
    return found


def needed_for(model: keras.Model, layer: str) -> set[str]:
    """Names of the layers that a layer's output depends on, itself included, without the input."""
    upto = keras.Model(model.input, model.get_layer(layer).output)
    return {item.name for item in upto.layers if not isinstance(item, keras.layers.InputLayer)}
