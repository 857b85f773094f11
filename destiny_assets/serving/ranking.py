"""How a question becomes a ranking of chunks: candidates, then what the ledger knows of their documents.

Nothing here reads a passage for showing, and nothing is written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.selection import ReadPassage
from destiny_assets.adapters.qdrant import EVERYWHERE, Scope
from destiny_assets.adapters.qdrant_search import Candidate
from destiny_assets.domain.filters import Filters
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.proper_names import names_in_passage, names_in_question
from destiny_assets.domain.retrieval import (
    Recipe,
    best_documents,
    diverse,
    fuse,
    named_gains,
    ranked,
    with_coverage,
    with_neighbours,
)
from destiny_assets.domain.sparse import SparseVector, encode_query, terms_of
from destiny_assets.domain.support import Sought
from destiny_assets.domain.unrelated import above_unrelated
from destiny_assets.errors import LayerAwayError
from destiny_assets.ports import Vectors
from destiny_assets.serving.candidates import Candidates, Found
from destiny_assets.serving.word_counts import WordCounts

# More documents than this are not sent along as a condition: what is found everywhere is looked through instead.
_SENT_DOCUMENTS = 20_000
_LOOKED_THROUGH = 5
# The first chunks that are read for what they say of the question. With 50 or 100 the figures are the same within 0.002.
_COVERING_CHUNKS = 30
# Of a project that an older Destiny published, whose words are not counted.
_USUAL_PASSAGES = 1_800
# Chunks of the followed documents that are read for names; a book's hundred candidates are not all read.
_READ_CHUNKS = 40
# Documents named by what was found that are searched besides.
_NAMED_DOCUMENTS = 30


@dataclass(slots=True)
class _Pool:
    """Candidates found so far, by chunk; cosines as far as they lie above `unrelated`."""

    unrelated: float
    cosine: dict[str, float] = field(default_factory=dict)
    bm25: dict[str, float] = field(default_factory=dict)
    document: dict[str, str] = field(default_factory=dict)
    point: dict[str, str] = field(default_factory=dict)

    def add(self, by_cosine: Sequence[Candidate], by_bm25: Sequence[Candidate]) -> None:
        for candidate in by_cosine:
            self.cosine[candidate.chunk_id] = above_unrelated(candidate.score, self.unrelated)
        for candidate in by_bm25:
            self.bm25[candidate.chunk_id] = candidate.score
        for candidate in chain(by_cosine, by_bm25):
            self.document[candidate.chunk_id] = candidate.document_id
            self.point[candidate.chunk_id] = candidate.point_id


@dataclass(frozen=True, slots=True)
class _Question:
    """A question as the stores are asked it; `allowed` are the documents that may be shown (None: all of them).

    `read` are the chunks that some recipe read.
    """

    text: str
    dense: Vectors | None
    sparse: SparseVector | None
    looked_for: Sought
    scope: Scope
    allowed: set[str] | None
    read: dict[str, ReadPassage] = field(default_factory=dict)

    @property
    def passages(self) -> int:
        """How many there are to find one among, as many as the ledger's index counts; a usual number where it has none."""
        return self.looked_for.size or _USUAL_PASSAGES


@dataclass(frozen=True, slots=True)
class Ranking:
    """Chunks of one generation, best first, with their scores; `point` names each in the vector layer.

    `degraded` names the layers that were done without.
    """

    scores: list[tuple[str, float]]
    point: dict[str, str]
    degraded: list[str] = field(default_factory=list)


