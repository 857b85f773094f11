"""Searching without the vector layer: BM25 over the ledger's own inverted index, by the terms and weights of `domain.sparse`.

The index names candidates, the living rows of one generation say which of them exist and what they say; so nothing unpublished, and
nothing of another project, can be found, whatever the index still holds.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import LiteralString

import numpy as np

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.text_index import ByRarity, Item, TextIndex
from destiny_assets.domain.sparse import SparseVector, encode_documents
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.ports import Vectors

# Words shared are counted for every chunk, BM25 is computed for this many times as many as are wanted, and for these at least.
_MORE, _FEWEST = 2, 200
_BATCH = 512

_VISIBLE: LiteralString = """
select c.id::text as id, c.document_id::text as document_id, c.born, c.context || c.text as text, e.vector
from chunk c join document d on (d.project, d.id) = (c.project, c.document_id)
left join embedding e on (e.project, e.model_id, e.embed_sha256) = (c.project, %(m)s, c.embed_sha256)
where c.project = %(p)s and c.born <= %(g)s and c.died > %(g)s and c.id = any(%(ids)s::uuid[])
  and (%(sources)s::text[] is null or d.source = any(%(sources)s))
  and (%(documents)s::uuid[] is null or c.document_id = any(%(documents)s::uuid[]))
"""


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """A chunk that one generation shows, with its BM25 score and, where it has one of the model asked for, its embedding."""

    chunk_id: str
    document_id: str
    born: int
    score: float
    vector: Vectors | None


class LexicalIndex:
    """Chunks by the stems of their words."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._index = TextIndex(session)

    def index(self, project: str, generation: int) -> None:
        """Index the chunks born in a generation; those of all earlier ones too, where the project has no such index yet."""
        older = None if self._index.holds(project, "terms") else self._terms(project, "<", generation)
        self._index.put(project, "terms", generation, self._terms(project, "=", generation), older)

    def search(
        self,
        project: str,
        generation: int,
        query: SparseVector,
        limit: int,
        *,
        model_id: str | None = None,
        sources: Collection[str] | None = None,
        documents: Collection[str] | None = None,
    ) -> list[LexicalHit]:
        """The best `limit` chunks of a generation by BM25, best first; raises `StoreUnavailableError` where nothing was indexed.

        `sources` and `documents` narrow, None does not; embeddings are those of `model_id`.
        """
        named = self._index.by_rarity(project, "terms", query.indices)
        if not named.size:
            raise StoreUnavailableError(
                f"The ledger holds no search index of {project!r}: it was published by an older Destiny. Run: destiny ingest {project}"
            )
        wanted = max(_MORE * limit, _FEWEST)
        parameters = {
            "p": project,
            "g": generation,
            "m": model_id,
            "sources": None if sources is None else list(sources),
            "documents": None if documents is None else list(documents),
        }
        found: dict[str, LexicalHit] = {}
        first, size = 0, wanted
        while first < len(named) and len(found) < wanted:
            with self._session.transaction() as cursor:
                rows = cursor.execute(_VISIBLE, {**parameters, "ids": named.ids(first, first + size)}).fetchall()
            for row, weights in zip(rows, encode_documents([row["text"] for row in rows]), strict=True):
                vector = None if row["vector"] is None else np.frombuffer(row["vector"], "<f4").astype(np.float32)
                found[row["id"]] = LexicalHit(
                    row["id"], row["document_id"], row["born"], _bm25(named, query, weights), vector
                )
            # Few of them are visible or pass the filters: the next look is a wider one.
            first, size = first + size, 4 * size
        return sorted(found.values(), key=lambda hit: (-hit.score, hit.chunk_id))[:limit]

    def counts(self, project: str, generation: int, terms: Sequence[int]) -> tuple[int, dict[int, int]]:
        """How many chunks any published generation has or had, or this one, and how many of them have each term; terms of none are left out."""
        return self._index.counts(project, "terms", generation, np.array(terms, np.uint32))

    def _terms(self, project: str, born: LiteralString, generation: int) -> Iterator[Item]:
        with self._session.stream("terms") as cursor:
            cursor.execute(
                f"select id::text as id, context || text as text from chunk where project = %s and born {born} %s",  # noqa: S608
                (project, generation),
            )
            while rows := cursor.fetchmany(_BATCH):
                for row, weights in zip(rows, encode_documents([row["text"] for row in rows]), strict=True):
                    yield row["id"], weights.indices


def _bm25(named: ByRarity, query: SparseVector, weights: SparseVector) -> float:
    both, _, places = np.intersect1d(query.indices, weights.indices, assume_unique=True, return_indices=True)
    return float(
        sum(named.idf.get(int(term), 0.0) * float(weights.values[at]) for term, at in zip(both, places, strict=True))
    )
