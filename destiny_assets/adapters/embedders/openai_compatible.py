"""Embeddings from any endpoint that speaks OpenAI's protocol.

Every answer is checked before a vector leaves: an endpoint that returns too few, misplaced, infinite or differently
sized vectors is an error here and not a bad index later. Messages name the host and the status, never what the endpoint
wrote: some endpoints repeat the key.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
from pydantic import BaseModel, ValidationError

from destiny_assets.errors import ConfigurationError, ModelError, RefusedTextError
from destiny_assets.ports import EmbeddingUsage, TextKind, Vectors
from destiny_assets.settings import without_secrets

OPENAI_URL = "https://api.openai.com/v1"

# OpenAI takes 2,048 texts and 300,000 tokens a request, and no script has more than three tokens a character.
_BATCH_TEXTS = 128
_BATCH_CHARACTERS = 100_000
# Twice the longest chunk; OpenAI refuses a text of more than 8,192 tokens instead of cutting it.
_TEXT_CHARACTERS = 4_000
_RETRIES = 5
_TIMEOUT_S, _READERS_TIMEOUT_S = 60.0, 4.0
_HINTS = {
    401: "Check DESTINY_EMBEDDING_API_KEY.",
    403: "Check DESTINY_EMBEDDING_API_KEY.",
    404: "Check DESTINY_EMBEDDING_MODEL and DESTINY_EMBEDDING_URL.",
    429: "Wait, or set requests_per_minute in DESTINY_EMBEDDING_URL.",
}
# A request that would be answered if its texts were others: malformed, too large, unprocessable.
_REFUSED = frozenset({400, 413, 422})


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _TokenUsage(BaseModel):
    prompt_tokens: int = 0


class _Answer(BaseModel):
    data: list[_Row]
    usage: _TokenUsage | None = None


class OpenAICompatibleEmbedder:
    """One model at one endpoint; safe to call from several threads. Fills the `Embedder` port."""

    pinned = False

    def __init__(
        self,
        model: str,
        *,
        url: str | None = None,
        api_key: str | None = None,
        dimensions: int | None = None,
        requests_per_minute: int | None = None,
        version: int | None = None,
        reader_waits: bool = False,
    ) -> None:
        """No request is made yet.

        `url` None means OpenAI's own endpoint, which needs a key; `dimensions` asks the model to shorten its vectors; `version` tells
        models apart that the endpoint served under one name. A
        failed request is repeated up to five times, after the time that the endpoint names or ever longer; where a `reader_waits`, once,
        and a request then may take 4 s instead of 60. Raises `ConfigurationError` when the key is missing.
        """
        import openai

        if url is None and not api_key:
            raise ConfigurationError("OpenAI's endpoint needs a key. Set DESTINY_EMBEDDING_API_KEY.")
        base_url = url or OPENAI_URL
        self._model = model
        self._dimensions = dimensions
        self._endpoint = without_secrets(base_url)
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=1 if reader_waits else _RETRIES,
            timeout=_READERS_TIMEOUT_S if reader_waits else _TIMEOUT_S,
        )
        self._pace = _Pace(requests_per_minute)
        self._lock = threading.Lock()
        self._dimension = dimensions
        self.usage = EmbeddingUsage()
        self.model_id = f"openai:{model}@{self._endpoint}" + (f"/{dimensions}" if dimensions else "")
        if version:
            self.model_id += f"/version {version}"

    @property
    def dimension(self) -> int:
        """Length of a vector; asks the model once where `dimensions` was not given; raises `ModelError`."""
        if self._dimension is None:
            return int(self.embed(["dimension"]).shape[1])
        return self._dimension

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:  # noqa: ARG002 - one form for both
        """One unit vector a text, shape (len(texts), dimension), in the order given; 4,000 characters of it are read.

        Raises `ModelError` when the endpoint fails for good or answers out of contract, `RefusedTextError` when it will not have
        what it was given.
        """
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        return np.concatenate([self._request(batch) for batch in _batches([_sendable(text) for text in texts])])

    def _request(self, texts: Sequence[str]) -> Vectors:
        import openai

        self._pace.wait()
        began = time.perf_counter()
        try:
            response = self._client.embeddings.with_raw_response.create(
                input=list(texts),
                model=self._model,
                encoding_format="float",
                dimensions=openai.omit if self._dimensions is None else self._dimensions,
            )
            answer = _Answer.model_validate_json(response.http_response.content)
        except openai.APIStatusError as error:
            refusal = RefusedTextError if error.status_code in _REFUSED else ModelError
            raise self._error(
                f"answered HTTP {error.status_code}", _HINTS.get(error.status_code), kind=refusal
            ) from None
        except openai.APIConnectionError:
            raise self._error(
                "cannot be reached", "Check that it runs and that DESTINY_EMBEDDING_URL is right."
            ) from None
        except ValidationError:
            raise self._error("did not answer with embeddings", "Check DESTINY_EMBEDDING_URL.") from None
        vectors = self._checked(answer, len(texts))
        with self._lock:
            self.usage.calls += 1
            self.usage.texts += len(texts)
            self.usage.tokens += answer.usage.prompt_tokens if answer.usage else 0
            self.usage.seconds += time.perf_counter() - began
        return vectors

    def _checked(self, answer: _Answer, count: int) -> Vectors:
        rows = sorted(answer.data, key=lambda row: row.index)
        if [row.index for row in rows] != list(range(count)):
            raise self._error(f"answered {len(rows)} vectors for {count} texts, or numbered them wrongly")
        with self._lock:
            if self._dimension is None:
                self._dimension = len(rows[0].embedding)
            expected = self._dimension
        lengths = {len(row.embedding) for row in rows}
        if lengths != {expected}:
            raise self._error(f"answered vectors of length {max(lengths - {expected})} where {expected} was expected")
        vectors = np.array([row.embedding for row in rows], np.float64)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not math.isfinite(float(norms.sum())) or not norms.all():
            raise self._error("answered a vector that is zero or not finite")
        unit: Vectors = (vectors / norms).astype(np.float32)
        return unit

    def _error(self, what: str, hint: str | None = None, *, kind: type[ModelError] = ModelError) -> ModelError:
        sentence = f"The embedding endpoint {self._endpoint} {what} (model {self._model})."
        return kind(f"{sentence} {hint}" if hint else sentence)


class _Pace:
    """Spaces requests evenly, however many threads make them."""

    def __init__(self, requests_per_minute: int | None) -> None:
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            due = max(now, self._next)
            self._next = due + self._interval_s
        time.sleep(due - now)


def _sendable(text: str) -> str:
    """Lone surrogates cannot be sent as UTF-8, and endpoints refuse an empty text."""
    clean = text[:_TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    return clean or " "


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == _BATCH_TEXTS or characters + len(text) > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    yield batch
