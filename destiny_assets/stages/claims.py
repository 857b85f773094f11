"""Claims: what documents and tables state becomes claim and evidence rows, which are nodes of the graph next."""

from collections.abc import Mapping, Sequence
from typing import Any

from more_itertools import chunked

from destiny_assets.adapters.claim_extractors import ModelExtractor, PatternExtractor
from destiny_assets.adapters.parsers.claim_table import VERSION, read_claim_table
from destiny_assets.adapters.postgres.claims import ReadDocument
from destiny_assets.adapters.postgres.documents import StoredDocument
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.claims.extraction import CLAIM_TABLE, RULES, Witnessed
from destiny_assets.domain.claims.told import MODEL_RULE, Passage, Told
from destiny_assets.errors import DamagedOriginalError, NotFoundError, UnreadableDocumentError
from destiny_assets.ports import ClaimModel, DocumentStore, Extraction, Progress, ReadableDocument
from destiny_assets.stages.quarantine import Refusal, attempted, record, release

CODE = f"{RULES} {VERSION}"
_STAGE = "claims"
# Tables hold a hundred thousand claims each, other documents ten.
_BATCH = 64


class _Answers:
    """The answers that one project keeps of one model."""

    def __init__(self, ledger: PostgresLedger, project: str, model_id: str) -> None:
        self._ledger, self._project, self._model_id = ledger, project, model_id

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, Sequence[Told]]:
        """The answers there are to these passages."""
        return self._ledger.claim_answers.known(self._project, self._model_id, digests)

    def keep(self, answers: Mapping[bytes, Sequence[Told]]) -> None:
        """Keep answers."""
        self._ledger.claim_answers.keep(self._project, self._model_id, answers)


def extract_claims(
    ledger: PostgresLedger,
    originals: DocumentStore,
    project: str,
    generation: int,
    progress: Progress,
    *,
    model: ClaimModel | None = None,
    most_tokens: int | None = None,
) -> Mapping[str, Any]:
    """Bring claims and evidence to what the living documents state; only documents not yet read by this code are read.

    A row of a table that is no claim is listed in quarantine with its document, and the other rows count; so is a passage that the
    `model` refuses. Passages that it leaves unread, being away or having taken `most_tokens`, are read by the next run, and what it
    found in them before is gone until then. Raises `StoreUnavailableError` where the original of a table does not come.
    """
    reader = ModelExtractor(model, _Answers(ledger, project, model.model_id), most_tokens) if model else None
    code = f"{CODE} {reader.code}" if reader else CODE
    # What the next run takes up again, with the model or without.
    unfinished = f"{code} unfinished"
    read = written = 0
    for pending in ledger.documents.pending(project, "claimer", code):
        for batch in chunked(pending, _BATCH):
            told = _told(ledger, project, batch, reader)
            found: dict[str, list[ReadDocument]] = {code: [], unfinished: []}
            refused = []
            for document, extraction in zip(batch, told, strict=True):
                said, refusal = _statements(originals, project, document)
                found[unfinished if extraction.unread else code].append(_read(document, [*said, *extraction.found]))
                if why := refusal or _of_passages(extraction):
                    refused.append((document, why))
            for by, some in found.items():
                written += ledger.claims.store(project, generation, some, by).written if some else 0
            record(ledger, project, _STAGE, code, refused)
            whole = {document.document_id for document, _ in refused}
            release(ledger, project, _STAGE, [document for document in batch if document.document_id not in whole])
            read += len(batch)
            progress.advance(_STAGE, read, 0)
    changes = ledger.generations.changes(project, generation)
    # Of a document that a killed run of this generation found, and that is gone since, only its evidence is left.
    if changes["document_version"] or changes["evidence"]:
        written += ledger.claims.retire_orphans(project, generation)
    facts = {"rules": code, "read": read, "written": written, **ledger.claims.counts(project, generation)}
    return facts | (_readings(reader) if reader else {})


def _told(
    ledger: PostgresLedger, project: str, batch: Sequence[StoredDocument], reader: ModelExtractor | None
) -> Sequence[Extraction]:
    """What the model finds in the passages of some documents; nothing without one."""
    if reader is None:
        return [Extraction([])] * len(batch)
    passages = ledger.claim_answers.passages(project, [document.document_id for document in batch])
    return reader.extract([_readable(document, passages[document.document_id]) for document in batch])


def _readable(document: StoredDocument, passages: Sequence[Passage] = ()) -> ReadableDocument:
    return ReadableDocument(document.source, document.uri, document.parsed, passages)


def _of_passages(extraction: Extraction) -> Refusal | None:
    if not extraction.refused:
        return None
    return Refusal(
        "refused",
        f"{len(extraction.refused)} of its passages were not read for claims by a model, all else was: {extraction.refused[0]}.",
    )


def _readings(reader: ModelExtractor) -> dict[str, Any]:
    """What the run asked of the model, as facts of the asset."""
    done = reader.readings
    return {
        "model": reader.name.removeprefix(MODEL_RULE),
        "model_passages": done.passages,
        "model_kept": done.kept,
        "model_calls": done.calls,
        "model_tokens": done.tokens,
        "model_found": done.found,
        "model_dropped": {str(why): count for why, count in sorted(done.dropped.items())},
        "model_refused": done.refused,
        "model_unread": done.unread,
        "model_why_unread": done.why_unread,
    }


def _statements(
    originals: DocumentStore, project: str, document: StoredDocument
) -> tuple[Sequence[Witnessed], Refusal | None]:
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
    found = attempted(what, lambda: PatternExtractor().extract([_readable(document)])[0])
    return ([], found) if isinstance(found, Refusal) else (found.found, None)


def _original(originals: DocumentStore, project: str, document: StoredDocument) -> bytes:
    try:
        return originals.get(project, document.sha256)
    except (NotFoundError, DamagedOriginalError) as error:
        raise UnreadableDocumentError(
            "unreachable", f"Its original is lost; run: destiny repair {project}, then change the file or ingest again."
        ) from error


def _read(document: StoredDocument, found: Sequence[Witnessed]) -> ReadDocument:
    parsed = document.parsed
    return ReadDocument(
        document.document_id, document.version_id, parsed.text, parsed.updated_at or parsed.created_at, found
    )
