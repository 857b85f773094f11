"""The table `claim_answer`: what language models said that passages state, kept by the passage's hash, so that no passage is asked twice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.claims.told import Passage, Told
from destiny_assets.domain.graph import FOREVER


class ClaimAnswers:
    """Answers of models, as they were given, and the passages to ask them about."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def passages(self, project: str, document_ids: Sequence[str]) -> dict[str, list[Passage]]:
        """The living chunks of some documents in reading order, by document; an equal one that stands twice is there once."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select c.document_id::text as document, c.embed_sha256 as digest, c.context, c.text, min(p.starts_at) as start
                   from chunk c join placement p on (p.project, p.chunk_id, p.died) = (c.project, c.id, c.died)
                   where c.project = %s and c.died = %s and c.document_id = any(%s::uuid[])
                   group by c.id, c.document_id, c.embed_sha256, c.context, c.text order by start, c.id""",
                (project, FOREVER, list(document_ids)),
            ).fetchall()
        found: dict[str, list[Passage]] = {document: [] for document in document_ids}
        for row in rows:
            found[row.pop("document")].append(Passage(**row))
        return found

    def known(self, project: str, model_id: str, digests: Sequence[bytes]) -> dict[bytes, list[Told]]:
        """What a model told of those of the passages that it was asked about."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select embed_sha256, told from claim_answer where project = %s and model_id = %s and embed_sha256 = any(%s)",
                (project, model_id, list(digests)),
            )
            return {row["embed_sha256"]: [Told(**one) for one in row["told"]] for row in rows}

    def keep(self, project: str, model_id: str, answers: Mapping[bytes, Sequence[Told]]) -> None:
        """Keep what a model told of passages, by their hashes."""
        with self._session.transaction() as cursor:
            cursor.executemany(
                """insert into claim_answer (project, model_id, embed_sha256, told) values (%s, %s, %s, %s)
                   on conflict do nothing""",
                [
                    (project, model_id, digest, Jsonb([asdict(one) for one in told]))
                    for digest, told in sorted(answers.items())
                ],
            )