class Ranker:
    """Ranks chunks of one kind of candidates by a recipe; thread-safe."""

    def __init__(
        self,
        ledger: PostgresLedger,
        candidates: Candidates,
        words: WordCounts,
        query_vector: Callable[[str, str, str], Vectors],
    ) -> None:
        """`query_vector` gives the vector of a text by project and model's id; `LayerAwayError` of it means: rank by words."""
        self._ledger = ledger
        self._candidates = candidates
        self._words = words
        self._query_vector = query_vector

    def rank_by_each(
        self, pinned: Generation, text: str, recipes: Sequence[Recipe], limit: int, filters: Filters
    ) -> list[Ranking]:
        """A ranking by each recipe, at least the best `limit` chunks of each where there are that many; candidates are searched once."""
        if pinned.collection is None or pinned.model_id is None:
            return [Ranking([], {}) for _ in recipes]
        degraded, dense = list[str](), None
        if any(recipe.dense_weight > 0 for recipe in recipes):
            try:
                dense = self._query_vector(pinned.project, pinned.model_id, text)
            except LayerAwayError as error:
                degraded = [error.layer]
                recipes = [replace(recipe, dense_weight=0.0) for recipe in recipes]
        by_words = any(recipe.dense_weight < 1 for recipe in recipes) or self._candidates.by_words
        scope, allowed = self._scope(pinned, filters)
        if allowed == set() or scope.sources == []:
            return [Ranking([], {}) for _ in recipes]
        weighed = any(recipe.covers or 0 < recipe.dense_weight < 1 for recipe in recipes)
        looked_for = self._words.sought(pinned.project, pinned.number, text) if weighed else Sought(0, {}, {})
        question = _Question(text, dense, encode_query(text) if by_words else None, looked_for, scope, allowed)
        wide = limit if question.scope.documents is not None or question.allowed is None else limit * _LOOKED_THROUGH
        found = self._candidates.search(pinned, dense, question.sparse, wide, question.scope)
        return [self._ranked(pinned, question, recipe, found, degraded) for recipe in recipes]

    def _ranked(
        self, pinned: Generation, question: _Question, recipe: Recipe, found: Found, degraded: list[str]
    ) -> Ranking:
        pool = _Pool(pinned.unrelated_cosine)
        pool.add(*(found if recipe.dense_weight > 0 else ([], found[1])))
        scores = self._kept(
            fuse(pool.cosine, pool.bm25, recipe.dense_weight, question.passages), pool, question.allowed
        )
        if recipe.neighbours and scores:
            chunks = [chunk for chunk, _ in scores]
            adjacent = self._ledger.selection.adjacent(pinned.project, pinned.number, chunks)
            scores = ranked(with_neighbours(dict(scores), adjacent, recipe.neighbours))
        if recipe.covers:
            coverage = self._coverage(pinned, question, scores)
            scores = with_coverage(scores, coverage, recipe.covers)
        if recipe.follows and scores:
            scores = self._followed(pinned, question, recipe, pool, scores)
        return Ranking(scores, pool.point, degraded)

    def diversified(self, pinned: Generation, ranking: Ranking, diversity: float, among: int) -> Ranking:
        """The first `among` chunks reordered so that none repeats what stands above it (MMR); the rest stays as it is."""
        head, rest = ranking.scores[:among], ranking.scores[among:]
        if pinned.collection is None or not head:
            return ranking
        vectors = self._candidates.dense_vectors(pinned, [ranking.point[chunk] for chunk, _ in head])
        there = [(chunk, score) for chunk, score in head if ranking.point[chunk] in vectors]
        rows = np.array([vectors[ranking.point[chunk]] for chunk, _ in there], np.float32)
        order = diverse([score for _, score in there], rows, diversity, len(there))
        return replace(ranking, scores=[there[place] for place in order] + rest)

    def _scope(self, pinned: Generation, filters: Filters) -> tuple[Scope, set[str] | None]:
        """What the vector layer is asked for, and the documents that may be shown (None: all of them)."""
        if not filters:
            return EVERYWHERE, None
        sources: list[str] | None = list(filters.sources) or None
        if filters.kinds:
            of_kind = [s.name for s in self._ledger.projects.sources(pinned.project) if s.kind in filters.kinds]
            sources = [name for name in of_kind if sources is None or name in sources]
        if not filters.on_documents:
            return Scope(sources=sources), None
        documents = self._ledger.selection.documents(pinned.project, pinned.number, filters)
        return Scope(sources, documents if len(documents) <= _SENT_DOCUMENTS else None), documents

    def _coverage(
        self, pinned: Generation, question: _Question, scores: Sequence[tuple[str, float]]
    ) -> dict[str, float]:
        """How much of the question the first chunks of each document say together, by chunk."""
        said: dict[str, set[int]] = {}
        first = self._read(pinned, question, [chunk for chunk, _ in scores[:_COVERING_CHUNKS]])
        for passage in first.values():
            found = question.looked_for.rarity.keys() & terms_of(passage.context + passage.text)
            said.setdefault(passage.document, set()).update(found)
        shares = {document: question.looked_for.share(terms) for document, terms in said.items()}
        return {chunk: shares[passage.document] for chunk, passage in first.items()}

    def _read(self, pinned: Generation, question: _Question, chunks: Sequence[str]) -> dict[str, ReadPassage]:
        """Those of the chunks that the generation shows, none read twice for a question."""
        if unread := [chunk for chunk in chunks if chunk not in question.read]:
            question.read.update(self._ledger.selection.passages(pinned.project, pinned.number, unread))
        return {chunk: question.read[chunk] for chunk in chunks if chunk in question.read}

    @staticmethod
    def _kept(scores: list[tuple[str, float]], pool: _Pool, allowed: set[str] | None) -> list[tuple[str, float]]:
        if allowed is None:
            return scores
        return [(chunk, score) for chunk, score in scores if pool.document[chunk] in allowed]

    def _followed(
        self,
        pinned: Generation,
        question: _Question,
        recipe: Recipe,
        pool: _Pool,
        scores: list[tuple[str, float]],
    ) -> list[tuple[str, float]]:
        gains = self._gains(pinned, question, recipe, pool, scores)
        if question.allowed is not None:
            gains = {document: gain for document, gain in gains.items() if document in question.allowed}
        if not gains:
            return scores
        found = {pool.document[chunk] for chunk, _ in scores}
        unseen = [document for document, _ in ranked(gains) if document not in found][:_NAMED_DOCUMENTS]
        if unseen:
            there = Scope(question.scope.sources, unseen)
            pool.add(*self._candidates.search(pinned, question.dense, question.sparse, len(unseen) * 3, there))
            fused = fuse(pool.cosine, pool.bm25, recipe.dense_weight, question.passages)
            # Scores of the first round stand: its filters, neighbours and coverage are in them.
            scores += with_coverage([(c, s) for c, s in fused if pool.document[c] in set(unseen)], {}, recipe.covers)
        return ranked({chunk: score + gains.get(pool.document[chunk], 0.0) for chunk, score in scores})

    def _gains(
        self, pinned: Generation, question: _Question, recipe: Recipe, pool: _Pool, scores: list[tuple[str, float]]
    ) -> dict[str, float]:
        selection, project, number = self._ledger.selection, pinned.project, pinned.number
        followed = best_documents(scores, pool.document, recipe.follows)
        read = [chunk for chunk, _ in scores if pool.document[chunk] in followed][:_READ_CHUNKS]
        said: dict[str, set[str]] = {}
        for passage in self._read(pinned, question, read).values():
            said.setdefault(passage.document, set()).update(names_in_passage(passage.text))
        asked = names_in_question(question.text)
        titled = selection.titled(project, number, set().union(asked, *said.values()))
        # A title that several of them say is a common word here: 0.836 became 0.844 on product pages called "Models".
        shared = {name: len(titled[name]) * sum(name in names for names in said.values()) for name in titled}
        named = {
            (document, target): shared[name]
            for document, names in said.items()
            for name in sorted(names & titled.keys(), key=lambda name: -shared[name])
            for target in titled[name]
            if target != document
        }
        named |= dict.fromkeys(selection.references(project, number, list(followed)), 1)
        in_question = {
            target: len(titled[name])
            for name in sorted(asked & titled.keys(), key=lambda name: -len(titled[name]))
            for target in titled[name]
        }
        return named_gains(named, in_question, followed, recipe)
