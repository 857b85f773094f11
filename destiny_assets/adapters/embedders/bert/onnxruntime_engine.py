"""A BERT model on onnxruntime, running the verified file's own graph: the fallback where OpenVINO is not installed."""

from typing import Literal

import numpy as np

from destiny_assets.adapters.embedders.bert.engines import TokenIds
from destiny_assets.adapters.embedders.cpu import available_cores
from destiny_assets.ports import Vectors


class ONNXRuntimeEngine:
    """One session over the ONNX file."""

    def __init__(self, onnx_model: bytes, pooling: Literal["mean", "first"]) -> None:
        """Load the model for the cores at hand (0.5 s); raises `ImportError` when onnxruntime is not installed."""
        import onnxruntime

        self._pooling = pooling
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = available_cores()
        # Spinning threads burn the cores that other processes of this machine need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(onnx_model, options, providers=["CPUExecutionProvider"])

    def run(self, ids: TokenIds, mask: TokenIds) -> Vectors:
        """Unit vectors of shape (batch, 384) for token ids and attention mask of shape (batch, length)."""
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = self._session.run(["last_hidden_state"], inputs)[0]
        pooled = states[:, 0] if self._pooling == "first" else np.einsum("blh,bl->bh", states, mask.astype(np.float32))
        vectors: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors
