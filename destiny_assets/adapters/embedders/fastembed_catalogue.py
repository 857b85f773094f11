"""Any text model of fastembed's catalogue, from its model hub or from a folder that already holds the files."""

import hashlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from destiny_assets.adapters.embedders.cpu import available_cores
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import EmbeddingUsage, TextKind, Vectors

if TYPE_CHECKING:
    from fastembed import TextEmbedding

_HUB_TIMEOUT_S = 5.0
_BATCH_TEXTS = 32


class FastembedEmbedder:
    """One model of the catalogue; safe to call from several threads. Fills the `Embedder` port."""

    pinned = True

    def __init__(self, name: str, folder: Path | None = None) -> None:
        """Load the model `name` from `folder`, else from fastembed's cache, else from the hub.

        Raises `ConfigurationError` when fastembed is not installed, has no such model, or cannot get its files.
        """
        self._model = _load(name, folder)
        self._lock = threading.Lock()
        self.usage = EmbeddingUsage()
        self.dimension = int(self._model.embedding_size)
        self.model_id = f"{name}@{_weights_sha256(self._model)[:12]}/fastembed"

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        """One unit vector a text, shape (len(texts), dimension), in the order given; cut at the model's own limit."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        if not texts:
            return vectors
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        order = sorted(range(len(clean)), key=lambda place: len(clean[place]))
        batch = [clean[place] for place in order]
        began = time.perf_counter()
        rows = (
            self._model.query_embed(batch, batch_size=_BATCH_TEXTS)
            if kind == "query"
            else self._model.passage_embed(batch, batch_size=_BATCH_TEXTS)
        )
        for place, row in zip(order, rows, strict=True):
            vectors[place] = row / np.linalg.norm(row)
        with self._lock:
            self.usage.calls += -(-len(texts) // _BATCH_TEXTS)
            self.usage.texts += len(texts)
            self.usage.tokens += self._model.token_count(batch)
            self.usage.seconds += time.perf_counter() - began
        return vectors


def _load(name: str, folder: Path | None) -> "TextEmbedding":
    try:
        from fastembed import TextEmbedding
    except ImportError as error:
        raise ConfigurationError(
            "fastembed is not installed. Install it with: pip install 'destiny[fastembed]'"
        ) from error
    weights = {model["model"].lower(): model["model_file"] for model in TextEmbedding.list_supported_models()}
    if name.lower() not in weights:
        raise ConfigurationError(
            f"fastembed's catalogue has no text model {name!r}. "
            "List its models with: python -c 'import fastembed; print(fastembed.TextEmbedding.list_supported_models())'"
        )
    cores = available_cores()
    if folder is not None:
        needed = (weights[name.lower()], "tokenizer.json", "tokenizer_config.json")
        if missing := [file for file in needed if not (folder / file).is_file()]:
            raise ConfigurationError(f"The model folder {folder} holds no {missing[0]}. Check DESTINY_EMBEDDING_URL.")
        return TextEmbedding(name, threads=cores, specific_model_path=str(folder))
    try:
        return TextEmbedding(name, threads=cores, local_files_only=True)
    except ValueError:
        # Asked without a hub, fastembed would try for 40 seconds.
        _require_hub(name)
    try:
        return TextEmbedding(name, threads=cores)
    except ValueError as error:
        raise ConfigurationError(f"The model {name} could not be downloaded ({error}).") from error


def _require_hub(name: str) -> None:
    from huggingface_hub.constants import ENDPOINT

    try:
        urllib.request.urlopen(ENDPOINT, timeout=_HUB_TIMEOUT_S).close()  # noqa: S310 - the hub's own https address
    except urllib.error.HTTPError:
        return
    except OSError as error:
        raise ConfigurationError(
            f"The model {name} is not on this machine, and the model hub {ENDPOINT} cannot be reached. "
            "Use DESTINY_EMBEDDING_MODEL=minilm, or set DESTINY_EMBEDDING_URL to a folder that holds the model's files."
        ) from error


def _weights_sha256(model: "TextEmbedding") -> str:
    # fastembed says nowhere in public which file it loaded.
    loaded: Any = model.model
    weights = Path(loaded._model_dir) / loaded.model_description.model_file
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
