"""Entities: what documents say of each other and of things becomes entities, mentions and references in the ledger."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from destiny_assets.adapters.postgres.documents import StoredDocument
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.documents import Relation
from destiny_assets.domain.linking.gazetteer import SMALL_CORPUS
from destiny_assets.domain.linking.linker import LINKER_VERSION, DocumentLinker, merged
from destiny_assets.domain.linking.matcher import GazetteerMatcher, words
from destiny_assets.domain.linking.records import DocumentTraces, LinkableChunk, LinkableDocument, ReferenceRow
from destiny_assets.domain.linking.traces import TRACES_VERSION, read_document, with_candidates
from destiny_assets.ports import EntityExtractor, Progress
from destiny_assets.stages.gazetteer import advance, rebuild
from destiny_assets.stages.quarantine import Refusal, attempted, record, release
from destiny_assets.stages.understand import CHUNKING

RULES = f"traces/{TRACES_VERSION} linker/{LINKER_VERSION}"
# With more documents than this to match, one gazetteer of all spellings costs less than each batch's own.
_MANY = 2_000
_Chunks = Mapping[str, Sequence[LinkableChunk]]


def link_documents(
    ledger: PostgresLedger, extractor: EntityExtractor, project: str, generation: int, progress: Progress
) -> Mapping[str, Any]:
    """Bring entities, mentions and references to what the corpus says.

    Matched again are the documents that changed, and those that a changed spelling, name or identifier concerns; all of them when
    a quarter of the documents or the code changed. The result is that of linking everything. `relinked` counts documents.
    """
    code = f"{RULES} extractor/{extractor.name}"
    _read_traces(ledger, extractor, code, project, progress)
    moved = ledger.traces.moved(project)
    changed = len(moved.arrived) + len(moved.left)
    fewest = min(moved.total, moved.total + len(moved.arrived) - len(moved.left))
    basis = f"{code} {CHUNKING}"
    anew = (
        ledger.vocabulary.basis(project) != basis
        or 4 * changed > moved.total
        or (changed > 0 and fewest < SMALL_CORPUS)
    )
    ledger.traces.index_words(project, generation, anew=anew)
    ledger.traces.index_names(project, generation, anew=anew)
    if anew and (changed or moved.total):
        rebuild(ledger, project, generation, basis, moved, progress)
    elif changed:
        advance(ledger, project, generation, basis, moved)
    relinked = _match_waiting(ledger, project, generation, progress)
    ledger.links.retire_orphans(project, generation)
    counts = ledger.reading.counts(project, generation)
    return {
        "linker": code,
        "relinked": relinked,
        **{name: counts[name] for name in ("entities", "mentions", "references")},
    }


def _match_waiting(ledger: PostgresLedger, project: str, generation: int, progress: Progress) -> int:
    total, done = ledger.traces.waiting(project), 0
    if not total:
        return 0
    series = ledger.vocabulary.series(project)
    whole = None
    if total > _MANY:
        matcher = GazetteerMatcher(ledger.vocabulary.patterns(project, None))
        whole = DocumentLinker(ledger.traces.catalogue(project, None, series), matcher)
    while documents := ledger.traces.next_waiting(project):
        traces = ledger.traces.of_documents(project, documents)
        chunks = ledger.chunks.linkable(project, [trace.document for trace in traces])
        linker = whole or DocumentLinker(
            ledger.traces.catalogue(project, traces, series),
            GazetteerMatcher(
                ledger.vocabulary.patterns(
                    project, {word for some in chunks.values() for chunk in some for word in words(chunk.text)}
                )
            ),
        )
        mentions = [mention for trace in traces for mention in linker.mentions(trace, chunks[trace.document])]
        own = merged(row for trace in traces for row in linker.references(trace, chunks[trace.document]))
        stated = ledger.links.stated_by(project, documents)
        concerned = {row.id for row in own} | {id_ for id_, *_ in stated}
        others = _also_stated(ledger, project, series, whole, documents, own, stated)
        references = merged([*own, *(row for row in others if row.id in concerned)])
        ledger.links.store(project, generation, documents, mentions, references, concerned)
        done += len(documents)
        progress.advance("links", done, total)
    return done


def _also_stated(
    ledger: PostgresLedger,
    project: str,
    series: frozenset[str],
    whole: DocumentLinker | None,
    documents: Collection[str],
    own: Sequence[ReferenceRow],
    stated: Sequence[tuple[str, str, str, str]],
) -> list[ReferenceRow]:
    """What the documents at the other end say: that one supersedes another may be said by either, or by both."""
    ends = {
        end for row in own if row.relation is Relation.SUPERSEDES for end in (row.source_document, row.target_document)
    }
    ends |= {
        end for _, source, target, relation in stated if relation == Relation.SUPERSEDES for end in (source, target)
    }
    traces = ledger.traces.of_documents(project, {end for end in ends if end} - set(documents))
    if not traces:
        return []
    chunks: _Chunks = ledger.chunks.linkable(project, [trace.document for trace in traces])
    linker = whole or DocumentLinker(ledger.traces.catalogue(project, traces, series), GazetteerMatcher([]))
    return [row for trace in traces for row in linker.references(trace, chunks[trace.document])]


def _read_traces(
    ledger: PostgresLedger, extractor: EntityExtractor, code: str, project: str, progress: Progress
) -> None:
    done = 0
    for batch in ledger.documents.pending(project, "linker", code):
        outcomes = [
            (d, attempted(f"{d.uri!r} of source {d.source!r}", lambda d=d: _traces(d, extractor)))  # type: ignore[misc]
            for d in batch
        ]
        refused = [(d, said) for d, said in outcomes if isinstance(said, Refusal)]
        record(ledger, project, "entities", code, refused)
        release(ledger, project, "entities", [d for d, said in outcomes if not isinstance(said, Refusal)])
        # Found by its words and its vectors all the same: a document that shows nothing to link is no reason to withhold it.
        read = [(d.version_id, _bare(d) if isinstance(said, Refusal) else said) for d, said in outcomes]
        ledger.traces.store(project, read, code)
        done += len(batch)
        progress.advance("traces", done, 0)


def _traces(document: StoredDocument, extractor: EntityExtractor) -> DocumentTraces:
    own = read_document(LinkableDocument(document.document_id, document.uri, document.parsed))
    return with_candidates(own, extractor.candidates(document.parsed.text))


def _bare(document: StoredDocument) -> DocumentTraces:
    return DocumentTraces(document.document_id, document.uri, document.parsed.title, (), (), (), ())
