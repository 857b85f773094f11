"""`KnowledgeService`: what every door calls; reads are pinned to one published generation, pushes wait for the next."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.reading import Passage
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.answers import Sentence, best_sentences, cited_numbers, sentences
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.domain.retrieval import Recipe, fuse, recipe_named
from destiny_assets.domain.sparse import encode_query
from destiny_assets.errors import ConfigurationError, ConflictError, NotFoundError, StoreUnavailableError
from destiny_assets.ports import DocumentStore, Embedder, Evidence, LanguageModel, Vectors
from destiny_assets.serving.pushing import KIND, Pushing
from destiny_assets.serving.results import Answer, Citation, DecisionList, Hit, Pushed, SearchResult, TrustExplanation

_QUERY_CACHE = 1_024
_EVIDENCE_PASSAGES = 6


class KnowledgeService:
    """Reads of many projects; thread-safe. It owns nothing: whoever made the adapters closes them."""

    def __init__(
        self,
        ledger: PostgresLedger,
        vectors: QdrantVectorIndex,
        embedder: Callable[[], Embedder],
        language_model: LanguageModel | None = None,
        *,
        originals: DocumentStore | None = None,
    ) -> None:
        """`embedder` is called at the first query that needs vectors: loading a model costs half a second.

        Without `originals` the service reads only: `add` and `forget` refuse.
        """
        self._ledger = ledger
        self._vectors = vectors
        self._open_embedder = embedder
        self._embedder: Embedder | None = None
        self._loading = threading.Lock()
        self._language_model = language_model
        self._pushing = Pushing(ledger, originals) if originals is not None else None
        self._query_vector = lru_cache(maxsize=_QUERY_CACHE)(self._embed_query)

    def generation(self, project: str, *, as_of: datetime | None = None, number: int | None = None) -> Generation:
        """The generation a read is pinned to; raises `NotFoundError` when nothing is published yet."""
        if number is not None:
            return self._ledger.generations.readable(project, number)
        if as_of is not None:
            self._ledger.projects.require(project)
            return self._ledger.generations.as_of(project, as_of)
        found = self._ledger.generations.current(project)
        if found is None:
            self._ledger.projects.require(project)
            raise NotFoundError(f"Project {project!r} has nothing published yet. Run: destiny ingest {project}")
        return found

    def search(
        self,
        project: str,
        text: str,
        *,
        k: int = 10,
        recipe: str = "hybrid",
        as_of: datetime | None = None,
        generation: int | None = None,
        min_trust: float = 0.0,
    ) -> SearchResult:
        """The `k` best chunks; raises `NotFoundError` for an unknown project or recipe, `StoreUnavailableError`, `ConflictError`."""
        began = time.perf_counter()
        chosen = recipe_named(recipe)
        pinned = self.generation(project, as_of=as_of, number=generation)
        ranked = self._rank_where_it_is(pinned, text, chosen, max(k, chosen.candidates))
        # Where trust is asked for, all candidates are read, so that k good ones can be found below bad ones.
        considered = ranked if min_trust > 0 else ranked[:k]
        passages = self._ledger.reading.passages(project, pinned.number, [chunk for chunk, _ in considered])
        trusted = [
            (passages[chunk], score)
            for chunk, score in considered
            if chunk in passages and passages[chunk].trust >= min_trust
        ]
        return SearchResult(
            project=project,
            generation=pinned.number,
            recipe=chosen.name,
            latency_ms=round((time.perf_counter() - began) * 1000, 2),
            degraded=[],
            hits=[_hit(passage, score) for passage, score in trusted[:k]],
            withheld=len(considered) - len(trusted),
        )

    def ask(self, project: str, question: str, *, as_of: datetime | None = None) -> Answer:
        """An answer with citations: quoted sentences, or the language model's words where one is configured."""
        began = time.perf_counter()
        result = self.search(project, question, k=_EVIDENCE_PASSAGES, as_of=as_of)
        citations: list[Citation] = []
        if not result.hits:
            text, method = "Nothing in this project answers that.", "extractive"
        elif self._language_model is None:
            text, citations = self._quote(question, result.hits)
            method = "extractive"
        else:
            text, citations = self._generate(self._language_model, question, result.hits)
            method = self._language_model.model_id
        return Answer(
            project=project,
            generation=result.generation,
            question=question,
            answer=text,
            method=method,
            citations=citations,
            latency_ms=round((time.perf_counter() - began) * 1000, 2),
        )

    def explain_trust(self, project: str, item: str, *, as_of: datetime | None = None) -> TrustExplanation:
        """Why a chunk or document is trusted as it is; raises `NotFoundError`."""
        pinned = self.generation(project, as_of=as_of)
        stored = self._ledger.reading.trust(project, pinned.number, item)
        return TrustExplanation(
            project=project,
            generation=pinned.number,
            item=stored.id,
            kind=stored.kind,
            label=stored.label,
            p=stored.score,
            log_odds=float(np.log(stored.score / (1 - stored.score))),
            terms=stored.components,
            model=stored.model,
        )

    def decisions(
        self,
        project: str,
        *,
        agent: str | None = None,
        min_importance: float = 0.0,
        only_holding: bool = True,
        as_of: datetime | None = None,
        generation: int | None = None,
    ) -> DecisionList:
        """What was decided, newest first, in one generation; raises `NotFoundError`.

        `agent` is one of those who decided. With `only_holding` those superseded, rejected or not yet accepted are withheld.
        """
        pinned = self.generation(project, as_of=as_of, number=generation)
        found = self._ledger.decisions.shown(project, pinned.number, agent=agent, min_importance=min_importance)
        chosen = [decision for decision in found if decision.holds or not only_holding]
        return DecisionList(project, pinned.number, chosen, len(found) - len(chosen))

    def _rank_where_it_is(self, pinned: Generation, text: str, recipe: Recipe, limit: int) -> list[tuple[str, float]]:
        """`_rank`, in the collection the generation reads now if a rebuild moved it since it was pinned."""
        try:
            return self._rank(pinned, text, recipe, limit)
        except StoreUnavailableError:
            now = self._ledger.generations.readable(pinned.project, pinned.number)
            if now.collection == pinned.collection:
                raise
            return self._rank(now, text, recipe, limit)

    def add(self, project: str, document: PushedDocument, *, source: str = KIND) -> Pushed:
        """Take in a document: durable when this returns, readable with the next ingest; the same again changes nothing.

        Raises `NotFoundError`, `ConflictError`, `UnreadableDocumentError`, `StoreUnavailableError`; `ConfigurationError` where
        this service only reads.
        """
        return self._writing().add(project, document, source=source)

    def forget(self, project: str, uri: str) -> Pushed:
        """Take a pushed document out; it leaves with the next ingest. Raises `NotFoundError` when none has that uri."""
        return self._writing().forget(project, uri)

    def _writing(self) -> Pushing:
        if self._pushing is None:
            raise ConfigurationError("This service only reads. Open it with the document store to push documents.")
        return self._pushing

    def _rank(self, pinned: Generation, text: str, recipe: Recipe, limit: int) -> list[tuple[str, float]]:
        if pinned.collection is None or pinned.model_id is None:
            return []
        dense = self._query_vector(pinned.model_id, text) if recipe.dense_weight > 0 else None
        sparse = encode_query(text) if recipe.dense_weight < 1 else None
        by_cosine, by_bm25 = self._vectors.search(
            pinned.collection, pinned.number, dense=dense, sparse=sparse, limit=limit
        )
        cosine = {candidate.chunk_id: candidate.score for candidate in by_cosine}
        bm25 = {candidate.chunk_id: candidate.score for candidate in by_bm25}
        if dense is not None:
            # A chunk found by its words alone still has a cosine; without it the fusion would count it as 0.
            missing = {
                candidate.point_id: candidate.chunk_id for candidate in by_bm25 if candidate.chunk_id not in cosine
            }
            found = self._vectors.cosines(pinned.collection, list(missing), dense)
            cosine |= {missing[point]: score for point, score in found.items()}
        return fuse(cosine, bm25, recipe.dense_weight)

    def _quote(self, question: str, hits: Sequence[Hit]) -> tuple[str, list[Citation]]:
        candidates: list[Sentence] = [
            sentence for number, hit in enumerate(hits) for sentence in sentences(number, hit.text)
        ]
        if not candidates:
            return hits[0].text, [_citation(1, hits[0], 0, len(hits[0].text))]
        vectors = self._model().embed([question, *(sentence.text for sentence in candidates)], "query")
        chosen = best_sentences(candidates, vectors[1:], vectors[0], [hit.score for hit in hits])
        parts, citations = [], []
        for number, index in enumerate(chosen, start=1):
            sentence = candidates[index]
            parts.append(f"{' '.join(sentence.text.split())} [{number}]")
            citations.append(_citation(number, hits[sentence.passage], sentence.start, sentence.end))
        return " ".join(parts), citations

    @staticmethod
    def _generate(model: LanguageModel, question: str, hits: Sequence[Hit]) -> tuple[str, list[Citation]]:
        evidence = [Evidence(number, hit.document, hit.text) for number, hit in enumerate(hits, start=1)]
        text = model.answer(question, evidence)
        cited = cited_numbers(text, len(hits))
        return text, [_citation(number, hits[number - 1], 0, len(hits[number - 1].text)) for number in cited]

    def _embed_query(self, model_id: str, text: str) -> Vectors:
        embedder = self._model()
        if embedder.model_id != model_id:
            raise ConflictError(
                f"This generation was embedded with {model_id!r}, but {embedder.model_id!r} is configured. "
                "Set DESTINY_EMBEDDING_MODEL back, or ingest again to publish a generation of the new model."
            )
        vector: Vectors = embedder.embed([text], "query")[0]
        return vector

    def _model(self) -> Embedder:
        with self._loading:
            if self._embedder is None:
                self._embedder = self._open_embedder()
            return self._embedder


def _hit(passage: Passage, score: float) -> Hit:
    return Hit(
        chunk_id=passage.chunk_id,
        document=passage.title,
        uri=passage.uri,
        source=passage.source,
        heading=list(passage.heading_path),
        text=passage.text,
        span=passage.span,
        score=round(score, 6),
        trust=round(passage.trust, 6),
        status=passage.status,
        superseded_by=list(passage.superseded_by),
        near_duplicate_of=passage.near_duplicate_of,
        authors=list(passage.authors),
        written_at=passage.written_at,
        revision=passage.revision or None,
    )


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
    )
