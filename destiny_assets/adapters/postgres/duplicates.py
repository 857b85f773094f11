"""Near-duplicates of chunks and of documents: their signatures in order of age, their texts, and the marks found."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
import numpy.typing as npt

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.text_index import IndexKind, TextIndex
from destiny_assets.adapters.postgres.versioned import DOCUMENT_DUPLICATE, NEAR_DUPLICATE, VersionedTable, reconcile
from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.near_duplicates import band_keys

Signatures = npt.NDArray[np.uint64]
Age = tuple[int, str, str]
"""What orders texts from the oldest: generation born, document, id."""

_BATCH = 4_096


@dataclass(frozen=True, slots=True)
class Kind:
    """What is compared: rows of `table`, known by the column `item`; `marks` says which repeats which."""

    table: LiteralString
    item: LiteralString
    texts: LiteralString
    marks: VersionedTable
    marked: LiteralString
    bands: IndexKind
    batch: int


CHUNKS = Kind(
    "chunk",
    "id",
    "select id::text as id, text from chunk where project = %(p)s and died = %(forever)s and id = any(%(ids)s::uuid[])",
    NEAR_DUPLICATE,
    "chunk_id",
    "bands",
    512,
)
DOCUMENTS = Kind(
    "document_version",
    "document_id",
    """select v.document_id::text as id, t.text from document_version v
       join document_text t on (t.project, t.text_sha256) = (v.project, v.text_sha256)
       where v.project = %(p)s and v.died = %(forever)s and v.document_id = any(%(ids)s::uuid[])""",
    DOCUMENT_DUPLICATE,
    "document_id",
    "document bands",
    64,
)
KINDS = (CHUNKS, DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Aged:
    """A living text: how old it is, what equal ones share, and its signature, shape (120,)."""

    id: str
    age: Age
    mark: int
    signature: Signatures


class Duplicates:
    """Signatures and marks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._index = TextIndex(session)

    def index_bands(self, project: str, kind: Kind, generation: int) -> None:
        """Index the bands of the texts born in a generation."""
        self._index.put(
            project,
            kind.bands,
            generation,
            (
                (id_, keys)
                for ids, _, signatures in self._stream(project, kind, "born = %(g)s", generation)
                for id_, keys in zip(ids, band_keys(signatures), strict=True)
            ),
        )

    def by_band(self, project: str, kind: Kind, keys: npt.NDArray[np.uint32]) -> dict[int, list[str]]:
        """Ids of texts, living or not, that have each of the band keys."""
        return self._index.find(project, kind.bands, keys)

    def oldest_first(self, project: str, kind: Kind) -> Iterator[tuple[list[str], npt.NDArray[np.int64], Signatures]]:
        """(ids, marks, signatures) of all living texts with words, from the oldest, in batches."""
        yield from self._stream(project, kind, "true", 0)

    def counts(self, project: str, kind: Kind, generation: int) -> tuple[int, int]:
        """How many living texts there are, and how many of them were born in a generation."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                f"""select count(*) as living, count(*) filter (where born = %s) as born
                    from {kind.table} where project = %s and died = %s""",  # noqa: S608 (one of two names)
                (generation, project, FOREVER),
            ).fetchone()
        return (row["living"], row["born"]) if row else (0, 0)

    def touched(self, project: str, kind: Kind, generation: int) -> set[str]:
        """Texts that are new, whose mark names an original that is gone or new, or whose mark this generation changed."""
        table, item, marks, marked = kind.table, kind.item, kind.marks.name, kind.marked
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                f"""select {item}::text as id from {table} where project = %(p)s and born = %(g)s and died = %(forever)s
                    union
                    select n.{marked}::text from {marks} n where n.project = %(p)s and (n.born = %(g)s or n.died = %(g)s)
                    union
                    select n.{marked}::text from {table} c join {marks} n on (n.project, n.original) = (c.project, c.{item})
                    where c.project = %(p)s and (c.died = %(g)s or c.born = %(g)s) and n.died = %(forever)s
                    union
                    select n.{marked}::text from {table} c join {marks} n on (n.project, n.{marked}) = (c.project, c.{item})
                    where c.project = %(p)s and c.died = %(g)s and n.died = %(forever)s""",  # noqa: S608
                {"p": project, "g": generation, "forever": FOREVER},
            )
            return {row["id"] for row in rows}

    def retired(self, project: str, kind: Kind, generation: int) -> Iterator[Signatures]:
        """Signatures, shape (n, 120), of what died in a generation."""
        with self._session.stream("retired") as cursor:
            cursor.execute(
                f"select signature from {kind.table} where project = %s and died = %s and mark is not null",  # noqa: S608
                (project, generation),
                binary=True,
            )
            while rows := cursor.fetchmany(_BATCH):
                yield _signatures([row["signature"] for row in rows])

    def aged(self, project: str, kind: Kind, ids: Collection[str], *, distinct: bool = False) -> list[Aged]:
        """Those of the texts that live and have words, from the oldest; with `distinct`, of equal ones the oldest."""
        once, first = ("distinct on (mark)", f"order by mark, born, document_id, {kind.item}") if distinct else ("", "")
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                f"""select {once} {kind.item}::text as id, born, document_id::text as document_id, mark, signature from {kind.table}
                    where project = %s and died = %s and mark is not null and {kind.item} = any(%s::uuid[]) {first}""",  # noqa: S608
                (project, FOREVER, list(ids)),
                binary=True,
            ).fetchall()
        found = [
            Aged(
                row["id"],
                (row["born"], row["document_id"], row["id"]),
                row["mark"],
                np.frombuffer(row["signature"], "<u8").astype(np.uint64, copy=False),
            )
            for row in rows
        ]
        return sorted(found, key=lambda text: text.age)

    def copies(self, project: str, kind: Kind, ids: Collection[str]) -> dict[str, str]:
        """The oldest text of the same signature for each of the texts that has an older one."""
        item = kind.item
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                f"""select i.{item}::text as id, o.first::text as first from {kind.table} i cross join lateral (
                      select c.{item} as first from {kind.table} c
                      where c.project = i.project and c.mark = i.mark and c.died = %(forever)s
                      order by c.project, c.mark, c.born, c.document_id, c.{item} limit 1) o
                    where i.project = %(p)s and i.died = %(forever)s and i.{item} = any(%(ids)s::uuid[]) and o.first <> i.{item}""",  # noqa: S608
                {"p": project, "forever": FOREVER, "ids": list(ids)},
            )
            return {row["id"]: row["first"] for row in rows}

    def texts(self, project: str, kind: Kind, ids: Sequence[str]) -> dict[str, str]:
        """The texts of living items, by id."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(kind.texts, {"p": project, "forever": FOREVER, "ids": list(ids)})
            return {row["id"]: row["text"] for row in rows}

    def store(
        self, project: str, kind: Kind, generation: int, looked_at: Collection[str], originals: Mapping[str, str]
    ) -> None:
        """Bring the marks of the texts `looked_at` to `originals` (text to the one that it repeats)."""
        rows = [
            {"id": stable_id("duplicate", text, first), kind.marked: text, "original": first}
            for text, first in originals.items()
        ]
        with self._session.transaction() as cursor:
            alive = cursor.execute(
                f"""select id::text as id from {kind.marks.name}
                    where project = %s and died = %s and {kind.marked} = any(%s::uuid[])""",  # noqa: S608
                (project, FOREVER, list(looked_at)),
            ).fetchall()
            reconcile(cursor, kind.marks, project, generation, rows, alive={row["id"] for row in alive})

    def _stream(
        self, project: str, kind: Kind, condition: LiteralString, generation: int
    ) -> Iterator[tuple[list[str], npt.NDArray[np.int64], Signatures]]:
        with self._session.stream("signatures") as cursor:
            cursor.execute(
                f"""select {kind.item}::text as id, mark, signature from {kind.table}
                    where project = %(p)s and died = %(forever)s and mark is not null and {condition}
                    order by born, document_id, {kind.item}""",  # noqa: S608
                {"p": project, "forever": FOREVER, "g": generation},
                binary=True,
            )
            while rows := cursor.fetchmany(_BATCH):
                yield (
                    [row["id"] for row in rows],
                    np.array([row["mark"] for row in rows], np.int64),
                    _signatures([row["signature"] for row in rows]),
                )


def _signatures(packed: Sequence[bytes]) -> Signatures:
    return np.frombuffer(b"".join(packed), "<u8").astype(np.uint64, copy=False).reshape(len(packed), -1)
