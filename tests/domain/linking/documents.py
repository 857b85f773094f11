"""Documents for the tests of linking, made by hand or read from the bundled data sets."""

import gzip
import json
import os
import re
from pathlib import Path

import pytest

from destiny_assets.domain.documents import Heading, Link, ParsedDocument
from destiny_assets.domain.linking.records import LinkableChunk, LinkableDocument

REPOSITORY = Path(__file__).resolve().parents[3]


def labelled_data() -> Path:
    """The folder of labelled data, which is not part of the repository."""
    folder = Path(os.environ.get("DESTINY_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED: the labelled data is not in {folder}; name its folder in DESTINY_SHARED_DATA")
    return folder


def document(
    identity: str,
    text: str,
    *,
    uri: str | None = None,
    title: str = "",
    authors: tuple[str, ...] = (),
    fields: dict[str, str] | None = None,
) -> LinkableDocument:
    """A document in Markdown or reStructuredText: links and headings are found by this small reader."""
    found = re.finditer(r"(?<!!)\[([^\]\n]*)\]\(([^)\s]+)\)", text)
    links = tuple(Link(match[2], match[1], match.start(), match.end()) for match in found)
    marked = [Heading(len(m[1]), m[2].strip(), m.start()) for m in re.finditer(r"^(#+) (.*)$", text, re.MULTILINE)]
    underlined = re.finditer(r"^(\S[^\n]*)\n[=~'+-]{3,}$", text, re.MULTILINE)
    headings = sorted([*marked, *(Heading(1, m[1], m.start()) for m in underlined)], key=lambda heading: heading.start)
    parsed = ParsedDocument(
        title=title or identity,
        text=text,
        media_type="text/markdown",
        parser="test",
        headings=tuple(headings),
        links=links,
        authors=authors,
        fields=fields or {},
    )
    return LinkableDocument(identity, uri or f"{identity}.md", parsed)


def chunks_of(linked: LinkableDocument, size: int = 600) -> list[LinkableChunk]:
    """The text in pieces that end at line ends where they can."""
    text, start, chunks = linked.parsed.text, 0, []
    while start < len(text):
        end = min(len(text), start + size)
        line = text.rfind("\n", start + size // 2, end)
        end = line if end < len(text) and line > 0 else end
        chunks.append(LinkableChunk(f"{linked.id}@{start}", text[start:end], start))
        start = end
    return chunks


def proposals() -> list[LinkableDocument]:
    """The Python Enhancement Proposals that have text."""
    records = []
    for name in ("documents-1.jsonl.gz", "documents-2.jsonl.gz"):
        with gzip.open(labelled_data() / "decisions-peps" / name, "rt", encoding="utf-8") as lines:
            records += [json.loads(line) for line in lines]
    return [_proposal(record) for record in records if record["text"]]


def _proposal(record: dict[str, str]) -> LinkableDocument:
    head = record["text"].partition("\n\n")[0]
    found = re.finditer(r"^([A-Z][\w-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", head, re.MULTILINE)
    return document(
        record["id"],
        record["text"],
        uri=f"peps/pep-{int(record['number']):04}.rst",
        title=record["title"],
        authors=tuple(record["authors"].split(", ")),
        fields={match[1].lower(): match[2].strip() for match in found},
    )


def decision_records() -> list[LinkableDocument]:
    """A team's architecture decision records."""
    lines = (labelled_data() / "decisions-adr-govuk" / "documents.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [
        document(record["id"], record["text"], uri=f"docs/decisions/{record['file']}", title=record["title"])
        for record in records
    ]


def gold(name: str) -> set[tuple[str, str, str]]:
    """(source, relation, target) of a data set, ``superseded-by`` turned into ``supersedes``."""
    lines = (labelled_data() / name / "relations.tsv").read_text("utf-8").splitlines()[1:]
    relations = set()
    for source, relation, target in (line.split("\t") for line in lines):
        if relation == "superseded-by":
            relations.add((target, "supersedes", source))
        else:
            relations.add((source, {"replaces": "supersedes"}.get(relation, relation.replace("-", "_")), target))
    return relations
