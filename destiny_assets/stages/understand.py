"""Understand: documents become chunks, chunks become vectors, vectors become points of the vector layer."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from more_itertools import chunked, divide

from destiny_assets.adapters.postgres.chunks import ChunkedDocument
from destiny_assets.adapters.postgres.documents import StoredDocument
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projections import PointRow
from destiny_assets.adapters.qdrant import Point, QdrantVectorIndex, collection_name, collection_of
from destiny_assets.domain.authorship import written
from destiny_assets.domain.chunking import CHUNKER, split
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.near_duplicates import SIGNATURE, signature
from destiny_assets.domain.sparse import ENCODER, encode_documents
from destiny_assets.domain.token_budget import TokenBudget
from destiny_assets.domain.unrelated import PASSAGES, unrelated_cosine
from destiny_assets.errors import BudgetSpentError, ConflictError, RefusedTextError
from destiny_assets.ports import Embedder, Progress, TokenCounter, Vectors
from destiny_assets.serving.query_models import require_same_model
from destiny_assets.stages.ahead import one_ahead
from destiny_assets.stages.duplicates import mark_duplicates
from destiny_assets.stages.quarantine import Refusal, attempted, release, set_aside

# What a document is cut and compared by; a change of either takes every document up again.
CHUNKING = f"{CHUNKER} {SIGNATURE}"
# Long enough that sorting by length leaves little padding, short enough that a killed run loses 5 to 20 s and progress is seen to move.
_EMBED_BATCH = 1_024
# No model that works refuses it.
_HARMLESS = "The letter was delivered on Monday."


def chunk_documents(
    ledger: PostgresLedger, tokens: TokenCounter, project: str, generation: int, progress: Progress
) -> Mapping[str, Any]:
    """Cut every living document that this chunker has not cut yet; end chunks of documents that are gone."""
    documents = refused = 0
    for batch, starts in _tokenised(ledger.documents.pending(project, "chunker", CHUNKING), tokens):
        cut = [_chunked(document, offsets) for document, offsets in zip(batch, starts, strict=True)]
        failed = [(d, outcome) for d, outcome in zip(batch, cut, strict=True) if isinstance(outcome, Refusal)]
        ledger.chunks.store(project, generation, [some for some in cut if not isinstance(some, Refusal)], CHUNKING)
        set_aside(ledger, project, generation, "chunks", CHUNKING, failed)
        release(
            ledger, project, "chunks", [d for d, some in zip(batch, cut, strict=True) if not isinstance(some, Refusal)]
        )
        documents += len(batch) - len(failed)
        refused += len(failed)
        progress.advance("chunks", documents, 0)
    ledger.chunks.retire_orphans(project, generation)
    mark_duplicates(ledger, project, generation)
    return {"documents": documents, "refused": refused, **ledger.chunks.counts(project, generation)}


def embed_chunks(
    ledger: PostgresLedger,
    embedder: Embedder,
    project: str,
    generation: int,
    progress: Progress,
    *,
    most_tokens: int | None = None,
) -> Mapping[str, Any]:
    """Give every living chunk's text a vector of this model; a text that has one already costs nothing.

    Raises `ConflictError` when the model is no longer the one that made the vectors there are of it, `BudgetSpentError` when
    `most_tokens` were embedded and texts are left: then the next run goes on with those.
    """
    collection = _collection(ledger, project, embedder.model_id)
    latest = ledger.generations.latest(project)
    known = latest is not None and latest.model_id == embedder.model_id
    # A run that was killed or came to its budget has asked too.
    asked = next(
        (one for one in (latest, ledger.generations.building(project)) if one and one.model_id == embedder.model_id),
        None,
    )
    ledger.generations.set_index(
        project,
        generation,
        model_id=embedder.model_id,
        collection=collection,
        unrelated_cosine=_unrelated(embedder) if asked is None else asked.unrelated_cosine,
    )
    before = _used(embedder)
    # No generation is published before each of its chunks has a vector of its model.
    born = generation if known else None
    done, budget = 0, TokenBudget(most_tokens)
    checked = False
    refused: dict[str, StoredDocument] = {}
    # Again after a refusal: the version that a document goes back to may lack vectors of this model.
    while missing := ledger.chunks.unembedded(project, embedder.model_id, born=born):
        if not checked:
            require_same_model(ledger, embedder, project)
            # What the check asked of the model is no part of the report.
            before, checked = _used(embedder), True
        reasons: dict[bytes, str] = {}
        for hashes in chunked(missing, _EMBED_BATCH):
            all_texts = ledger.chunks.embed_texts(project, hashes)
            texts = all_texts[: budget.admitted(all_texts)]
            tokens_before = embedder.usage.tokens
            for some, vectors in _embedded(embedder, list(zip(hashes, texts, strict=False)), reasons) if texts else ():
                ledger.chunks.store_embeddings(project, embedder.model_id, some, vectors)
            budget.note(texts, embedder.usage.tokens - tokens_before)
            done += len(texts)
            progress.advance("embeddings", done, len(missing))
            if len(texts) < len(all_texts):
                raise BudgetSpentError(
                    f"A run may embed {budget.limit:,} tokens (DESTINY_EMBEDDING_BUDGET), and {len(missing) - done:,} texts of {project!r} "
                    f"still have no vector of {embedder.model_id}. Those made are kept and readers see what they saw; to go on: "
                    f"destiny ingest {project}"
                )
        _set_unembeddable_aside(ledger, embedder.model_id, project, generation, reasons, refused)
    if refused:
        mark_duplicates(ledger, project, generation)
    ledger.projects.release_renewed(project, generation, "embeddings")
    calls, texts_read, tokens, seconds = (now - then for now, then in zip(_used(embedder), before, strict=True))
    return {
        "model": embedder.model_id,
        "refused": len(refused),
        "calls": calls,
        "texts": texts_read,
        "tokens": tokens,
        "seconds": round(seconds, 3),
    }


def index_vectors(
    ledger: PostgresLedger,
    index: QdrantVectorIndex,
    embedder: Embedder,
    project: str,
    generation: int,
    progress: Progress,
) -> Mapping[str, Any]:
    """Bring the vector layer, and its stand-in in the ledger, to the chunks: the generation's own changes first, then what else differs."""
    # What readers search by while the vector layer is away.
    ledger.lexical.index(project, generation)
    collection = _collection(ledger, project, embedder.model_id)
    index.ensure(collection, embedder.dimension)
    rows, counts = ledger.projections, ledger.chunks.counts(project, generation)
    # What a killed run left here; nothing in a run that was not disturbed.
    there = index.marked(collection, "born", generation)
    retired_there = index.marked(collection, "died", generation)
    if there:
        index.remove(collection, there - set(rows.new_chunks(project, generation)))
    if retired_there:
        index.set_died(collection, retired_there - set(rows.retired_chunks(project, generation)), FOREVER)
    retired = index.set_died(
        collection, (id_ for id_ in rows.retired_chunks(project, generation) if id_ not in retired_there), generation
    )

    def writing(points: Iterator[tuple[list[PointRow], Vectors]], wanted: Callable[[str], bool], total: int) -> int:
        return _upsert(index, collection, points, wanted, lambda done: progress.advance("vectors", done, total))

    written = 0
    if counts["added"]:
        fresh = rows.points(project, embedder.model_id, born=generation)
        written = writing(fresh, lambda id_: id_ not in there, counts["added"])
    found = index.count(collection, generation)
    if found != counts["total"]:
        # A new collection, or one that was changed behind Destiny's back.
        desired = set(rows.visible_chunks(project, generation))
        present = set(index.visible_ids(collection, generation))
        index.remove(collection, present - desired)
        lost = desired - present
        written += writing(rows.points(project, embedder.model_id), lost.__contains__, len(lost))
        found = index.count(collection, generation)
    if found != counts["total"]:
        raise ConflictError(
            f"The vector layer of {project!r} holds {found} chunks where the ledger has {counts['total']}. See: destiny doctor {project}"
        )
    return {"collection": collection, "points": found, "upserted": written, "retired": retired}


