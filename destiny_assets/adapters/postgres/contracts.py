"""The rows a generation adds, as plain values in bounded pieces, for data-quality suites."""

from collections.abc import Iterator
from typing import Any, LiteralString

from destiny_assets.adapters.postgres.ledger import PostgresLedger

_PIECE = 20_000


def document_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Document versions born in a generation."""
    return _rows(
        ledger,
        "select id::text as id, title, sha256, characters, bytes from document_version where project = %s and born = %s",
        project,
        generation,
    )


def chunk_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Chunks born in a generation, with where they stand."""
    return _rows(
        ledger,
        """select c.id::text as id, c.text, c.tokens, p.starts_at, p.ends_at, p.ends_at - p.starts_at as span, length(c.text) as characters
           from chunk c join placement p on (p.project, p.chunk_id, p.died) = (c.project, c.id, c.died)
           where c.project = %s and c.born = %s""",
        project,
        generation,
    )


def entity_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Entities born in a generation."""
    return _rows(ledger, "select key, kind, name from entity where project = %s and born = %s", project, generation)


def decision_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Decisions born in a generation."""
    return _rows(
        ledger,
        "select id::text as id, key, title, importance, status from decision where project = %s and born = %s",
        project,
        generation,
    )


def claim_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Evidence born in a generation, each with the claim it is for."""
    return _rows(
        ledger,
        """select e.id::text as id, c.subject, c.predicate, c.value, c.origin, e.witness, e.rule
           from evidence e left join claim c on (c.project, c.id, c.died) = (e.project, e.claim_id, e.died)
           where e.project = %s and e.born = %s""",
        project,
        generation,
    )


def probability_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Probabilities of claims born in a generation."""
    return _rows(
        ledger,
        "select id::text as id, probability, standing from claim_probability where project = %s and born = %s",
        project,
        generation,
    )


def merge_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Merges born in a generation; `reasoned` is the probability that their terms make, both to six places."""
    return _rows(
        ledger,
        """select id::text as id, round(probability::numeric, 6)::double precision as probability,
                  round((1 / (1 + exp(-(select sum((term ->> 'log_odds')::double precision) from jsonb_array_elements(reasons) term))))::numeric,
                        6)::double precision as reasoned
           from entity_merge where project = %s and born = %s""",
        project,
        generation,
    )


def reliability_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """What is newly known of witnesses in a generation; `together` is the chance that a word is true or something coarser."""
    return _rows(
        ledger,
        """select id::text as id, witness, complete, coarse, complete + coarse as together, copies
           from source_reliability where project = %s and born = %s""",
        project,
        generation,
    )


def calibration_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """What was measured in a generation, each method with the slots that its bins hold."""
    return _rows(
        ledger,
        """select c.method, c.judged, c.precision, c.brier, c.ece, c.ece_low, c.ece_high, c.log_loss,
                  (select sum(b.slots)::integer from calibration_bin b
                   where (b.project, b.generation, b.method) = (c.project, c.generation, c.method)) as binned
           from calibration c where c.project = %s and c.generation = %s""",
        project,
        generation,
    )


def risk_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """What newly puts decisions at risk in a generation."""
    return _rows(
        ledger,
        "select id::text as id, named, reason, said from decision_risk where project = %s and born = %s",
        project,
        generation,
    )


def trust_rows(ledger: PostgresLedger, project: str, generation: int) -> Iterator[list[dict[str, Any]]]:
    """Scores born in a generation."""
    return _rows(
        ledger,
        "select id::text as id, item_kind, score from trust_score where project = %s and born = %s",
        project,
        generation,
    )


def _rows(
    ledger: PostgresLedger, query: LiteralString, project: str, generation: int
) -> Iterator[list[dict[str, Any]]]:
    with ledger.stream("contract_rows") as cursor:
        cursor.execute(query, (project, generation))
        while piece := cursor.fetchmany(_PIECE):
            yield piece
