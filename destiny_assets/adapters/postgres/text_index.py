"""The inverted indexes of a project: chunks by word and stem, chunks and documents by signature band, documents by name and citation.

An index of one kind holds every item born in a published generation and those of the one being built, of which it is told anew in
each run. It may hold items that died since, or that an unfinished run had: whoever asks checks the answers against living rows.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import numpy as np
import numpy.typing as npt
from more_itertools import chunked
from psycopg import Cursor

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.postings import SEGMENT_ITEMS, Keys, Posting, found, items_of, pages_of, postings

IndexKind = Literal["words", "terms", "names", "citations", "bands", "document bands"]
Item = tuple[str, Keys]

# With more small segments than this, each made by one run, a question reads more rows of them than of the full ones.
_MOST_SMALL = 32

# One statement is one moment: a run may merge segments at any time. Only segments with such a page bring their items along.
_PAGES_AND_SEGMENTS: LiteralString = """
with pages as materialized (
    select segment, page, keys, items from text_posting where project = %s and kind = %s and page = any(%s))
select s.segment, null::integer as page, s.size, null::bytea as keys,
       case when s.segment in (select segment from pages) then s.items end as items
from text_segment s where s.project = %s and s.kind = %s
union all select segment, page, null, keys, items from pages
"""

# What a run that published nothing left, or one that is under way has so far, is nobody's but its own.
_COUNTED: LiteralString = """
select segment, size from text_segment
where project = %(p)s and kind = %(k)s and generation <= greatest(
    %(g)s, (select max(number) from generation where project = %(p)s and state = 'published'))
"""


@dataclass(frozen=True, slots=True)
class ByRarity:
    """Items that have any of some keys, those with the rarest ones first; `idf` holds what each key is worth, of `size` items in all."""

    size: int
    idf: Mapping[int, float]
    _packed: Mapping[int, bytes]
    _segments: npt.NDArray[np.int64]
    _numbers: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self._numbers)

    def ids(self, first: int, last: int) -> list[str]:
        """The ids at these places."""
        places = zip(self._segments[first:last].tolist(), self._numbers[first:last].tolist(), strict=True)
        return [_uuid(self._packed[segment][16 * at : 16 * at + 16]) for segment, at in places]


class TextIndex:
    """Which chunk or document has a key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(
        self,
        project: str,
        kind: IndexKind,
        generation: int,
        items: Iterable[Item],
        older: Iterable[Item] | None = None,
    ) -> None:
        """Make `items` (id and keys) what the index holds of `generation`; `older`, where given, what it holds of those before."""
        with self._session.transaction() as cursor:
            condition = "project = %(p)s and kind = %(k)s" + (" and generation = %(g)s" if older is None else "")
            named = {"p": project, "k": kind, "g": generation}
            old = cursor.execute(f"delete from text_segment where {condition} returning segment", named).fetchall()  # noqa: S608
            _drop_pages(cursor, project, kind, [row["segment"] for row in old])
            for some, born in ((older or (), generation - 1), (items, generation)):
                for segment in chunked(some, SEGMENT_ITEMS):
                    ids = [id_ for id_, _ in segment]
                    _write(cursor, project, kind, born, ids, [np.unique(keys) for _, keys in segment])
            _merge(cursor, project, kind, generation)

    def find(self, project: str, kind: IndexKind, keys: Keys) -> dict[int, list[str]]:
        """Ids of items that have each key; keys that none has are left out."""
        wanted = np.unique(keys)
        hits: dict[int, list[tuple[int, Any]]] = defaultdict(list)
        answers: dict[int, list[str]] = defaultdict(list)
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select page, segment, keys, items from text_posting where project = %s and kind = %s and page = any(%s)",
                (project, kind, pages_of(wanted)),
                binary=True,
            )
            for row in rows:
                for key, numbers in found(Posting(row["page"], row["keys"], row["items"]), wanted).items():
                    hits[key].append((row["segment"], numbers))
            segments = cursor.execute(
                "select segment, items from text_segment where project = %s and kind = %s and segment = any(%s)",
                (project, kind, list({segment for some in hits.values() for segment, _ in some})),
                binary=True,
            )
            names = {row["segment"]: row["items"] for row in segments}
        for key, some in hits.items():
            for segment, numbers in some:
                packed = names[segment]
                answers[key] += [_uuid(packed[16 * at : 16 * at + 16]) for at in numbers.tolist()]
        return dict(answers)

    def counts(self, project: str, kind: IndexKind, generation: int, keys: Keys) -> tuple[int, dict[int, int]]:
        """How many items the index holds of all published generations and of `generation`, which may be the one being built.

        And how many of them have each key; keys that none has are left out.
        """
        wanted = np.unique(keys)
        having: Counter[int] = Counter()
        with self._session.transaction() as cursor:
            segments = cursor.execute(_COUNTED, {"p": project, "k": kind, "g": generation}).fetchall()
            rows = cursor.execute(
                """select page, keys, items from text_posting
                   where project = %s and kind = %s and page = any(%s) and segment = any(%s)""",
                (project, kind, pages_of(wanted), [row["segment"] for row in segments]),
                binary=True,
            )
            for row in rows:
                for key, numbers in found(Posting(row["page"], row["keys"], row["items"]), wanted).items():
                    having[key] += len(numbers)
        return sum(row["size"] for row in segments), dict(having)

    def holds(self, project: str, kind: IndexKind) -> bool:
        """Whether an index of this kind was ever made."""
        with self._session.transaction() as cursor:
            return (
                cursor.execute(
                    "select 1 from text_segment where project = %s and kind = %s limit 1", (project, kind)
                ).fetchone()
                is not None
            )

    def by_rarity(self, project: str, kind: IndexKind, keys: Keys) -> ByRarity:
        """The items that have any of the keys, by the sum of the keys' inverse document frequencies (BM25's), highest first."""
        wanted = np.unique(keys)
        hits: dict[int, list[tuple[int, npt.NDArray[np.uint16]]]] = defaultdict(list)
        size, sizes, packed = 0, {}, {}
        with self._session.transaction() as cursor:
            rows = cursor.execute(_PAGES_AND_SEGMENTS, (project, kind, pages_of(wanted), project, kind), binary=True)
            for row in rows:
                if row["page"] is None:
                    size += row["size"]
                    if row["items"] is not None:
                        sizes[row["segment"]], packed[row["segment"]] = row["size"], bytes(row["items"])
                    continue
                for key, numbers in found(Posting(row["page"], row["keys"], row["items"]), wanted).items():
                    hits[row["segment"]].append((key, numbers))
        having: Counter[int] = Counter()
        for some in hits.values():
            having.update({key: len(numbers) for key, numbers in some})
        idf = {key: math.log(1 + (size - n + 0.5) / (n + 0.5)) for key, n in having.items()}
        scores, segments, numbers_of = [], [], []
        for segment, some in hits.items():
            summed = np.zeros(sizes[segment])
            for key, numbers in some:
                summed[numbers] += idf[key]
            there = np.flatnonzero(summed)
            scores.append(summed[there])
            segments.append(np.full(len(there), segment))
            numbers_of.append(there)
        if not scores:
            return ByRarity(size, idf, packed, np.empty(0, np.int64), np.empty(0, np.int64))
        order = np.argsort(-np.concatenate(scores), kind="stable")
        return ByRarity(size, idf, packed, np.concatenate(segments)[order], np.concatenate(numbers_of)[order])


