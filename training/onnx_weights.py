"""The weights of an exported network, back out of its ONNX file: whoever has the package can train on from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

QUANTISED = "_quantized"


def onnx_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights by the names of the network's parameters, in float32; int8 ones to within half a step.

    The graph names a matrix by the place where it is multiplied, /encoder/layer.0/output/dense/MatMul, and holds it
    transposed.
    """
    graph = onnx.load(path).graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found = {name: array for name, array in held.items() if "::" not in name}
    for node in graph.node:
        matrix = next(
            (name for name in node.input if name.endswith(QUANTISED) and name in held), ""
        )
        place = node.name.strip("/").split("/")
        if node.op_type == "MatMulInteger" and matrix:
            name = ".".join(place[:-1])
            found[f"{name}.weight"] = _dequantised(held, matrix.removesuffix(QUANTISED)).T
        elif node.op_type == "MatMul" and node.input[1] in held:
            found[".".join(place[:-1]) + ".weight"] = held[node.input[1]].T
    return {
        name.removeprefix("network."): torch.tensor(array)
        for name, array in found.items()
        if name.endswith((".weight", ".bias"))
    }


def _dequantised(held: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return a matrix of which each column has a step of its own."""
    values: np.ndarray = held[f"{name}{QUANTISED}"].astype(np.float32) - held[f"{name}_zero_point"]
    scaled: np.ndarray = values * held[f"{name}_scale"]
    return scaled
