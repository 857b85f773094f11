"""All projects at a glance."""

from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger


def overview(ledger: PostgresLedger) -> list[dict[str, Any]]:
    """One row a project: what its current generation shows, its sources, what is quarantined."""
    with ledger.transaction() as cursor:
        return cursor.execute(
            """select p.project, u.generation, u.published_at,
                      coalesce((g.facts ->> 'documents')::integer, 0) as documents, coalesce((g.facts ->> 'chunks')::integer, 0) as chunks,
                      (select count(*) from source s where s.project = p.project) as sources,
                      (select count(*) from quarantine q where q.project = p.project) as quarantined
               from project p left join publication u on u.project = p.project
               left join generation g on (g.project, g.number) = (u.project, u.generation)
               where not p.throw_away order by p.project"""
        ).fetchall()
