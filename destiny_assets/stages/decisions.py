"""Decisions: documents that record one become rows of it, which are nodes of the graph next."""

from collections.abc import Mapping
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.decisions import RULES, decision_of
from destiny_assets.ports import Progress


def record_decisions(ledger: PostgresLedger, project: str, generation: int, progress: Progress) -> Mapping[str, Any]:
    """Bring the decisions of a project to what its documents say; only documents not yet read by these rules are read."""
    read = written = 0
    for batch in ledger.documents.pending(project, "decider", RULES):
        found = {document.document_id: decision_of(document.uri, document.parsed) for document in batch}
        versions = [document.version_id for document in batch]
        change = ledger.decisions.store(project, generation, found, versions, RULES)
        read += len(batch)
        written += change.added + change.retired
        progress.advance("decisions", read, 0)
    changes = ledger.generations.changes(project, generation)
    # Of a document that a killed run of this generation found, and that is gone since, only its decision is left.
    if changes["document_version"] or changes["decision"]:
        written += ledger.decisions.retire_orphans(project, generation)
    return {"rules": RULES, "read": read, "written": written, **ledger.decisions.counts(project, generation)}
