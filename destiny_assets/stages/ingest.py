"""Ingest: what the sources hold now becomes document versions; what can't be read is quarantined and the rest goes on."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from more_itertools import chunked

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.postgres.documents import KnownVersion, NewVersion
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Quarantined, Source
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.sources import open_source
from destiny_assets.domain.documents import (
    MAX_URI_BYTES,
    ParsedDocument,
    SourceContent,
    SourceItem,
    facts_digest,
    listed_uri,
    unstorable_part,
    uri_bytes,
    with_facts,
)
from destiny_assets.errors import StoreUnavailableError, UnreadableDocumentError
from destiny_assets.ports import DocumentStore, Progress, SourceReader
from destiny_assets.stages.ahead import one_ahead
from destiny_assets.stages.quarantine import Refusal, attempted

STAGE = "documents"
_BATCH = 256
# Reading and storing wait for the disk: each original is on it before the ledger names it.
_THREADS = 16


@dataclass(slots=True)
class IngestReport:
    """Counts of one ingest. `quarantined` counts what is in quarantine afterwards, `bytes` what was read."""

    read: int = 0
    unchanged: int = 0
    removed: int = 0
    quarantined: int = 0
    bytes: int = 0
    sources: list[str] = field(default_factory=list)


def ingest_sources(
    ledger: PostgresLedger,
    store: DocumentStore,
    reader: DocumentReader,
    project: str,
    generation: int,
    progress: Progress,
    cache: Path,
    *,
    codes: Mapping[str, str],
) -> IngestReport:
    """Bring the documents of a project to what its sources hold; documents of detached sources are retired.

    `cache` is a folder for what sources can fetch again. `codes` says by which code the later stages work that may refuse a
    document: one they refused is read again when its own stage's code is another.
    """
    report = IngestReport()
    sources = ledger.projects.sources(project)
    for source in sources:
        report.sources.append(source.name)
        context = SourceContext(project, source.name, ledger, store, cache)
        _ingest_source(context, reader, generation, source, report, progress, codes)
    for detached in ledger.documents.sources_alive(project) - {source.name for source in sources}:
        gone = [known.document_id for known in ledger.documents.known(project, detached).values()]
        report.removed += ledger.documents.retire(project, generation, gone)
    report.quarantined = len(ledger.projects.quarantined(project))
    return report


def _ingest_source(
    context: SourceContext,
    reader: DocumentReader,
    generation: int,
    source: Source,
    report: IngestReport,
    progress: Progress,
    codes: Mapping[str, str],
) -> None:
    ledger, store, project = context.ledger, context.originals, context.project
    code = reader.fingerprint()
    codes = {**codes, STAGE: code}
    known = ledger.documents.known(project, source.name)
    failed: dict[str, list[Quarantined]] = {}
    for row in ledger.projects.quarantined(project):
        if row.source == source.name and row.stage in codes:
            failed.setdefault(row.uri, []).append(row)
    last_mark = ledger.projects.mark(project, source.name)
    try:
        place = open_source(source.kind, source.uri, source.options, context)
        # Taken before the listing: what moves meanwhile is seen the next time.
        mark = f"{found} {code}" if (found := place.mark()) else None
        if (
            mark
            and mark == last_mark
            and "" not in failed
            and all(q.code == codes[q.stage] for rows in failed.values() for q in rows)
        ):
            report.unchanged += len(known)
            return
        items = list(place.scan())
    except StoreUnavailableError as error:
        # A folder that is away is not an empty folder: its documents stay as they are until it can be listed again.
        ledger.projects.quarantine(project, [Quarantined(source.name, "", STAGE, "unreachable", str(error), "", code)])
        report.unchanged += len(known)
        return
    ledger.projects.release(project, source.name, [""], STAGE)

    todo = [item for item in items if not _settled(item, known, failed.get(listed_uri(item.uri), []), codes)]
    report.unchanged += sum(item.uri in known for item in items) - sum(item.uri in known for item in todo)
    there = {listed_uri(item.uri) for item in items}
    gone = known.keys() - there
    report.removed += ledger.documents.retire(project, generation, [known[uri].document_id for uri in gone])
    ledger.projects.release(project, source.name, [uri for uri in failed.keys() | gone if uri not in there])

    done = 0
    with ThreadPoolExecutor(_THREADS) as threads:
        # One batch is read and brought to disk while the ledger takes the one before.
        reading = (
            threads.map(lambda item: _read(item, place, store, reader, project, source.name), batch)
            for batch in chunked(todo, _BATCH)
        )
        for outcomes in map(list, one_ahead(reading)):
            _settle(ledger, project, generation, source.name, code, known, outcomes, report)
            done += len(outcomes)
            progress.advance(STAGE, done, len(todo))
    if mark != last_mark:
        ledger.projects.set_mark(project, source.name, mark)


def _settled(
    item: SourceItem, known: dict[str, KnownVersion], failed: list[Quarantined], codes: Mapping[str, str]
) -> bool:
    """Whether nothing about an item can have changed: neither its source's mark nor the code that reads it."""
    if any(row.fingerprint == item.fingerprint and row.code == codes[row.stage] for row in failed):
        return True
    version = known.get(item.uri)
    if any(row.stage == STAGE for row in failed) or version is None or version.fingerprint != item.fingerprint:
        return False
    # The reader's code lists the version of each parser; a document waits for its own parser's change only.
    return version.parser in codes[STAGE].split(";")


