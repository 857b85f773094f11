"""Score: how far each document and chunk can be trusted."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from more_itertools import chunked

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.trust import ScoredItem
from destiny_assets.domain.trust import MODEL, chunk_trust, document_trust

_BATCH = 512


def score_trust(ledger: PostgresLedger, project: str, generation: int) -> Mapping[str, Any]:
    """Bring the scores of all living documents and chunks to the model's.

    Scored again are the documents, with their chunks, that a row of this generation bears on: a version, a chunk, a reference to
    them, a passage that more or fewer sources hold. All are when the model, the newest year or a source's prior changed.
    """
    basis = ledger.trust.present_basis(project)
    anew = ledger.trust.basis(project) != basis
    touched = ledger.trust.touched(project, generation)
    written = _score(ledger, project, generation, sorted(touched), basis.year)
    if anew:
        written += _score(ledger, project, generation, ledger.trust.living(project), basis.year)
    written += ledger.trust.retire_orphans(project, generation)
    if anew:
        ledger.trust.set_basis(project, basis)
    return {"model": MODEL, "written": written, **ledger.trust.distribution(project, generation)}


def _score(ledger: PostgresLedger, project: str, generation: int, documents: Iterable[str], year: int | None) -> int:
    written = 0
    holders: Mapping[str, int] | None = None
    for batch in chunked(documents, _BATCH):
        if holders is None:
            holders = ledger.trust.holders(project)
        chunks = [
            (chunk, document, holders.get(passage, 1) - 1)
            for chunk, document, passage in ledger.trust.chunks(project, batch)
        ]
        corroborating: dict[str, int] = {}
        for _, document, sources in chunks:
            corroborating[document] = max(corroborating.get(document, 0), sources)
        trusted = {
            document: document_trust(replace(known, corroborating=corroborating.get(document, 0)))
            for document, known in ledger.trust.documents(project, batch, year).items()
        }
        items = [ScoredItem(document, "document", trust) for document, trust in trusted.items()]
        items += [
            ScoredItem(chunk, "chunk", chunk_trust(trusted[document], sources)) for chunk, document, sources in chunks
        ]
        written += ledger.trust.store(project, generation, batch, items).written
    return written
