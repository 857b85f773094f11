"""A reranking model behind any endpoint that speaks ``POST /rerank`` as Cohere, Jina, vLLM and LiteLLM do. Ordering by its scores is not here."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from pydantic import BaseModel, ValidationError

from destiny_assets.errors import ModelError
from destiny_assets.settings import RerankerSettings, without_secrets

# A reader waits for it, and has a ranking without it.
_TIMEOUT_S = 5.0
# Rerankers read some 512 tokens of question and passage together.
_TEXT_CHARACTERS = 4_000
_HINTS = {401: "Check DESTINY_RERANKER_API_KEY.", 403: "Check DESTINY_RERANKER_API_KEY.", 404: "Check DESTINY_RERANKER_URL."}  # fmt: skip


class _Result(BaseModel):
    index: int
    relevance_score: float


class _Ranked(BaseModel):
    results: list[_Result]


class HttpReranker:
    """Fills the `Reranker` port; thread-safe. Connections are kept; `close` gives them up."""

    def __init__(self, model: str, *, url: str, api_key: str | None, timeout_s: float = _TIMEOUT_S) -> None:
        """`url` is the endpoint's base, to which ``/rerank`` is added (``https://api.cohere.com/v2``, ``http://host:8000/v1``)."""
        self.model_id = model
        self._endpoint = without_secrets(url)
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/",
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=timeout_s,
        )

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """How relevant each passage is to the question, in the order given; higher is better, on whatever scale the model has.

        Raises `ModelError` when the endpoint fails or answers out of contract.
        """
        if not passages:
            return []
        asked = {
            "model": self.model_id,
            "query": _sendable(question),
            "documents": [_sendable(passage) for passage in passages],
            "top_n": len(passages),
        }
        try:
            response = self._client.post("rerank", json=asked)
            response.raise_for_status()
            ranked = _Ranked.model_validate_json(response.content)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise self._error(f"answered HTTP {status}", _HINTS.get(status)) from None
        except httpx.HTTPError as error:
            raise self._error(
                f"did not answer ({type(error).__name__})", "Check that it runs and that DESTINY_RERANKER_URL is right."
            ) from None
        except ValidationError:
            raise self._error("did not answer with a ranking", "Check DESTINY_RERANKER_URL.") from None
        found = {one.index: one.relevance_score for one in ranked.results}
        if len(ranked.results) != len(passages) or found.keys() != set(range(len(passages))):
            raise self._error(f"ranked {len(ranked.results)} passages where {len(passages)} were given")
        if not all(map(math.isfinite, found.values())):
            raise self._error("gave a score that is no number")
        return [found[place] for place in range(len(passages))]

    def close(self) -> None:
        """Give the connections up."""
        self._client.close()

    def _error(self, what: str, hint: str | None = None) -> ModelError:
        sentence = f"The reranker at {self._endpoint} {what} (model {self.model_id})."
        return ModelError(f"{sentence} {hint}" if hint else sentence)


@contextmanager
def open_reranker(chosen: RerankerSettings | None) -> Iterator[HttpReranker | None]:
    """The configured reranker, or None; its connections are given up when the block ends."""
    if chosen is None:
        yield None
        return
    reranker = HttpReranker(chosen.model, url=chosen.url, api_key=chosen.api_key)
    try:
        yield reranker
    finally:
        reranker.close()


def _sendable(text: str) -> str:
    """Lone surrogates cannot be sent as UTF-8, and endpoints refuse an empty text."""
    return text[:_TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8").strip() or " "
