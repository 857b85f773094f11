"""Labelled documents: how much of what they name and say is found by an extractor and set phrases, and by the corpus's gazetteer."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from destiny_assets.adapters.entity_extractors import CapitalsMentionFinder
from destiny_assets.adapters.labelled_files import Skipped, read_records
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.extraction import scores
from destiny_assets.domain.extraction.mentions import Mention, MentionKind, cluster
from destiny_assets.domain.extraction.relations import find_relations
from destiny_assets.domain.extraction.scores import BCubed, Span
from destiny_assets.domain.identity.scores import Counts
from destiny_assets.domain.linking.linker import Linker
from destiny_assets.domain.linking.names import folded
from destiny_assets.domain.linking.records import LinkableChunk, LinkableDocument
from destiny_assets.domain.linking.traces import read_document
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import MentionFinder, Progress

_KINDS = {
    **dict.fromkeys(("TIME", "DATE"), MentionKind.TIME),
    **dict.fromkeys(("NUM", "NUMBER", "CARDINAL", "QUANTITY", "PERCENT", "MONEY", "ORDINAL"), MentionKind.NUMBER),
}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Document:
    """A document with what it names (entities by id, their spans and types) and says (head, relation, tail)."""

    text: str
    title: str
    spans: dict[Hashable, frozenset[Span]]
    types: dict[Hashable, str]
    relations: frozenset[tuple[Hashable, str, Hashable]]


def evaluate_relations(folder: Path, progress: Progress, finder: MentionFinder | None = None) -> dict[str, Any]:
    """Read the documents of `folder` and compare mentions, coreference and relations with the labels.

    Mentions are those of the `finder` (by default capitals); groups and relations follow from them. Nothing is learned from labels, so
    every document is scored. Raises `NotFoundError` and `ConfigurationError` when the folder does not hold what is needed.
    """
    finder = finder or CapitalsMentionFinder()
    skipped: list[Skipped] = []
    documents = [document for record in read_records(folder, "docs", skipped) if (document := _read(record, skipped))]
    if not documents:
        raise ConfigurationError(f"{folder}: docs.jsonl holds no document with a text and a list of entities")
    mentions: dict[str, list[Counts]] = defaultdict(list)
    relations: dict[str, list[Counts]] = defaultdict(list)
    recalled: dict[str, list[Counts]] = defaultdict(list)
    grouped = BCubed(0.0, 0, 0.0, 0)
    for number, document in enumerate(documents, start=1):
        found = finder.mentions(document.text)
        groups: dict[int, set[Span]] = defaultdict(set)
        places = cluster(document.text, found)
        for mention, place in zip(found, places, strict=True):
            groups[place].add((mention.start, mention.end))
        for kind in MentionKind:
            ours = {(mention.start, mention.end) for mention in found if mention.kind is kind}
            mentions[kind.value].append(scores.compare(ours, _gold_of(document, kind)))
        everything = {(mention.start, mention.end) for mention in found}
        for entity, spans in document.spans.items():
            recalled[document.types[entity]].append(Counts(len(spans & everything), 0, len(spans - everything)))
        grouped += scores.b_cubed(list(groups.values()), list(document.spans.values()))
        for relation, counts in _relations(document, found, groups, places).items():
            relations[relation].append(counts)
        progress.advance("documents", number, len(documents))
    figures = scores.total(row for rows in relations.values() for row in rows).figures()
    by_type = {relation: scores.total(rows).figures() for relation, rows in relations.items()}
    ordered = dict(sorted(by_type.items(), key=lambda item: (-item[1]["gold"], item[0])))
    return {
        "dataset": folder.name,
        "model": finder.model_id,
        "documents": len(documents),
        **{name: figures[name] for name in ("precision", "recall", "f1")},
        "by_type": ordered,
        "mentions": {
            **scores.total(row for rows in mentions.values() for row in rows).figures(),
            "by_type": {kind: scores.total(rows).figures() for kind, rows in mentions.items()},
            "recall_by_label": {label: scores.total(rows).recall for label, rows in sorted(recalled.items())},
        },
        "coreference": grouped.figures(),
        "relations": {**figures, "by_type": ordered},
        "baselines": {"gazetteer": _gazetteer(documents)},
        "skipped": {"rows": len(skipped), "first": [asdict(row) for row in skipped[:_SHOWN]]},
    }


def _relations(
    document: Document, mentions: Sequence[Mention], groups: dict[int, set[Span]], places: Sequence[int]
) -> dict[str, Counts]:
    """Counts by relation; a statement about a group that is no gold entity is wrong whatever it says."""
    order = list(groups)
    entity = dict(zip(order, scores.matched_entities([groups[place] for place in order], document.spans), strict=True))
    found: set[tuple[Hashable, str, Hashable]] = set()
    for related in find_relations(document.text, mentions):
        head, tail = places[related.head], places[related.tail]
        if head != tail:
            # A group that is no gold entity stands for itself: it can't be right, and is counted once.
            sides = [("unknown", place) if entity[place] is None else entity[place] for place in (head, tail)]
            found.add((sides[0], related.relation, sides[1]))
    names = {relation for _, relation, _ in found | document.relations}
    return {
        name: scores.compare(
            {one for one in found if one[1] == name}, {one for one in document.relations if one[1] == name}
        )
        for name in names
    }


def _gold_of(document: Document, kind: MentionKind) -> set[Span]:
    return {
        span
        for entity, spans in document.spans.items()
        if _KINDS.get(document.types[entity].upper(), MentionKind.NAME) is kind
        for span in spans
    }


def _gazetteer(documents: Sequence[Document]) -> dict[str, Any]:
    """What the pipeline's own linking of a corpus finds, which looks for what documents share and knows no relation of this kind."""
    traces = [
        read_document(
            LinkableDocument(
                str(number), f"{number}.txt", ParsedDocument(document.title, document.text, "text/plain", "as-labelled")
            )
        )
        for number, document in enumerate(documents)
    ]
    linker = Linker(traces)
    counts, grouped = [], BCubed(0.0, 0, 0.0, 0)
    for document, trace in zip(documents, traces, strict=True):
        groups: dict[str, set[Span]] = defaultdict(set)
        for mention in linker.mentions(trace, [LinkableChunk("chunk", document.text, 0)]):
            if mention.end > mention.start:
                groups[mention.entity_id].add((mention.start, mention.end))
        everything = {span for spans in groups.values() for span in spans}
        counts.append(scores.compare(everything, {span for spans in document.spans.values() for span in spans}))
        grouped += scores.b_cubed(list(groups.values()), list(document.spans.values()))
    return {"mentions": scores.total(counts).figures(), "coreference": grouped.figures()}


def _read(record: dict[str, Any], skipped: list[Skipped]) -> Document | None:
    try:
        text = str(record["text"])
        spans = {
            entity["id"]: frozenset((int(one["start"]), int(one["end"])) for one in entity["mentions"])
            for entity in record["entities"]
        }
        types = {entity["id"]: str((entity.get("types") or ["?"])[0]) for entity in record["entities"]}
        relations = frozenset(
            (one["head"], folded(str(one["relation"])), one["tail"]) for one in record.get("relations") or ()
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        skipped.append(
            Skipped("docs.jsonl", 0, f"document {str(record.get('id'))[:40]} is not as described: {error!r}")
        )
        return None
    return Document(text, str(record.get("title") or ""), spans, types, relations)
