"""Chunks, where they stand in their documents, and their embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import CHUNK, PLACEMENT, reconcile
from destiny_assets.domain.authorship import Written
from destiny_assets.domain.chunks import Chunk, normalised, stable_id, text_sha256
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.records import LinkableChunk
from destiny_assets.domain.near_duplicates import mark_of
from destiny_assets.ports import Vectors

Signature = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ChunkedDocument:
    """A document version, its chunks in order, near-duplicate signatures (shape (120,)) of its text and of each chunk, and who wrote each."""

    document_id: str
    version_id: str
    chunks: Sequence[Chunk]
    signature: Signature
    signatures: Sequence[Signature]
    written: Sequence[Written]


class Chunks:
    """Chunks, placements, embeddings."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store(self, project: str, generation: int, documents: Sequence[ChunkedDocument], chunker: str) -> Change:
        """Bring the chunks of these documents to what the chunker says, and mark the versions as chunked, in one transaction."""
        chunks: list[dict[str, Any]] = []
        placements: list[dict[str, Any]] = []
        for document in documents:
            seen: dict[str, int] = {}
            for chunk, signature, by in zip(document.chunks, document.signatures, document.written, strict=True):
                # Identity is the text as the model and the reader see it; equal passages of one document are told apart by occurrence.
                content = text_sha256(normalised(chunk.embed_text))
                occurrence = seen[content] = seen.get(content, -1) + 1
                chunk_id = stable_id("chunk", document.document_id, content, str(occurrence))
                chunks.append(
                    {
                        "id": chunk_id,
                        "document_id": document.document_id,
                        "text": chunk.text,
                        "context": chunk.embed_text[: len(chunk.embed_text) - len(chunk.text)],
                        "heading_path": list(chunk.heading_path),
                        "tokens": chunk.tokens,
                        "embed_sha256": bytes.fromhex(text_sha256(chunk.embed_text)),
                        "signature": signature.tobytes(),
                        "mark": mark_of(signature),
                    }
                )
                placements.append(
                    {
                        "id": stable_id("placement", document.version_id, chunk_id, str(chunk.start)),
                        "version_id": document.version_id,
                        "chunk_id": chunk_id,
                        "ordinal": chunk.ordinal,
                        "starts_at": chunk.start,
                        "ends_at": chunk.end,
                        "authors": list(by.authors),
                        "written_at": by.written_at,
                        "revision": by.revision,
                    }
                )
        named = {"p": project, "forever": FOREVER, "documents": [document.document_id for document in documents]}
        with self._session.transaction() as cursor:
            alive = cursor.execute(
                """select id::text as id, context, text, signature from chunk
                   where project = %(p)s and died = %(forever)s and document_id = any(%(documents)s::uuid[])""",
                named,
            ).fetchall()
            stored = {row["id"]: _content(row) for row in alive}
            # White space is no part of a chunk's identity, but its text must stay what the document holds at its span; and a
            # signature of another version is comparable with none of this one.
            changed = {row["id"] for row in chunks if row["id"] in stored and stored[row["id"]] != _content(row)}
            placed = cursor.execute(
                """select p.id::text as id, authors, written_at, revision from placement p
                   where p.project = %(p)s and p.died = %(forever)s and p.version_id in (
                   select id from document_version where project = %(p)s and document_id = any(%(documents)s::uuid[]))""",
                named,
            ).fetchall()
            stands = {row["id"]: _written(row) for row in placed}
            moved = {row["id"] for row in placements if row["id"] in stands and stands[row["id"]] != _written(row)}
            reconcile(cursor, PLACEMENT, project, generation, placements, alive=stands.keys(), changed=moved)
            change = reconcile(cursor, CHUNK, project, generation, chunks, alive=stored.keys(), changed=changed)
            cursor.execute(
                """update document_version v set chunker = %s, signature = d.signature, mark = d.mark
                   from unnest(%s::uuid[], %s::bytea[], %s::bigint[]) as d (id, signature, mark)
                   where v.project = %s and v.died = %s and v.id = d.id""",
                (
                    chunker,
                    [document.version_id for document in documents],
                    [document.signature.tobytes() for document in documents],
                    [mark_of(document.signature) for document in documents],
                    project,
                    FOREVER,
                ),
            )
        return change

    def retire_orphans(self, project: str, generation: int) -> int:
        """End chunks and placements whose document is gone; the number of chunks."""
        with self._session.transaction() as cursor:
            named = {"p": project, "g": generation, "forever": FOREVER}
            # A document goes by the death of its version or, born in this very generation, without a trace. Only rows of either
            # kind can be orphans; without saying so each run would look at every row of the project.
            gone = """ where project = %(p)s and died = %(forever)s and id in (
                       select id from {0} where project = %(p)s and born = %(g)s
                       union select o.id from document_version v join {0} o on (o.project, {1}) = (v.project, {2})
                             where v.project = %(p)s and v.died = %(g)s)
                       and not exists (select from document_version v
                       where v.project = t.project and v.died = %(forever)s and {2} = {3})"""
            orphans = {
                "placement t": gone.format("placement", "o.version_id", "v.id", "t.version_id"),
                "chunk t": gone.format("chunk", "o.document_id", "v.document_id", "t.document_id"),
            }
            retired = 0
            for table, condition in orphans.items():
                cursor.execute(f"delete from {table}{condition} and born = %(g)s", named)  # noqa: S608
                retired = cursor.rowcount
                cursor.execute(f"update {table} set died = %(g)s{condition}", named)  # noqa: S608
                retired += cursor.rowcount
        return retired

    def unembedded(self, project: str, model_id: str, *, born: int | None = None) -> list[bytes]:
        """Hashes of the texts of living chunks that have no vector of this model, ascending and distinct.

        With `born` only chunks of that generation are looked at: right where all older ones are known to have theirs.
        """
        among = sql.SQL("c.died = %(forever)s" if born is None else "c.born = %(born)s and c.died = %(forever)s")
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                sql.SQL(
                    """select distinct c.embed_sha256 from chunk c
                       where c.project = %(p)s and {} and not exists (select from embedding e
                       where (e.project, e.model_id, e.embed_sha256) = (c.project, %(m)s, c.embed_sha256)) order by 1"""
                ).format(among),
                {"p": project, "m": model_id, "forever": FOREVER, "born": born},
            )
            return [row["embed_sha256"] for row in rows]

    def embed_texts(self, project: str, hashes: Sequence[bytes]) -> list[str]:
        """The texts with those hashes as a model reads them, in the same order."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct on (embed_sha256) embed_sha256, context || text as text from chunk
                   where project = %s and embed_sha256 = any(%s)""",
                (project, list(hashes)),
            )
            texts = {row["embed_sha256"]: row["text"] for row in rows}
        return [texts[digest] for digest in hashes]

    def embedded_sample(self, project: str, model_id: str, count: int) -> tuple[list[str], Vectors]:
        """Up to `count` texts that have a vector of this model, as a model reads them, with those vectors, shape (n, dimension).

        Texts that are no longer what their hash says (damage that the checks find) tell nothing of a model and are left out.
        """
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select e.embed_sha256, e.vector, c.text from embedding e
                   cross join lateral (select context || text as text from chunk c
                       where (c.project, c.embed_sha256) = (e.project, e.embed_sha256) limit 1) c
                   where e.project = %s and e.model_id = %s order by e.embed_sha256 limit %s""",
                (project, model_id, 4 * count),
            ).fetchall()
        whole = [row for row in rows if bytes.fromhex(text_sha256(row["text"])) == row["embed_sha256"]][:count]
        vectors = np.stack([np.frombuffer(row["vector"], "<f4") for row in whole]) if whole else np.empty((0, 0), "<f4")
        return [row["text"] for row in whole], vectors.astype(np.float32)

    def store_embeddings(self, project: str, model_id: str, hashes: Sequence[bytes], vectors: Vectors) -> int:
        """Keep vectors by text hash and model; ones already there stay."""
        with self._session.transaction() as cursor:
            cursor.execute("create temp table staged_embedding (embed_sha256 bytea, vector bytea) on commit drop")
            with cursor.copy("copy staged_embedding from stdin (format binary)") as copy:
                copy.set_types(["bytea", "bytea"])
                for digest, vector in zip(hashes, np.ascontiguousarray(vectors, dtype="<f4"), strict=True):
                    copy.write_row((digest, vector.tobytes()))
            cursor.execute(
                """insert into embedding (project, model_id, embed_sha256, vector)
                   select %s, %s, embed_sha256, vector from staged_embedding on conflict do nothing""",
                (project, model_id),
            )
            return cursor.rowcount

    def linkable(self, project: str, document_ids: Sequence[str]) -> dict[str, list[LinkableChunk]]:
        """Living chunks of some documents in reading order, by document."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select c.id::text as id, c.document_id::text as document_id, c.text, min(p.starts_at) as start
                   from chunk c join placement p on (p.project, p.chunk_id, p.died) = (c.project, c.id, c.died)
                   where c.project = %s and c.died = %s and c.document_id = any(%s::uuid[])
                   group by c.id, c.document_id, c.text order by start""",
                (project, FOREVER, list(document_ids)),
            ).fetchall()
        found: dict[str, list[LinkableChunk]] = {document: [] for document in document_ids}
        for row in rows:
            found[row.pop("document_id")].append(LinkableChunk(**row))
        return found

    def counts(self, project: str, generation: int) -> dict[str, int]:
        """``added, retired, total, tokens`` of chunks in a generation."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select (select count(*) from chunk where project = %(p)s and born = %(g)s) as added,
                          (select count(*) from chunk where project = %(p)s and died = %(g)s) as retired,
                          count(*) as total, coalesce(sum(tokens), 0)::bigint as tokens
                   from chunk where project = %(p)s and born <= %(g)s and died > %(g)s""",
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})


def _written(row: Mapping[str, Any]) -> tuple[list[str], datetime | None, str]:
    """What of a placement may change while its id stays."""
    return row["authors"], row["written_at"], row["revision"]


def _content(row: Mapping[str, Any]) -> tuple[str, str, bytes]:
    """What of a chunk may change while its id stays."""
    return row["context"], row["text"], row["signature"]
