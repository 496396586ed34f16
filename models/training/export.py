"""Writes a trained student as ONNX: once in floats, to compare, and once in whole numbers, to ship.

The shipped graph multiplies bytes by 7-bit weights, with scales that were fixed here: a score can't depend on
the batch, and processors without dot products of bytes don't overflow their 16-bit sums.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.training.rows import LABELS
from models.training.student import EMBEDDING_BOUND, FEATURE_BOUND, Student

OPSET, IR = 18, 9
WEIGHT_BITS = 63
ZERO = 128  # the byte that stands for 0 in the embedding table

Array = NDArray[np.generic] | np.generic


class Graph:
    """A list of nodes and constants that grows by calls."""

    def __init__(self) -> None:
        """Start empty."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Array) -> str:
        """Keep a constant and return its name."""
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **settings: int) -> str:
        """Append a node of the default domain and return the name of what it gives."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **settings))
        return output

    def windows(self, rows: str, name: str, zero: Array) -> str:
        """Put each vector between its neighbours, from one place before a row to one after."""
        wide = self.add("Pad", [rows, "two_places", self.constant(f"{name}_zero", zero)], f"{name}_wide")
        parts = [
            self.add("Slice", [wide, f"from{k}", f"until{k}", "places"], f"{name}_{k}") for k in range(3)
        ]
        return self.add("Concat", parts, f"{name}_windows", axis=2)

    def finished(self) -> bytes:
        """Return the model's bytes."""
        graph = helper.make_graph(
            self.nodes,
            "chatsieve",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "t"]),
                helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]),
            ],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(LABELS)])],
            self.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="chatsieve"
        )
        model.ir_version = IR
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def in_floats(student: Student) -> bytes:
    """Return the network as it was trained."""
    graph = _graph()
    vectors = graph.add("Gather", [graph.constant("table", table(student)), "ids"], "vectors")
    places = graph.windows(vectors, "first", np.float32(0))
    said = graph.add("MatMul", [places, graph.constant("first_weight", _weight(student.first))], "first_said")
    floor, ceiling = (
        graph.constant("floor", np.float32(0)),
        graph.constant("ceiling", np.float32(FEATURE_BOUND)),
    )
    features = graph.add("Clip", [said, floor, ceiling], "features")
    places = graph.windows(features, "second", np.float32(0))
    said = graph.add(
        "MatMul", [places, graph.constant("second_weight", _weight(student.second))], "second_said"
    )
    strongest = graph.add("ReduceMax", [said, "places"], "strongest", keepdims=0)
    total = graph.add("ReduceSum", [vectors, "places"], "total", keepdims=0)
    return _headed(graph, student, strongest, total)


def in_bytes(student: Student) -> bytes:
    """Return the network with bytes for numbers, wherever there are many of them."""
    graph = _graph()
    known = table(student) / EMBEDDING_BOUND
    scaled = np.clip(np.round(known * (ZERO - 1)), 1 - ZERO, ZERO - 1) + ZERO
    bytes_ = graph.add("Gather", [graph.constant("table", scaled.astype(np.uint8)), "ids"], "vectors")
    step = graph.constant("table_step", np.float32(EMBEDDING_BOUND / (ZERO - 1)))
    zero = graph.constant("table_zero", np.uint8(ZERO))
    places = graph.windows(bytes_, "first", np.uint8(ZERO))
    weight, scale = _quantised(_weight(student.first))
    features = graph.add(
        "QLinearMatMul",
        [
            places, step, zero, graph.constant("first_weight", weight), graph.constant("first_scale", scale),
            graph.constant("first_middle", np.zeros(len(scale), np.int8)),
            graph.constant("feature_step", np.float32(FEATURE_BOUND / 255)),
            graph.constant("none", np.uint8(0)),
        ],
        "features",
    )  # fmt: skip
    places = graph.windows(features, "second", np.uint8(0))
    weight, scale = _quantised(_weight(student.second))
    said = graph.add("MatMulInteger", [places, graph.constant("second_weight", weight)], "second_said")
    whole = graph.add("Cast", [graph.add("ReduceMax", [said, "places"], "most", keepdims=0)], "most_f", to=1)
    scale = np.asarray(scale * FEATURE_BOUND / 255, np.float32)
    strongest = graph.add("Mul", [whole, graph.constant("second_scale", scale)], "strongest")
    return _headed(graph, student, strongest, _total(graph, bytes_))


def table(student: Student) -> NDArray[np.float32]:
    """Return the vectors of all pieces; that of padding is 0, and the last number of all others is 1."""
    with torch.inference_mode():
        return student.vectors(torch.arange(student.shape.pieces)[None])[0].numpy()


def _graph() -> Graph:
    graph = Graph()
    graph.constant("two_places", np.array([0, 2, 0, 0, 2, 0]))
    graph.constant("places", np.array([1]))
    for k, (first, last) in enumerate([(0, -2), (1, -1), (2, 2**31)]):
        graph.constant(f"from{k}", np.array([first]))
        graph.constant(f"until{k}", np.array([last]))
    return graph


def _total(graph: Graph, bytes_: str) -> str:
    summed = graph.add(
        "ReduceSum", [graph.add("Cast", [bytes_], "bytes_f", to=1), "places"], "sum", keepdims=0
    )
    width = graph.add(
        "Gather", [graph.add("Shape", ["ids"], "shape"), graph.constant("second", np.int64(1))], "width"
    )
    zeros = graph.add(
        "Mul",
        [graph.add("Cast", [width], "width_f", to=1), graph.constant("zero_f", np.float32(ZERO))],
        "zeros",
    )
    return graph.add("Mul", [graph.add("Sub", [summed, zeros], "above"), "table_step"], "total")


def _headed(graph: Graph, student: Student, strongest: str, total: str) -> bytes:
    lengths = graph.add("Cast", ["lengths"], "lengths_f", to=1)
    column = graph.add("Unsqueeze", [lengths, graph.constant("last", np.array([-1]))], "column")
    mean = graph.add("Div", [total, column], "mean")
    pooled = graph.add("Concat", [graph.add("Relu", [strongest], "found"), mean], "pooled", axis=1)
    for name, layer in (("hidden", student.hidden), ("out", student.out)):
        weight = graph.constant(f"{name}_weight", _weight(layer))
        bias = graph.constant(f"{name}_bias", layer.bias.detach().numpy())
        pooled = graph.add("Gemm", [pooled, weight, bias], "logits" if name == "out" else name)
        pooled = pooled if name == "out" else graph.add("Relu", [pooled], f"{name}_r")
    return graph.finished()


def _weight(layer: torch.nn.Linear) -> NDArray[np.float32]:
    return np.ascontiguousarray(layer.weight.detach().numpy().T)


def _quantised(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scale = np.maximum(np.abs(weight).max(0), 1e-8) / WEIGHT_BITS
    return np.round(weight / scale).astype(np.int8), scale.astype(np.float32)
