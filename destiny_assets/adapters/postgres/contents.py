"""Everything the other layers should hold of a project, over all its generations, with what it says: for comparing and mending.

Which of it a generation shows is decided by the caller, from `born` and `died`. Nothing is written here.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.generations import layer_id

_FETCH = 2_000


@dataclass(frozen=True, slots=True)
class PointContent:
    """A chunk row as a point; `text` as the model reads it where asked for, `vector` little-endian float32 or None when it is gone."""

    id: str
    chunk_id: str
    document_id: str
    source: str
    born: int
    died: int
    text: str
    vector: bytes | None


@dataclass(frozen=True, slots=True)
class Home:
    """A place that an original was read from."""

    source: str
    uri: str


class Contents:
    """Streams over all generations of a project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def points(self, project: str, model_id: str, *, texts: bool = False) -> Iterator[list[PointContent]]:
        """Every chunk row with its vector of a model, dead or alive, some thousands at a time."""
        with self._session.stream("point_contents") as cursor:
            cursor.execute(
                """select c.id::text as chunk_id, c.document_id::text as document_id, d.source, c.born, c.died,
                          case when %(texts)s then c.context || c.text else '' end as text, e.vector
                   from chunk c join document d on (d.project, d.id) = (c.project, c.document_id)
                   left join embedding e on (e.project, e.model_id, e.embed_sha256) = (c.project, %(m)s, c.embed_sha256)
                   where c.project = %(p)s""",
                {"p": project, "m": model_id, "texts": texts},
                binary=True,
            )
            while rows := cursor.fetchmany(_FETCH):
                yield [PointContent(id=layer_id(row["chunk_id"], row["born"]), **row) for row in rows]

    def texts(self, project: str, model_id: str, chunk_ids: Sequence[str]) -> dict[str, tuple[str, bytes | None]]:
        """Text as the model reads it and vector of some chunks, by id."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct on (c.id) c.id::text as id, c.context || c.text as text, e.vector from chunk c
                   left join embedding e on (e.project, e.model_id, e.embed_sha256) = (c.project, %s, c.embed_sha256)
                   where c.project = %s and c.id = any(%s::uuid[])""",
                (model_id, project, list(chunk_ids)),
                binary=True,
            )
            return {row["id"]: (row["text"], row["vector"]) for row in rows}

    def originals(self, project: str) -> Iterator[tuple[str, int, int]]:
        """(SHA-256, born, died) of every document version."""
        with self._session.stream("original_contents") as cursor:
            cursor.execute("select sha256, born, died from document_version where project = %s", (project,))
            for row in cursor:
                yield row["sha256"], row["born"], row["died"]

    def homes(self, project: str, sha256s: Collection[str]) -> dict[str, list[Home]]:
        """Where the originals with those hashes were read from, the newest place first."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select v.sha256, d.source, d.uri from document_version v
                   join document d on (d.project, d.id) = (v.project, v.document_id)
                   where v.project = %s and v.sha256 = any(%s) order by v.died desc, v.born desc, d.uri""",
                (project, list(sha256s)),
            )
            found: dict[str, list[Home]] = {}
            for row in rows:
                found.setdefault(row["sha256"], []).append(Home(row["source"], row["uri"]))
            return found

    def uris(self, project: str, ids: Collection[str]) -> dict[str, str]:
        """The uri of the document that each of these documents, versions, chunks or document entities belongs to, by that id."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """with belongs as (
                       select id, id as document_id from document where project = %(p)s and id = any(%(ids)s::uuid[])
                       union select id, document_id from document_version where project = %(p)s and id = any(%(ids)s::uuid[])
                       union select id, document_id from chunk where project = %(p)s and id = any(%(ids)s::uuid[])
                       union select id, document_id from entity where project = %(p)s and id = any(%(ids)s::uuid[])
                   )
                   select b.id::text as id, d.uri from belongs b join document d on (d.project, d.id) = (%(p)s, b.document_id)""",
                {"p": project, "ids": list(ids)},
            )
            return {row["id"]: row["uri"] for row in rows}
