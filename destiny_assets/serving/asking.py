"""Answers: quoted sentences of what was found, or a language model's words about it, each with citations."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from destiny_assets.domain.answers import Sentence, best_sentences, cited_numbers, sentences
from destiny_assets.domain.sparse import as_rows, encode_documents, terms_of
from destiny_assets.domain.support import MEASURED_MODEL, Sought, Support, judged, signs
from destiny_assets.errors import LayerAwayError, ModelError
from destiny_assets.ports import Evidence, LanguageModel, Vectors
from destiny_assets.serving.circuits import Layer
from destiny_assets.serving.query_models import QueryModels
from destiny_assets.serving.results import Answer, Citation, Hit, Nearest, SearchResult
from destiny_assets.serving.word_counts import WordCounts

EVIDENCE_PASSAGES = 6
_NOTHING = "Nothing in this project answers that."
_SHOWN_NEAREST, _SHOWN_WORDS = 3, 8


@dataclass(frozen=True, slots=True)
class _Quoted:
    """Quoted sentences with their citations, of which there are none where the passages do not answer.

    `support` in (0, 1) is the probability that they do, None where it could not be judged.
    """

    text: str
    citations: list[Citation]
    degraded: list[str]
    support: float | None


class Answerer:
    """Turns hits into an answer; thread-safe."""

    def __init__(
        self,
        words: WordCounts,
        models: QueryModels,
        language_model: LanguageModel | None,
        reaching: Callable[[Layer], AbstractContextManager[None]],
    ) -> None:
        """`reaching` is entered before a model is asked; `LayerAwayError` of it means: do without."""
        self._words = words
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
        text, citations, method, support = _NOTHING, list[Citation](), "extractive", None
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
        # A model's answer that cites something needs none of this, and the ledger is not asked.
        looked_for = (
            self._words.sought(found.project, found.generation, question) if not citations else Sought(0, {}, {})
        )
        if found.hits and method == "extractive":
            quoted = self._quote(question, found.hits, looked_for)
            citations, support = quoted.citations, quoted.support
            degraded += [layer for layer in quoted.degraded if layer not in degraded]
            if citations:
                text = quoted.text
                yield text
        # What cites nothing rests on nothing: passages that do not answer, a model that says so, and one that answers from what it
        # remembers.
        refused = not citations
        nearest = found.hits[:_SHOWN_NEAREST] if refused else []
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
            support=None if support is None else round(support, 4),
            looked_for=list(looked_for.words)[:_SHOWN_WORDS] if refused else [],
            not_found=looked_for.missing([_terms(hit) for hit in nearest])[:_SHOWN_WORDS] if refused else [],
            nearest=[_nearest(hit) for hit in nearest],
        )

    def _quote(self, question: str, hits: Sequence[Hit], looked_for: Sought) -> _Quoted:
        candidates = [sentence for number, hit in enumerate(hits) for sentence in sentences(number, hit.text)]
        texts, degraded = [question, *(sentence.text for sentence in candidates)], []
        cosines: Vectors | None = None
        if candidates:
            try:
                with self._reaching("model"):
                    model = self._models.configured()
                    vectors = model.embed(texts, "query")
                if model.model_id.startswith(MEASURED_MODEL):
                    cosines = vectors[1:] @ vectors[0]
            except LayerAwayError as error:
                vectors, degraded = as_rows(encode_documents(texts)), [error.layer]
        support = _support(looked_for, hits, candidates, cosines)
        if support is not None and support.refuses:
            return _Quoted(_NOTHING, [], degraded, support.probability)
        probability = None if support is None else support.probability
        if not candidates:
            return _Quoted(hits[0].text, [_citation(1, hits[0], 0, len(hits[0].text))], [], probability)
        chosen = best_sentences(candidates, vectors[1:], vectors[0], [hit.score for hit in hits])
        parts, citations = [], []
        for number, index in enumerate(chosen, start=1):
            sentence = candidates[index]
            parts.append(f"{' '.join(sentence.text.split())} [{number}]")
            citations.append(_citation(number, hits[sentence.passage], sentence.start, sentence.end))
        return _Quoted(" ".join(parts), citations, degraded, probability)


def _support(
    looked_for: Sought, hits: Sequence[Hit], candidates: Sequence[Sentence], cosines: Vectors | None
) -> Support | None:
    """How likely the hits hold the answer; None where the ledger's index of words holds nothing, so that nothing is known to be rare."""
    if not looked_for.size:
        return None
    said = [terms_of(sentence.text) for sentence in candidates]
    return judged(signs(looked_for, [_terms(hit) for hit in hits], said, None if cosines is None else cosines.tolist()))


def _terms(hit: Hit) -> frozenset[int]:
    return terms_of("\n".join((hit.document, *hit.heading, hit.text)))


def _nearest(hit: Hit) -> Nearest:
    return Nearest(hit.chunk_id, hit.document, hit.uri, hit.span, hit.text, hit.trust)


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
