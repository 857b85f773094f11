"""`KnowledgeService`: what every door calls; reads are pinned to one published generation, pushes wait for the next."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

import numpy as np

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.reading import Passage
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.filters import Filters, Mode, withheld_because
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.domain.retrieval import (
    BEST,
    MEASURED,
    RECIPES,
    RERANKED,
    Recipe,
    default_best,
    joined_score,
    ranked,
    recipe_named,
)
from destiny_assets.errors import (
    ConfigurationError,
    LayerAwayError,
    NotFoundError,
    StoreRefusalError,
    StoreUnavailableError,
)
from destiny_assets.ports import DocumentStore, Embedder, LanguageModel, Reranker, TokenCounter, Vectors
from destiny_assets.serving.asking import EVIDENCE_PASSAGES, Answerer
from destiny_assets.serving.candidates import LedgerCandidates, VectorCandidates
from destiny_assets.serving.circuits import Circuits, Layer
from destiny_assets.serving.claims import ClaimReader
from destiny_assets.serving.context import MOST_TOKENS, pack
from destiny_assets.serving.identities import IdentityReader
from destiny_assets.serving.pushing import KIND, Pushing
from destiny_assets.serving.query_models import QueryModels
from destiny_assets.serving.ranking import Ranker, Ranking
from destiny_assets.serving.rankings import RankingReader
from destiny_assets.serving.reranking import Reranking
from destiny_assets.serving.results import (
    Answer,
    ContextPack,
    Copy,
    DecisionList,
    HeldBack,
    Hit,
    Pushed,
    SearchResult,
    TrustExplanation,
)
from destiny_assets.serving.word_counts import WordCounts

EVERYTHING = Filters()

_QUERY_CACHE = 1_024
# Ranked besides what was asked for: copies are folded, and one page of passages then usually is enough.
_SPARE = 8
_SHOWN_HELD = 50
# A context of a million tokens is some ten thousand passages; fewer tokens than this a passage would waste a search.
_FEWEST_CHUNK_TOKENS, _MOST_PASSAGES = 40, 20_000


class KnowledgeService:
    """Reads of many projects; thread-safe. It owns nothing: whoever made the adapters closes them."""

    def __init__(
        self,
        ledger: PostgresLedger,
        vectors: QdrantVectorIndex,
        embedder: Callable[[], Embedder],
        language_model: LanguageModel | None = None,
        *,
        reranker: Reranker | None = None,
        originals: DocumentStore | None = None,
        circuits: Circuits | None = None,
    ) -> None:
        """`embedder` is called at the first query that needs vectors: loading a model costs half a second.

        Without `originals` the service reads only: `add` and `forget` refuse. With `circuits` it answers without a layer that is away and
        says so in `degraded`; without them, which is for whoever measures, it raises.
        """
        self._ledger = ledger
        self._circuits = circuits
        self._reranking = Reranking(ledger, reranker, self._reaching)
        self._models = QueryModels(ledger, embedder)
        words = WordCounts(ledger)
        self._answerer = Answerer(words, self._models, language_model, self._reaching)
        self._pushing = Pushing(ledger, originals) if originals is not None else None
        self._embedded = lru_cache(maxsize=_QUERY_CACHE)(self._embed)
        self._ranker = Ranker(ledger, VectorCandidates(vectors, circuits), words, self._query_vector)
        self._stand_in = Ranker(ledger, LedgerCandidates(ledger), words, self._query_vector)
        self.claims = ClaimReader(ledger, self.generation)
        self.identities = IdentityReader(ledger, self.generation)
        self.rankings = RankingReader(ledger, self._rank_by_each, self._reranking)
        self._tokens = lru_cache(maxsize=1)(_open_tokens)

    def generation(
        self, project: str, *, as_of: datetime | None = None, number: int | Generation | None = None
    ) -> Generation:
        """The generation a read is pinned to, as it is where the caller has it; raises `NotFoundError` when nothing is published yet."""
        if isinstance(number, Generation):
            return number
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
        generation: int | Generation | None = None,
        min_trust: float = 0.0,
        mode: Mode = Mode.ALL,
        filters: Filters = EVERYTHING,
        diversity: float = 0.0,
        surrounding: int = 0,
    ) -> SearchResult:
        """The `k` best chunks; raises `NotFoundError` for an unknown project or recipe, `StoreUnavailableError`, `ConflictError`.

        Near-duplicates of a hit are folded into it (`Hit.copies`). `mode` and `min_trust` hold hits back, `SearchResult.held` says
        why. `diversity` in [0, 1] trades relevance for hits that differ; `surrounding` is how many neighbours' texts come along.
        """
        began = time.perf_counter()
        pinned = self.generation(project, as_of=as_of, number=generation)
        chosen = recipe_named(self.best_recipe(pinned) if recipe == BEST else recipe)
        # A hit can be a copy of one above it, so a few more are ranked than asked for.
        (ranking,) = self._rank_by_each(pinned, text, [chosen], max(k + _SPARE, chosen.candidates), filters)
        if chosen.reranked:
            ranking, chosen = self._reranking.reranked(pinned, text, chosen, ranking, named=recipe != BEST)
        if diversity > 0 and "vectors" not in ranking.degraded:
            try:
                ranking = self._ranker.diversified(pinned, ranking, diversity, max(k * 5, 50))
            except LayerAwayError as error:
                ranking = replace(ranking, degraded=[*ranking.degraded, error.layer])
        hits, held = self._hits(pinned, ranking.scores, chosen, k, mode, min_trust)
        if surrounding:
            around = self._ledger.selection.around(project, pinned.number, [hit.chunk_id for hit in hits], surrounding)
            hits = [
                replace(hit, before=around[hit.chunk_id][0], after=around[hit.chunk_id][1])
                if hit.chunk_id in around
                else hit
                for hit in hits
            ]
        return SearchResult(
            project=project,
            generation=pinned.number,
            recipe=chosen.name,
            latency_ms=round((time.perf_counter() - began) * 1000, 2),
            degraded=ranking.degraded,
            hits=hits,
            withheld=len(held),
            held=held[:_SHOWN_HELD],
        )

    @property
    def measured_recipes(self) -> tuple[str, ...]:
        """The recipes worth measuring with what this service has."""
        return (*MEASURED, *RERANKED) if self._reranking.configured else MEASURED

    def best_recipe(self, pinned: Generation) -> str:
        """The recipe that `best` stands for in a generation."""
        facts = pinned.facts or {}
        chosen = facts.get("best_recipe", {}).get("recipe")
        if chosen in RECIPES:
            return str(chosen)
        if "tokens" not in facts:
            facts = self._ledger.reading.counts(pinned.project, pinned.number)
        return default_best(facts["chunks"], facts["tokens"])

    def context(
        self,
        project: str,
        text: str,
        *,
        tokens: int,
        recipe: str = BEST,
        as_of: datetime | None = None,
        generation: int | Generation | None = None,
        mode: Mode = Mode.BALANCED,
        filters: Filters = EVERYTHING,
    ) -> ContextPack:
        """What is worth reading for a question, within `tokens` (1 to 1,000,000) of the default model's tokenizer.

        Passages are taken by relevance times trust, none twice; the last one is cut so that the budget is used to its end. Raises as
        `search` does, and `ConfigurationError` for a budget out of range.
        """
        if not 1 <= tokens <= MOST_TOKENS:
            raise ConfigurationError(f"A context of {tokens} tokens can't be made: ask for 1 to {MOST_TOKENS:,}.")
        wanted = min(tokens // _FEWEST_CHUNK_TOKENS + _SPARE, _MOST_PASSAGES)
        found = self.search(
            project, text, k=wanted, recipe=recipe, as_of=as_of, generation=generation, mode=mode, filters=filters
        )
        return pack(found, text, tokens, self._tokens())

    def _hits(
        self,
        pinned: Generation,
        scores: Sequence[tuple[str, float]],
        recipe: Recipe,
        k: int,
        mode: Mode,
        min_trust: float,
    ) -> tuple[list[Hit], list[HeldBack]]:
        """The first `k` passages that may be shown, read page by page, and those held back above the last of them."""
        reads = self._ledger.reading
        if recipe.trust is not None and scores:
            # Trust can change the order, so it is known for all before any is shown.
            trusts = reads.passages(pinned.project, pinned.number, [chunk for chunk, _ in scores])
            scores = ranked({c: joined_score(s, trusts[c].trust, recipe.trust) for c, s in scores if c in trusts})
        hits: dict[str, Hit] = {}
        held: list[HeldBack] = []
        for first in range(0, len(scores), k + _SPARE):
            page = scores[first : first + k + _SPARE]
            passages = reads.passages(pinned.project, pinned.number, [chunk for chunk, _ in page])
            for chunk, score in page:
                if (passage := passages.get(chunk)) is None:
                    continue
                reason = withheld_because(
                    mode,
                    trust=passage.trust,
                    status=passage.status,
                    superseded_by=passage.superseded_by,
                    least_trust=min_trust,
                )
                original = passage.near_duplicate_of or chunk
                if reason is not None:
                    held.append(HeldBack(chunk, passage.title, passage.uri, reason, round(passage.trust, 6)))
                elif original in hits:
                    hits[original].copies.append(Copy(chunk, passage.title, passage.uri, passage.span))
                elif len(hits) < k:
                    hits[original] = _hit(passage, score)
            if len(hits) == k:
                break
        return list(hits.values()), held

    def ask(
        self, project: str, question: str, *, as_of: datetime | None = None, generation: int | Generation | None = None
    ) -> Answer:
        """An answer with citations: quoted sentences, or the language model's words where one is configured."""
        began = time.perf_counter()
        found = self.search(project, question, k=EVIDENCE_PASSAGES, as_of=as_of, generation=generation)
        return self._answerer.answer(question, found, began)

    def ask_aloud(
        self, project: str, question: str, *, generation: int | Generation | None = None
    ) -> Iterator[str | Answer]:
        """As `ask`, told while it is made: its pieces, then the whole. What is refused is refused before anything is told."""
        began = time.perf_counter()
        found = self.search(project, question, k=EVIDENCE_PASSAGES, generation=generation)
        return self._answerer.told(question, found, began)

    def explain_trust(
        self, project: str, item: str, *, as_of: datetime | None = None, generation: int | Generation | None = None
    ) -> TrustExplanation:
        """Why a chunk or document is trusted as it is; raises `NotFoundError`."""
        pinned = self.generation(project, as_of=as_of, number=generation)
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
        generation: int | Generation | None = None,
    ) -> DecisionList:
        """What was decided, newest first, in one generation; raises `NotFoundError`.

        `agent` is one of those who decided. With `only_holding` those superseded, rejected or not yet accepted are withheld.
        """
        pinned = self.generation(project, as_of=as_of, number=generation)
        found = self._ledger.decisions.shown(project, pinned.number, agent=agent, min_importance=min_importance)
        chosen = [decision for decision in found if decision.holds or not only_holding]
        return DecisionList(project, pinned.number, chosen, len(found) - len(chosen))

    def _rank_by_each(
        self, pinned: Generation, text: str, recipes: Sequence[Recipe], limit: int, filters: Filters
    ) -> list[Ranking]:
        """A ranking by each recipe; without the vector layer where that is away.

        In the collection that the generation reads now, if a rebuild moved it since it was pinned.
        """
        try:
            return self._ranker.rank_by_each(pinned, text, recipes, limit, filters)
        except LayerAwayError as error:
            if error.layer != "vectors":
                raise
        except StoreUnavailableError as error:
            now = self._ledger.generations.readable(pinned.project, pinned.number)
            if now.collection != pinned.collection:
                return self._rank_by_each(now, text, recipes, limit, filters)
            if self._circuits is None or not isinstance(error, StoreRefusalError):
                raise
        rankings = self._stand_in.rank_by_each(pinned, text, recipes, limit, filters)
        return [replace(ranking, degraded=["vectors", *ranking.degraded]) for ranking in rankings]

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

    def _query_vector(self, project: str, model_id: str, text: str) -> Vectors:
        if not self._models.known_same(project, model_id):
            with self._reaching("model"):
                self._models.require_same(project, model_id)
        # Kept by model and not by project: the same question to twelve projects is embedded once.
        return self._embedded(model_id, text)

    def _embed(self, model_id: str, text: str) -> Vectors:
        with self._reaching("model"):
            vector: Vectors = self._models.named(model_id).embed([text], "query")[0]
        return vector

    def _reaching(self, layer: Layer) -> AbstractContextManager[None]:
        return nullcontext() if self._circuits is None else self._circuits.reaching(layer)


def _open_tokens() -> TokenCounter:
    from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer

    return MiniLMTokenizer()


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
        at_risk=list(passage.at_risk),
        document_id=passage.document_id,
    )
