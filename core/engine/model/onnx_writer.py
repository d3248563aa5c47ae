"""Walking a Keras functional graph and collecting the ONNX nodes that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
"""Lowest opset with all operators used here; onnxruntime >= 1.12 reads it."""


class UnsupportedLayer(Exception):
    """A layer, or an option of one, that has no emitter."""


class Writer:
    """Collects nodes and initializers while walking the graph.

    Args:
        model: A functional model with one input and one output, without nested models.
        emitters: What writes a kind of layer: given the writer, the layer and the call, it appends nodes and gives the
            name of the last output.
        uint8_input: Take bytes and convert them to float32 inside; else float32 comes in.
    """

    def __init__(self, model: keras.Model, emitters: Mapping[str, Emitter], uint8_input: bool) -> None:
        self.model, self.emitters = model, emitters
        self.uint8_input = uint8_input
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.names: dict[int, str] = {}
        self._count = 0

    def write(self, also: Mapping[str, str]) -> onnx.ModelProto:
        """The whole graph; `also` as in `core.engine.model.onnx_graph.to_onnx`."""
        source, result = self.model.inputs[0], self.model.outputs[0]
        self.names[id(source)] = self._enter(source)
        for operation in self.model.operations:
            if not isinstance(operation, keras.layers.InputLayer):
                self._emit_operation(operation)
        outputs = {self._leave(result): result}
        for layer in self.model.layers:
            if layer.name in also and id(layer.output) in self.names:
                outputs[self._leave(layer.output, also[layer.name])] = layer.output
        graph = helper.make_graph(
            self.nodes, "graft",
            [helper.make_tensor_value_info(
                "images", TensorProto.UINT8 if self.uint8_input else TensorProto.FLOAT, ["n", *source.shape[1:]])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *tensor.shape[1:]])
             for name, tensor in outputs.items()],
            self.initializers,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)

    def node(self, kind: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        """Append a node and give the name of its output."""
        self._count += 1
        name = name or f"t{self._count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Append an initializer and give its name."""
        self._count += 1
        name = f"c{self._count}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def _emit_operation(self, operation: Any) -> None:
        kind = type(operation).__name__
        if kind not in self.emitters:
            raise UnsupportedLayer(kind)
        for node in operation._inbound_nodes:
            if id(node.output_tensors[0]) in self.names or not self._computed(node):
                continue
            name = self.emitters[kind](self, operation, node)
            self.names[id(node.output_tensors[0])] = name

    def _computed(self, node: Any) -> bool:
        """True for the call of a shared layer that belongs to this graph."""
        return all(id(tensor) in self.names for tensor in node.input_tensors)

    def readers(self, tensor: Any) -> list[Any]:
        """The operations of the graph that a tensor goes into."""
        return [operation for operation in self.model.operations for node in operation._inbound_nodes
                if any(read is tensor for read in node.input_tensors)]

    def inputs(self, node: Any) -> list[str]:
        """Names of a call's tensor inputs."""
        return [self.names[id(tensor)] for tensor in node.input_tensors]

    def _enter(self, tensor: Any) -> str:
        name = "images"
        if self.uint8_input:
            name = self.node("Cast", [name], to=TensorProto.FLOAT)
        return self.node("Transpose", [name], perm=[0, 3, 1, 2]) if len(tensor.shape) == 4 else name

    def _leave(self, tensor: Any, name: str = "") -> str:
        inner = self.names[id(tensor)]
        if len(tensor.shape) == 4:
            return self.node("Transpose", [inner], name, perm=[0, 2, 3, 1])
        return self.node("Identity", [inner], name)


Emitter = Callable[[Writer, Any, Any], str]
