"""The exceptions to what must be true, read from the ledger: an empty list means it holds. Each list stops at 100.

What no row of the generation touches was true when an older generation was published, so only what it did touch is looked at.
"""

from typing import LiteralString

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.decisions import in_circles
from destiny_assets.domain.generations import Generation

_LIMIT: LiteralString = " limit 100"
_NO_VECTOR: LiteralString = """select c.id as exception from chunk c where c.project = %(p)s and c.died > %(g)s and not exists (
    select from embedding e where e.project = c.project and e.embed_sha256 = c.embed_sha256
    and e.model_id = coalesce(%(m)s, e.model_id))"""


def _exceptions(ledger: PostgresLedger, generation: Generation, query: LiteralString) -> list[str]:
    named = {"p": generation.project, "g": generation.number, "m": generation.model_id}
    with ledger.transaction() as cursor:
        return [str(row["exception"]) for row in cursor.execute(query + _LIMIT, named)]


def no_documents(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """One line when the generation shows no document at all."""
    with ledger.transaction() as cursor:
        shown = cursor.execute(
            "select from document_version where project = %s and born <= %s and died > %s limit 1",
            (generation.project, generation.number, generation.number),
        ).fetchone()
    return ["it shows none"] if shown is None else []


def documents_without_chunks(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Uris of visible documents that show no chunk, of those that are new or lost a placement."""
    return _exceptions(
        ledger,
        generation,
        """select d.uri as exception from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
           where v.project = %(p)s and v.born <= %(g)s and v.died > %(g)s and v.characters > 0 and v.id in (
               select id from document_version where project = %(p)s and born = %(g)s
               union select version_id from placement where project = %(p)s and died = %(g)s)
           and not exists (
               select from placement p where (p.project, p.version_id) = (v.project, v.id) and p.born <= %(g)s and p.died > %(g)s)""",
    )


def chunks_off_their_spans(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of chunks placed in this generation whose text is not their document's text at their span."""
    return _exceptions(
        ledger,
        generation,
        """select c.id as exception from placement p
           join chunk c on (c.project, c.id) = (p.project, p.chunk_id) and c.born <= %(g)s and c.died > %(g)s
           join document_version v on (v.project, v.id) = (p.project, p.version_id) and v.born <= %(g)s and v.died > %(g)s
           join document_text t on (t.project, t.text_sha256) = (v.project, v.text_sha256)
           where p.project = %(p)s and p.born = %(g)s and substr(t.text, p.starts_at + 1, p.ends_at - p.starts_at) <> c.text""",
    )


def chunks_without_vectors(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of visible chunks without a vector of the generation's model: of the new ones, of all where the model is new."""
    latest = ledger.generations.latest(generation.project)
    model_is_new = latest is not None and latest.model_id != generation.model_id
    return _exceptions(
        ledger,
        generation,
        _NO_VECTOR + (" and c.born <= %(g)s" if model_is_new else " and c.born = %(g)s"),
    )


def mentions_off_their_spans(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of mentions born in this generation that do not stand where they say."""
    return _exceptions(
        ledger,
        generation,
        """select m.id as exception from mention m
           left join chunk c on (c.project, c.id) = (m.project, m.chunk_id) and c.born <= %(g)s and c.died > %(g)s
           where m.project = %(p)s and m.born = %(g)s and (c.id is null or (m.ends[1] > m.starts[1]
               and substr(c.text, m.starts[1] + 1, m.ends[1] - m.starts[1]) <> m.surface))""",
    )


def decisions_replacing_unknown_ones(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Decisions that say they supersede something which the project does not hold."""
    return _exceptions(
        ledger,
        generation,
        """select uri || ' supersedes ' || array_to_string(unresolved, ', ') as exception
           from decisions_at(%(p)s, %(g)s) where unresolved <> '{}'""",
    )


def decisions_in_a_circle(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Uris of documents that supersede themselves by way of others, so that none of them holds."""
    with ledger.transaction() as cursor:
        rows = cursor.execute(
            """select d.uri as older, b.uri as newer from supersession s
               join document d on (d.project, d.id) = (s.project, s.document_id)
               join document b on (b.project, b.id) = (s.project, s.by_document)
               where s.project = %s and s.born <= %s and s.died > %s""",
            (generation.project, generation.number, generation.number),
        )
        return in_circles((row["newer"], row["older"]) for row in rows)[:100]


def merges_of_the_dead(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Merges of the generation of which one side is no entity of it, or whose absorbed side is taken for two others, or kept itself."""
    return _exceptions(
        ledger,
        generation,
        """with shown as (select * from entity_merge where project = %(p)s and born <= %(g)s and died > %(g)s)
           select m.absorbed_name || ' read as ' || m.kept_name as exception from shown m
           where (select count(*) from entity e where e.project = m.project and e.id in (m.kept_id, m.absorbed_id)
                  and e.born <= %(g)s and e.died > %(g)s) <> 2
              or exists (select from shown o where o.id <> m.id and m.absorbed_id in (o.absorbed_id, o.kept_id))
           order by 1""",
    )


def decisions_at_risk(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Decisions that rest on something that no longer carries them, with the reason."""
    return _exceptions(
        ledger,
        generation,
        """select key || ': ' || array_to_string(at_risk, '; ') as exception from decisions_at(%(p)s, %(g)s) where at_risk <> '{}' order by key""",
    )


def grounds_unknown(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Decisions that name, as what they rest on, something that the project does not hold."""
    return _exceptions(
        ledger,
        generation,
        """select d.key || ' rests on ' || g.named as exception from decision_ground g
           join decision d on (d.project, d.id) = (g.project, g.decision_id) and d.born <= %(g)s and d.died > %(g)s
           where g.project = %(p)s and g.born <= %(g)s and g.died > %(g)s and g.kind = 'unknown' order by 1""",
    )


def scores_off_their_terms(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of scores born in this generation whose terms do not sum to their logit, to one part in a million."""
    return _exceptions(
        ledger,
        generation,
        """select t.id as exception from trust_score t
           where t.project = %(p)s and t.born = %(g)s and abs(ln(t.score / (1 - t.score)) - coalesce((
               select sum((term ->> 'log_odds')::double precision) from jsonb_array_elements(t.components) term), 0)) > 1e-6""",
    )


def claims_off_their_spans(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of evidence born in this generation whose document holds something else at its span."""
    return _exceptions(
        ledger,
        generation,
        """select e.id as exception from evidence e
           join document_version v on (v.project, v.document_id) = (e.project, e.document_id) and v.born <= %(g)s and v.died > %(g)s
           join document_text t on (t.project, t.text_sha256) = (v.project, v.text_sha256)
           where e.project = %(p)s and e.born = %(g)s and e.table_row is null
             and substr(t.text, e.starts_at + 1, e.ends_at - e.starts_at) <> e.quote""",
    )


def claims_without_evidence(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of visible claims of which nothing shown is evidence, of those that are new or lost some."""
    return _exceptions(
        ledger,
        generation,
        """select c.id as exception from claim c where c.project = %(p)s and c.born <= %(g)s and c.died > %(g)s and c.id in (
               select id from claim where project = %(p)s and born = %(g)s
               union select claim_id from evidence where project = %(p)s and died = %(g)s)
           and not exists (
               select from evidence e where (e.project, e.claim_id) = (c.project, c.id) and e.born <= %(g)s and e.died > %(g)s)""",
    )


def claims_unweighed(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of claims that this generation added and gives no probability, or that it ended and still gives one."""
    return _exceptions(
        ledger,
        generation,
        """select c.id as exception from claim c where c.project = %(p)s and c.born = %(g)s and c.died > %(g)s and not exists (
               select from claim_probability b where (b.project, b.id) = (c.project, c.id) and b.born <= %(g)s and b.died > %(g)s)
           union all
           select b.id from claim c join claim_probability b on (b.project, b.id) = (c.project, c.id)
           where c.project = %(p)s and c.died = %(g)s and b.born <= %(g)s and b.died > %(g)s and not exists (
               select from claim n where (n.project, n.id, n.born) = (c.project, c.id, %(g)s))""",
    )


def beliefs_off_their_terms(ledger: PostgresLedger, generation: Generation) -> list[str]:
    """Ids of claims whose probability is of this generation and whose terms do not sum to their score, to one part in a million."""
    return _exceptions(
        ledger,
        generation,
        """select b.id as exception from claim_probability b
           where b.project = %(p)s and b.born = %(g)s and abs(b.score - coalesce((
               select sum((term ->> 'log_odds')::double precision) from jsonb_array_elements(b.components) term), 0)) > 1e-6""",
    )
