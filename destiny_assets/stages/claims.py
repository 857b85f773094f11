"""Claims: what documents and tables state becomes claim and evidence rows, which are nodes of the graph next."""

from collections.abc import Mapping
from typing import Any

from more_itertools import chunked

from destiny_assets.adapters.parsers.claim_table import VERSION, read_claim_table
from destiny_assets.adapters.postgres.claims import ReadDocument
from destiny_assets.adapters.postgres.documents import StoredDocument
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.claims.extraction import CLAIM_TABLE, RULES, Witnessed, statements
from destiny_assets.errors import DamagedOriginalError, NotFoundError, UnreadableDocumentError
from destiny_assets.ports import DocumentStore, Progress
from destiny_assets.stages.quarantine import Refusal, attempted, record, release

CODE = f"{RULES} {VERSION}"
_STAGE = "claims"
# Tables hold a hundred thousand claims each, other documents ten.
_BATCH = 64


def extract_claims(
    ledger: PostgresLedger, originals: DocumentStore, project: str, generation: int, progress: Progress
) -> Mapping[str, Any]:
    """Bring claims and evidence to what the living documents state; only documents not yet read by this code are read.

    A row of a table that is no claim is listed in quarantine with its document, and the other rows count. Raises
    `StoreUnavailableError` where the original of a table does not come.
    """
    read = written = 0
    for pending in ledger.documents.pending(project, "claimer", CODE):
        for batch in chunked(pending, _BATCH):
            found, refused = [], []
            for document in batch:
                said, refusal = _statements(originals, project, document)
                found.append(_read(document, said))
                refused += [(document, refusal)] if refusal else []
            change = ledger.claims.store(project, generation, found, CODE)
            record(ledger, project, _STAGE, CODE, refused)
            whole = {document.document_id for document, _ in refused}
            release(ledger, project, _STAGE, [document for document in batch if document.document_id not in whole])
            read += len(batch)
            written += change.written
            progress.advance(_STAGE, read, 0)
    changes = ledger.generations.changes(project, generation)
    # Of a document that a killed run of this generation found, and that is gone since, only its evidence is left.
    if changes["document_version"] or changes["evidence"]:
        written += ledger.claims.retire_orphans(project, generation)
    return {"rules": CODE, "read": read, "written": written, **ledger.claims.counts(project, generation)}


def _statements(
    originals: DocumentStore, project: str, document: StoredDocument
) -> tuple[list[Witnessed], Refusal | None]:
    what = f"{document.uri!r} of source {document.source!r}"
    if document.parsed.media_type == CLAIM_TABLE:
        table = attempted(what, lambda: read_claim_table(_original(originals, project, document), document.uri))
        if isinstance(table, Refusal):
            return [], table
        if not table.refused:
            return table.found, None
        said = "; ".join(f"row {row}: {why}" if row else why for row, why in table.refused[:5])
        more = f"; and {len(table.refused) - 5} more" if len(table.refused) > 5 else ""
        return table.found, Refusal("broken", f"{len(table.refused)} rows are wrong, the others count. {said}{more}.")
    found = attempted(what, lambda: statements(document.source, document.uri, document.parsed))
    return ([], found) if isinstance(found, Refusal) else (found, None)


def _original(originals: DocumentStore, project: str, document: StoredDocument) -> bytes:
    try:
        return originals.get(project, document.sha256)
    except (NotFoundError, DamagedOriginalError) as error:
        raise UnreadableDocumentError(
            "unreachable", f"Its original is lost; run: destiny repair {project}, then change the file or ingest again."
        ) from error


def _read(document: StoredDocument, found: list[Witnessed]) -> ReadDocument:
    parsed = document.parsed
    return ReadDocument(
        document.document_id, document.version_id, parsed.text, parsed.updated_at or parsed.created_at, found
    )