@dataclass(frozen=True, slots=True)
class _Failure:
    item: SourceItem
    refusal: Refusal


def _read(
    item: SourceItem, place: SourceReader, store: DocumentStore, reader: DocumentReader, project: str, source: str
) -> NewVersion | _Failure:
    def parsed() -> tuple[SourceContent, ParsedDocument]:
        if (length := uri_bytes(item.uri)) > MAX_URI_BYTES:
            raise UnreadableDocumentError(
                "huge",
                f"Its name within the source has {length:,} bytes, more than the {MAX_URI_BYTES:,} that are kept. "
                "Shorten it, or give a source that begins nearer to it.",
            )
        content = place.read(item)
        document = with_facts(reader.parse(content.data, uri=item.uri, media_type=content.media_type), content.facts)
        if wrong := unstorable_part(document):
            raise UnreadableDocumentError("broken", f"The {wrong} of {item.uri} holds a NUL or half a surrogate pair.")
        return content, document

    outcome = attempted(f"{item.uri!r} of source {source!r}", parsed)
    if isinstance(outcome, Refusal):
        return _Failure(item, outcome)
    content, document = outcome
    sha256, facts = store.put(project, content.data), facts_digest(content.facts)
    return NewVersion(source, item.uri, sha256, item.fingerprint, len(content.data), document, facts)


def _settle(
    ledger: PostgresLedger,
    project: str,
    generation: int,
    source: str,
    code: str,
    known: dict[str, KnownVersion],
    outcomes: list[NewVersion | _Failure],
    report: IngestReport,
) -> None:
    failures = [outcome for outcome in outcomes if isinstance(outcome, _Failure)]
    versions = [outcome for outcome in outcomes if isinstance(outcome, NewVersion)]
    same = {version.uri for version in versions if _is_same(version, known.get(version.uri))}
    fresh = [version for version in versions if version.uri not in same]
    if fresh:
        ledger.documents.store(project, generation, fresh)
    if same:
        ledger.documents.touch(project, {known[v.uri].version_id: v.fingerprint for v in versions if v.uri in same})
    # Its owner's wish is no failure of ours: such a page leaves, where a broken one keeps its last version.
    unwanted = [f.item.uri for f in failures if f.refusal.reason == "excluded" and f.item.uri in known]
    if unwanted:
        report.removed += ledger.documents.retire(project, generation, [known[uri].document_id for uri in unwanted])
    if failures:
        ledger.projects.quarantine(project, list(_quarantined(failures, source, code)))
    ledger.projects.release(project, source, [version.uri for version in versions], STAGE)
    # Back at what is published: what a later stage had against another version is no more.
    ledger.projects.release(project, source, sorted(same))
    report.read += len(fresh)
    report.unchanged += len(same)
    report.bytes += sum(version.bytes for version in versions)


def _is_same(version: NewVersion, known: KnownVersion | None) -> bool:
    return known is not None and (known.sha256, known.parser, known.facts) == (
        version.sha256,
        version.parsed.parser,
        version.facts,
    )


def _quarantined(failures: list[_Failure], source: str, code: str) -> Iterator[Quarantined]:
    for failure in failures:
        item, refusal = failure.item, failure.refusal
        uri = listed_uri(item.uri)
        yield Quarantined(source, uri, STAGE, refusal.reason, refusal.detail, item.fingerprint, code)
