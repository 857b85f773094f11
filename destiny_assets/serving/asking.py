"""Answers: quoted sentences of what was found, or a language model's words about it, each with citations."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from destiny_assets.domain.answers import best_sentences, cited_numbers, sentences
from destiny_assets.domain.sparse import as_rows, encode_documents
from destiny_assets.errors import LayerAwayError, ModelError
from destiny_assets.ports import Evidence, LanguageModel
from destiny_assets.serving.circuits import Layer
from destiny_assets.serving.query_models import QueryModels
from destiny_assets.serving.results import Answer, Citation, Hit, SearchResult

EVIDENCE_PASSAGES = 6
_NOTHING = "Nothing in this project answers that."


class Answerer:
    """Turns hits into an answer; thread-safe."""

    def __init__(
        self,
        models: QueryModels,
        language_model: LanguageModel | None,
        reaching: Callable[[Layer], AbstractContextManager[None]],
    ) -> None:
        """`reaching` is entered before a model is asked; `LayerAwayError` of it means: do without."""
        self._models = models
        self._language_model = language_model
        self._reaching = reaching

    def answer(self, question: str, found: SearchResult, began: float) -> Answer:
        """The answer that the hits hold; `began` is when the question came, by ``time.perf_counter``."""
        for told in self.told(question, found, began):
            if isinstance(told, Answer):
                return told
        raise ModelError("The answer did not come to its end. Ask again.")

    def told(self, question: str, found: SearchResult, began: float) -> Iterator[str | Answer]:
        """The pieces of an answer as they come, then the whole of it, which holds whatever the pieces were."""
        text, citations, method = _NOTHING, list[Citation](), "extractive"
        degraded = list(found.degraded)
        if found.hits and self._language_model is not None:
            try:
                with self._reaching("language_model"):
                    pieces = []
                    for piece in self._language_model.answer(question, _evidence(found.hits)):
                        pieces.append(piece)
                        yield piece
                method, text = self._language_model.model_id, "".join(pieces).strip()
                cited = cited_numbers(text, len(found.hits))
                citations = [_citation(n, found.hits[n - 1], 0, len(found.hits[n - 1].text)) for n in cited]
            except LayerAwayError as error:
                degraded.append(error.layer)
        if found.hits and method == "extractive":
            text, citations, without = self._quote(question, found.hits)
            degraded += [layer for layer in without if layer not in degraded]
            yield text
        # What cites nothing rests on nothing: a model that says so, and one that answers from what it remembers.
        refused = not citations
        yield Answer(
            project=found.project,
            generation=found.generation,
            question=question,
            answer=_NOTHING if refused else text,
            method=method,
            citations=citations,
            latency_ms=round((time.perf_counter() - began) * 1000, 2),
            degraded=degraded,
            refused=refused,
        )

    def _quote(self, question: str, hits: Sequence[Hit]) -> tuple[str, list[Citation], list[str]]:
        candidates = [sentence for number, hit in enumerate(hits) for sentence in sentences(number, hit.text)]
        if not candidates:
            return hits[0].text, [_citation(1, hits[0], 0, len(hits[0].text))], []
        texts, degraded = [question, *(sentence.text for sentence in candidates)], []
        try:
            with self._reaching("model"):
                vectors = self._models.configured().embed(texts, "query")
        except LayerAwayError as error:
            vectors, degraded = as_rows(encode_documents(texts)), [error.layer]
        chosen = best_sentences(candidates, vectors[1:], vectors[0], [hit.score for hit in hits])
        parts, citations = [], []
        for number, index in enumerate(chosen, start=1):
            sentence = candidates[index]
            parts.append(f"{' '.join(sentence.text.split())} [{number}]")
            citations.append(_citation(number, hits[sentence.passage], sentence.start, sentence.end))
        return " ".join(parts), citations, degraded


def _evidence(hits: Sequence[Hit]) -> list[Evidence]:
    return [Evidence(number, hit.document, hit.text) for number, hit in enumerate(hits, start=1)]


def _citation(number: int, hit: Hit, start: int, end: int) -> Citation:
    return Citation(
        number=number,
        chunk_id=hit.chunk_id,
        document=hit.document,
        uri=hit.uri,
        span=(hit.span[0] + start, hit.span[0] + end),
        quote=hit.text[start:end],
        trust=hit.trust,
        superseded_by=hit.superseded_by,
        at_risk=hit.at_risk,
        document_id=hit.document_id,
    )
