"""Link: what documents say of each other and of things becomes entities, mentions, references, and the graph layer."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from more_itertools import chunked

from destiny_assets.adapters.postgres.documents import StoredDocument
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.graph import FOREVER, Edge, Node
from destiny_assets.domain.linking.linker import LINKER_VERSION, Linker, merged
from destiny_assets.domain.linking.records import DocumentTraces, LinkableDocument
from destiny_assets.domain.linking.traces import TRACES_VERSION, from_json, read_document, to_json, with_candidates
from destiny_assets.errors import ConflictError
from destiny_assets.ports import EntityExtractor, KnowledgeGraph, Progress
from destiny_assets.stages.quarantine import Refusal, attempted, record, release

RULES = f"traces/{TRACES_VERSION} linker/{LINKER_VERSION}"
_BATCH = 512
_Item = TypeVar("_Item", Node, Edge)


def link_documents(
    ledger: PostgresLedger, extractor: EntityExtractor, project: str, generation: int, progress: Progress
) -> Mapping[str, Any]:
    """Bring entities, mentions and references to what the corpus says; nothing is read when no document and no rule changed."""
    code = f"{RULES} extractor/{extractor.name}"
    read = _read_traces(ledger, extractor, code, project, progress)
    changed = ledger.generations.changes(project, generation)
    latest = ledger.generations.latest(project)
    # The last three: a killed run linked documents that are gone since.
    touched = ("document_version", "chunk", "entity", "mention", "reference")
    if not (read or any(changed[table] for table in touched)) and (
        latest and (latest.facts or {}).get("linker") == code
    ):
        return {"linker": code, "relinked": 0, **_counts(ledger, project, generation)}

    traces = sorted(map(from_json, ledger.links.traces(project)), key=lambda trace: trace.document)
    linker = Linker(traces)
    stands_for = {linker.document_entity_id(trace.document): trace.document for trace in traces}
    ledger.links.store_entities(project, generation, linker.entities, stands_for)
    references, done = [], 0
    for batch in chunked(traces, _BATCH):
        chunks = ledger.chunks.linkable(project, [trace.document for trace in batch])
        mentions = [mention for trace in batch for mention in linker.mentions(trace, chunks[trace.document])]
        references += [reference for trace in batch for reference in linker.references(trace, chunks[trace.document])]
        ledger.links.store_mentions(
            project, generation, [chunk.id for some in chunks.values() for chunk in some], mentions
        )
        done += len(batch)
        progress.advance("links", done, len(traces))
    ledger.links.retire_orphans(project, generation)
    ledger.links.store_references(project, generation, merged(references))
    return {"linker": code, "relinked": len(traces), **_counts(ledger, project, generation)}


def project_graph(
    ledger: PostgresLedger, graph: KnowledgeGraph, project: str, generation: int, progress: Progress
) -> Mapping[str, Any]:
    """Bring the graph layer to the ledger: the generation's own changes, and what a killed run left of others.

    Reads what the generation changed and no more. Where the layer turns out to lack what the changes stand on, every id is
    compared. Reports what was written by label and type.
    """
    graph.prepare()
    rows, resumed = ledger.projections, ledger.generations.begin(project, generation, "graph")
    died = [edge.id for edge in rows.graph_edges(project, died=generation) if edge.born < generation]
    died += [node.id for node in rows.graph_nodes(project, died=generation) if node.born < generation]
    if resumed:
        # What the earlier run wrote and the ledger no longer has goes, and what it retired and should not have lives on.
        born_there = {id_ for _, id_ in graph.marked(project, "born", generation)}
        graph.remove(project, born_there - rows.graph_ids(project, generation))
        died_there = {id_ for _, id_ in graph.marked(project, "died", generation)}
        graph.retire(project, died_there - set(died), FOREVER)
        died = [id_ for id_ in died if id_ not in died_there]
    retired = graph.retire(project, died, generation)
    written: Counter[str] = Counter()

    def counted(items: Iterable[_Item]) -> Iterator[_Item]:
        for item in items:
            if item.died == FOREVER:
                written[str(item.label if isinstance(item, Node) else item.type)] += 1
                yield item
        progress.advance("graph", written.total(), 0)

    whole = retired == len(died)
    try:
        # Those already there too: a killed run may have left them with a name that changed since.
        graph.upsert_nodes(project, counted(rows.graph_nodes(project, born=generation)))
        graph.upsert_edges(project, counted(rows.graph_edges(project, born=generation)))
    except ConflictError:
        whole = False
    healed = 0 if whole else _heal(ledger, graph, project, generation)
    return {"written": written.total() + healed, "retired": retired, **written}


def _heal(ledger: PostgresLedger, graph: KnowledgeGraph, project: str, generation: int) -> int:
    """Compare every id and write what is missing; only after something changed the layer behind Destiny's back."""
    present = {id_ for _, id_ in graph.ids(project, generation)}
    nodes = {node.id: node for node in ledger.projections.graph_nodes(project, shown=generation)}
    edges = {edge.id: edge for edge in ledger.projections.graph_edges(project, shown=generation)}
    graph.remove(project, present - nodes.keys() - edges.keys())
    written = graph.upsert_nodes(project, (node for id_, node in nodes.items() if id_ not in present))
    return written + graph.upsert_edges(project, (edge for id_, edge in edges.items() if id_ not in present))


def _read_traces(
    ledger: PostgresLedger, extractor: EntityExtractor, code: str, project: str, progress: Progress
) -> int:
    done = 0
    for batch in ledger.documents.pending(project, "linker", code):
        outcomes = [
            attempted(f"{d.uri!r} of source {d.source!r}", lambda d=d: to_json(_traces(d, extractor)))  # type: ignore[misc]
            for d in batch
        ]
        refused = [(d, said) for d, said in zip(batch, outcomes, strict=True) if isinstance(said, Refusal)]
        # Found by its words and its vectors all the same: a document that shows nothing to link is no reason to withhold it.
        stored = {
            document.version_id: to_json(_bare(document)) if isinstance(outcome, Refusal) else outcome
            for document, outcome in zip(batch, outcomes, strict=True)
        }
        record(ledger, project, "entities", code, refused)
        release(
            ledger, project, "entities", [d for d, said in zip(batch, outcomes, strict=True) if isinstance(said, str)]
        )
        ledger.links.store_traces(project, stored, code)
        done += len(batch)
        progress.advance("traces", done, 0)
    return done


def _traces(document: StoredDocument, extractor: EntityExtractor) -> DocumentTraces:
    own = read_document(LinkableDocument(document.document_id, document.uri, document.parsed))
    return with_candidates(own, extractor.candidates(document.parsed.text))


def _bare(document: StoredDocument) -> DocumentTraces:
    return DocumentTraces(document.document_id, document.uri, document.parsed.title, (), (), (), ())


def _counts(ledger: PostgresLedger, project: str, generation: int) -> dict[str, int]:
    counts = ledger.reading.counts(project, generation)
    return {name: counts[name] for name in ("entities", "mentions", "references")}