def _write(
    cursor: Cursor[Any], project: str, kind: str, generation: int, ids: Sequence[str], keys: Sequence[Keys]
) -> None:
    packed = b"".join(bytes.fromhex(id_.replace("-", "")) for id_ in ids)
    row = cursor.execute(
        "insert into text_segment (project, kind, generation, size, items) values (%s, %s, %s, %s, %s) returning segment",
        (project, kind, generation, len(ids), packed),
    ).fetchone()
    assert row is not None  # noqa: S101 (returning)
    with cursor.copy(
        "copy text_posting (project, kind, page, segment, keys, items) from stdin (format binary)"
    ) as copy:
        copy.set_types(["text", "text", "int4", "int8", "bytea", "bytea"])
        for page in postings(keys):
            copy.write_row((project, kind, page.page, row["segment"], page.keys, page.items))


def _drop_pages(cursor: Cursor[Any], project: str, kind: str, segments: list[int]) -> None:
    if segments:
        cursor.execute(
            "delete from text_posting where project = %s and kind = %s and segment = any(%s)", (project, kind, segments)
        )


def _merge(cursor: Cursor[Any], project: str, kind: str, generation: int) -> None:
    """One segment of the many small ones that earlier generations left."""
    small = cursor.execute(
        """select segment, size, items from text_segment where project = %s and kind = %s and generation < %s and size < %s
           order by segment""",
        (project, kind, generation, SEGMENT_ITEMS // _MOST_SMALL),
        binary=True,
    ).fetchall()
    if len(small) <= _MOST_SMALL:
        return
    ids: list[str] = []
    keys: list[Keys] = []
    for row in small:
        pages = cursor.execute(
            "select page, keys, items from text_posting where project = %s and kind = %s and segment = %s",
            (project, kind, row["segment"]),
            binary=True,
        )
        keys += items_of((Posting(**page) for page in pages), row["size"])
        ids += [_uuid(row["items"][at : at + 16]) for at in range(0, len(row["items"]), 16)]
    segments = [row["segment"] for row in small]
    cursor.execute(
        "delete from text_segment where project = %s and kind = %s and segment = any(%s)", (project, kind, segments)
    )
    _drop_pages(cursor, project, kind, segments)
    # Every one of them is older than `generation`: it is kept as of the one before.
    _write(cursor, project, kind, generation - 1, ids, keys)


def _uuid(packed: bytes) -> str:
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