def _unrelated(embedder: Embedder) -> float:
    return unrelated_cosine(embedder.embed(list(PASSAGES), "query"), embedder.embed(list(PASSAGES.values())))


def _collection(ledger: PostgresLedger, project: str, model_id: str) -> str:
    """The collection of a model: the one that the newest generation of the model reads, which may have been rebuilt since."""
    return next(
        (
            one.collection
            for one in ledger.generations.all(project)
            if one.collection and one.vacuumed_at is None and collection_of(one.collection, project, model_id, ENCODER)
        ),
        collection_name(project, model_id, ENCODER),
    )


def _upsert(
    index: QdrantVectorIndex,
    collection: str,
    points: Iterator[tuple[list[PointRow], Vectors]],
    wanted: Callable[[str], bool],
    advance: Callable[[int], None],
) -> int:
    done = 0
    # One batch is written by the server while the next is made here.
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for rows, vectors in points:
            keep = [number for number, row in enumerate(rows) if wanted(row.id)]
            if not keep:
                continue
            sparse = encode_documents([rows[number].text for number in keep])
            made = [
                Point(rows[n].id, rows[n].chunk_id, rows[n].document_id, rows[n].source, rows[n].born, weights)
                for n, weights in zip(keep, sparse, strict=True)
            ]
            if writing is not None:
                writing.result()
            writing = writer.submit(index.upsert, collection, made, vectors[keep])
            done += len(keep)
            advance(done)
        if writing is not None:
            writing.result()
    return done


