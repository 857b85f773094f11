"""Score: how far each document and chunk can be trusted."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.trust import ScoredItem
from destiny_assets.domain.trust import MODEL, chunk_trust, document_trust


def score_trust(ledger: PostgresLedger, project: str, generation: int) -> Mapping[str, Any]:
    """Bring the scores of all living documents and chunks to the model's; nothing is read when nothing they rest on changed."""
    changed = ledger.generations.changes(project, generation)
    latest = ledger.generations.latest(project)
    # The scores themselves too: a killed run may have scored documents that are gone since.
    rests_on = ("document_version", "chunk", "near_duplicate", "reference", "trust_score")
    if not any(changed[table] for table in rests_on) and latest and (latest.facts or {}).get("trust_model") == MODEL:
        return {"model": MODEL, "written": 0, **ledger.trust.distribution(project, generation)}

    chunks = ledger.trust.chunks(project)
    corroborating: dict[str, int] = {}
    for _, document, sources in chunks:
        corroborating[document] = max(corroborating.get(document, 0), sources)
    documents = {
        document: document_trust(replace(known, corroborating=corroborating.get(document, 0)))
        for document, known in ledger.trust.documents(project).items()
    }
    items = [ScoredItem(document, "document", trust) for document, trust in documents.items()]
    items += [
        ScoredItem(chunk, "chunk", chunk_trust(documents[document], sources)) for chunk, document, sources in chunks
    ]
    change = ledger.trust.store(project, generation, items)
    return {"model": MODEL, "written": change.written, **ledger.trust.distribution(project, generation)}
