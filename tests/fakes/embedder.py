"""A fast embedder for tests that are about everything but embeddings: words hashed to directions, no model file."""

import hashlib
import re
import threading
import time
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from destiny_assets.ports import EmbeddingUsage, TextKind, Vectors

_WORD = re.compile(r"\w+")
_LONGEST = 256
_DIMENSION = 64


class HashingEmbedder:
    """The `Embedder` port: a text is the sum of its words' directions, so texts that share words are close."""

    pinned = False

    def __init__(self, name: str = "one") -> None:
        self._name = name
        self._usage = EmbeddingUsage()
        self._counting = threading.Lock()

    @property
    def model_id(self) -> str:
        return f"hashing-words/{self._name} for tests"

    @property
    def dimension(self) -> int:
        return _DIMENSION

    @property
    def usage(self) -> EmbeddingUsage:
        return self._usage

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:  # noqa: ARG002
        began = time.perf_counter()
        words = [_WORD.findall(text.lower())[:_LONGEST] for text in texts]
        vectors = np.zeros((len(texts), _DIMENSION), np.float32)
        for row, some in enumerate(words):
            vectors[row] = sum((_direction(self._name, word) for word in some), _direction(self._name, "") / 8)
        with self._counting:
            self._usage.calls += bool(texts)
            self._usage.texts += len(texts)
            self._usage.tokens += sum(map(len, words))
            self._usage.seconds += time.perf_counter() - began
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if texts else vectors


@lru_cache(maxsize=50_000)
def _direction(name: str, word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(f"{name}/{word}".encode("utf-8", "surrogatepass")).digest()[:8])
    return np.random.default_rng(seed).standard_normal(_DIMENSION).astype(np.float32)