def _used(embedder: Embedder) -> tuple[float, ...]:
    usage = embedder.usage
    return usage.calls, usage.texts, usage.tokens, usage.seconds


def _embedded(
    embedder: Embedder, texts: list[tuple[bytes, str]], refused: dict[bytes, str]
) -> Iterator[tuple[list[bytes], Vectors]]:
    """Vectors with the hashes they belong to; texts that the model refuses by themselves go to `refused` with its words.

    A batch that is refused is halved until the texts are found; raises `ModelError` when the model refuses a plain sentence too,
    since then nothing is wrong with the texts.
    """
    suspects = [texts]
    while suspects:
        some = suspects.pop()
        try:
            yield [digest for digest, _ in some], embedder.embed([text for _, text in some])
        except RefusedTextError as error:
            if some is texts:
                embedder.embed([_HARMLESS])
            if len(some) == 1:
                refused[some[0][0]] = str(error)
            else:
                suspects += map(list, divide(2, some))


def _set_unembeddable_aside(
    ledger: PostgresLedger,
    model_id: str,
    project: str,
    generation: int,
    reasons: Mapping[bytes, str],
    refused: dict[str, StoredDocument],
) -> None:
    """Quarantine every document that has such a text, and add it to `refused` (by id)."""
    having = ledger.documents.having(project, list(reasons))
    found = {d.document_id: (d, Refusal("refused", reasons[text])) for text, some in having.items() for d in some}
    fresh = [one for one in found.values() if one[0].document_id not in refused]
    set_aside(ledger, project, generation, "embeddings", model_id, fresh)
    # What was there before this generation and has no vector of its model can't be in it; the next model reads it again.
    stale = [document.document_id for document, _ in found.values() if document.born < generation]
    ledger.documents.retire(project, generation, stale)
    ledger.chunks.retire_orphans(project, generation)
    refused.update({document.document_id: document for document, _ in fresh})


def _tokenised(
    batches: Iterator[list[StoredDocument]], tokens: TokenCounter
) -> Iterator[tuple[list[StoredDocument], list[npt.NDArray[np.int64] | Refusal]]]:
    """Each batch with the starts of its tokens; the tokenizer, which needs no interpreter, works one batch ahead."""
    with ThreadPoolExecutor(1) as tokenizer:
        begun = ((batch, tokenizer.submit(_token_starts, tokens, batch)) for batch in batches)
        for batch, starts in one_ahead(begun):
            yield batch, starts.result()


def _token_starts(tokens: TokenCounter, batch: list[StoredDocument]) -> list[npt.NDArray[np.int64] | Refusal]:
    together = attempted("a batch of documents", lambda: tokens.token_starts([d.parsed.text for d in batch]))
    if not isinstance(together, Refusal):
        return [*together]

    def alone(document: StoredDocument) -> npt.NDArray[np.int64] | Refusal:
        what = f"{document.uri!r} of source {document.source!r}"
        return attempted(what, lambda: tokens.token_starts([document.parsed.text])[0])

    return [alone(document) for document in batch]


def _chunked(document: StoredDocument, offsets: npt.NDArray[np.int64] | Refusal) -> ChunkedDocument | Refusal:
    if isinstance(offsets, Refusal):
        return offsets

    def cut() -> ChunkedDocument:
        chunks = split(document.parsed, offsets)
        return ChunkedDocument(
            document.document_id,
            document.version_id,
            chunks,
            signature(document.parsed.text),
            [signature(chunk.text) for chunk in chunks],
            [written(document.parsed.authorship, chunk.start, chunk.end) for chunk in chunks],
        )

    return attempted(f"{document.uri!r} of source {document.source!r}", cut)
