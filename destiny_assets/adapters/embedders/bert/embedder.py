"""Embedders on this machine's CPU, no model hub, no network: all-MiniLM-L6-v2, the default, and bge-small-en-v1.5."""

import importlib.util
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from destiny_assets.adapters.embedders.bert.engines import BertEngine
from destiny_assets.adapters.embedders.bert.models import MINILM, MODELS, BertModel
from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.embedders.bert.weights import read_verified
from destiny_assets.adapters.embedders.cpu import Precision, fastest_precision
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import EmbeddingUsage, TextKind, Vectors

DIMENSION = 384

Engine = Literal["openvino", "onnxruntime"]

# Batches of one length class: unsorted, half of all tokens were padding.
_BATCH_TOKENS = 2_048
_LENGTH_STEP = 16
# Texts tokenised and sorted at once, so that memory stays bounded however many are given.
_SORTED_TEXTS = 4_096


class LocalBert:
    """One of `MODELS`; safe to call from several threads, which then take turns batch by batch.

    Fills the `Embedder` port; `tokenizer` fills `TokenCounter`.
    """

    pinned = True

    def __init__(
        self, model: BertModel = MINILM, engine: Engine | None = None, precision: Precision | None = None
    ) -> None:
        """Choose the engine and read the tokenizer; the first texts load the model (1 s), which a run without any never needs.

        `engine` None means OpenVINO where it is installed, else onnxruntime; `precision` None means what is fastest on
        this CPU (onnxruntime always computes in f32). Raises `ConfigurationError` when a package or the weights are missing,
        `ModelIntegrityError` when the tokenizer is not the pinned one.
        """
        self.tokenizer = MiniLMTokenizer()
        model.file()
        self._model = model
        self._library = _installed_engine(model, engine)
        self._precision: Precision = (precision or fastest_precision()) if self._library == "openvino" else "f32"
        self._engine: BertEngine | None = None
        self._lock = threading.Lock()
        self.usage = EmbeddingUsage()
        self.model_id = _model_id(model, f"{self._library}-{self._precision}")
        self.dimension = DIMENSION

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        """One unit vector a text, shape (len(texts), 384), in the order given; text after the model's limit is not read.

        Raises `ModelIntegrityError` when the model's file is not the pinned one, `ModelError` when it can't be read,
        `ConfigurationError` when the engine's package can't be loaded.
        """
        vectors = np.empty((len(texts), DIMENSION), np.float32)
        if kind == "query" and self._model.query_prefix:
            texts = [self._model.query_prefix + text for text in texts]
        for first in range(0, len(texts), _SORTED_TEXTS):
            self._embed_into(vectors[first : first + _SORTED_TEXTS], texts[first : first + _SORTED_TEXTS])
        return vectors

    def _embed_into(self, vectors: Vectors, texts: Sequence[str]) -> None:
        rows = self.tokenizer.encode(texts, self._model.max_tokens)
        for places in _batches([len(row) for row in rows]):
            ids, mask = _padded([rows[place] for place in places])
            with self._lock:
                if self._engine is None:
                    self._engine = _load_engine(self._model, self._library, self._precision)
                began = time.perf_counter()
                vectors[places] = self._engine.run(ids, mask)
                self.usage.calls += 1
                self.usage.texts += len(places)
                self.usage.tokens += int(mask.sum())
                self.usage.seconds += time.perf_counter() - began


def configuration_of(model_id: str) -> tuple[BertModel, Engine, Precision] | None:
    """The model, engine and precision of a `LocalBert` whose vectors bear this id; None where it is another model's."""
    engines: tuple[tuple[Engine, Precision], ...] = (("openvino", "f32"), ("openvino", "bf16"), ("onnxruntime", "f32"))
    return next(
        (
            (model, engine, precision)
            for model in MODELS.values()
            for engine, precision in engines
            if model_id == _model_id(model, f"{engine}-{precision}")
        ),
        None,
    )


def _model_id(model: BertModel, engine: str) -> str:
    return f"{model.published}@{model.sha256[:12]}/{engine}/{model.max_tokens}"


def _installed_engine(model: BertModel, wanted: Engine | None) -> Engine:
    engines: tuple[Engine, ...] = (wanted,) if wanted else ("openvino", "onnxruntime")
    for engine in engines:
        if importlib.util.find_spec(engine):
            return engine
    raise ConfigurationError(
        f"The embedding model {model.name} needs the package {engines[0]}. Install it with: pip install 'destiny[embed]'"
    )


def _load_engine(model: BertModel, engine: Engine, precision: Precision) -> BertEngine:
    data = read_verified(model.file(), model.sha256)
    try:
        if engine == "openvino":
            from destiny_assets.adapters.embedders.bert.openvino_engine import OpenVINOEngine

            return OpenVINOEngine(model, data, precision)
        from destiny_assets.adapters.embedders.bert.onnxruntime_engine import ONNXRuntimeEngine

        return ONNXRuntimeEngine(data, model.pooling)
    except ImportError as error:
        # Not the other engine instead: its vectors are another model's, and everything would be embedded again.
        raise ConfigurationError(
            f"The package {engine} is installed and cannot be loaded ({error}). Install it again: pip install --force-reinstall {engine}"
        ) from error


def _batches(lengths: Sequence[int]) -> Iterator[npt.NDArray[np.intp]]:
    """Places of texts to run together, longest first; each batch is within the token budget once padded."""
    order = np.argsort(-np.asarray(lengths), kind="stable")
    first = 0
    while first < len(order):
        size = max(1, _BATCH_TOKENS // _padded_length(lengths[order[first]]))
        yield order[first : first + size]
        first += size


def _padded(rows: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    ids = np.zeros((len(rows), _padded_length(max(len(row) for row in rows))), np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask


def _padded_length(tokens: int) -> int:
    """The next multiple of 16: few shapes in all, each of which an engine prepares once."""
    return -(-tokens // _LENGTH_STEP) * _LENGTH_STEP
