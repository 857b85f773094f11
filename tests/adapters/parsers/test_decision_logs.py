"""Two real decision logs: status and relations are recovered exactly from the documents' own text."""

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.documents import ParsedDocument, Relation, Status

PEP_STATUS = {
    "Accepted": Status.ACCEPTED,
    "Active": Status.ACTIVE,
    "April Fool!": Status.REJECTED,
    "Deferred": Status.DEFERRED,
    "Draft": Status.DRAFT,
    "Final": Status.FINAL,
    "Provisional": Status.ACCEPTED,
    "Rejected": Status.REJECTED,
    "Superseded": Status.SUPERSEDED,
    "Withdrawn": Status.WITHDRAWN,
}


def relations(path: Path) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line in path.read_text("utf-8").splitlines()[1:]:
        source, relation, target = line.split("\t")
        found[source].add((relation, target))
    return found


def stated(document: ParsedDocument) -> set[tuple[str, str]]:
    names = {
        Relation.SUPERSEDES: "replaces",
        Relation.SUPERSEDED_BY: "superseded-by",
        Relation.REQUIRES: "requires",
    }
    return {(names[link.relation], link.target) for link in document.links if link.relation in names}


def test_status_title_date_and_relations_of_703_peps_are_exact(shared_data: Path) -> None:
    folder = shared_data / "decisions-peps"
    expected = relations(folder / "relations.tsv")
    reader = DocumentReader()
    count = 0
    for part in (1, 2):
        with gzip.open(folder / f"documents-{part}.jsonl.gz", "rt", encoding="utf-8") as file:
            for record in map(json.loads, file):
                if record["text"]:
                    count += 1
                    check_pep(record, reader, expected[record["id"]])
    assert count == 703


def check_pep(record: dict[str, Any], reader: DocumentReader, expected: set[tuple[str, str]]) -> None:
    document = reader.parse(record["text"].encode(), uri=f"pep-{record['number']:04}.rst")
    assert document.text == record["text"]
    assert document.title == " ".join(record["title"].split())
    assert document.fields["status"] == record["status"]
    assert document.status is PEP_STATUS[record["status"]]
    assert document.created_at is not None
    assert document.created_at.strftime("%d-%b-%Y") == record["created"]
    assert stated(document) == {pair for pair in expected if pair[0] != "mentions"}, record["id"]
    targets = {link.target for link in document.links}
    assert {target for relation, target in expected if relation == "mentions"} <= targets


def test_status_date_and_relations_of_38_adrs_are_exact(shared_data: Path) -> None:
    folder = shared_data / "decisions-adr-govuk"
    expected = relations(folder / "relations.tsv")
    reader = DocumentReader()
    records = [json.loads(line) for line in (folder / "documents.jsonl").read_text("utf-8").splitlines()]
    assert len(records) == 38
    for record in records:
        document = reader.parse(record["text"].encode(), uri=record["file"])
        assert document.title == record["title"]
        assert document.created_at is not None
        assert document.created_at.date().isoformat() == record["date"]
        found = {(relation.replace("replaces", "supersedes"), target[:4]) for relation, target in stated(document)}
        assert found == {pair for pair in expected[record["id"]] if pair[0] != "links-to"}
        linked = {link.target[:4] for link in document.links if link.target.endswith(".md")}
        assert {target for relation, target in expected[record["id"]] if relation == "links-to"} <= linked
        first = record["status"].split()[0]
        assert (
            document.status
            is {
                "Accepted": Status.ACCEPTED,
                "Approved": Status.ACCEPTED,
                "Partly": Status.SUPERSEDED,
                "Pending": Status.DRAFT,
                "Proposed": Status.DRAFT,
                "Superseded": Status.SUPERSEDED,
            }[first]
        )
