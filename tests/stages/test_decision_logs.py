"""Two real decision logs through the real stages: what the ledger holds against the labels, status by status, pair by pair."""

import csv
import gzip
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.entity_extractors import open_extractor
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.documents import Status
from destiny_assets.stages.decisions import record_decisions
from destiny_assets.stages.entities import link_documents
from destiny_assets.stages.ingest import ingest_sources
from destiny_assets.stages.understand import chunk_documents
from tests.adapters.parsers.test_decision_logs import PEP_STATUS
from tests.stages.growing import Growth, Layers, Silence, growing

SHARED = Path(os.environ.get("DESTINY_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
needs_shared_data = pytest.mark.skipif(
    not SHARED.is_dir(),
    reason=f"NOT TESTED: the labelled data is not in {SHARED}; name its folder in DESTINY_SHARED_DATA",
)
Pair = tuple[str, str]


def labelled(name: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for path in sorted((SHARED / name).glob("documents*.jsonl*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        records += [json.loads(line) for line in data.splitlines()]
    return records


def relations(name: str) -> dict[str, set[Pair]]:
    """(source, target) pairs by relation, with "superseded-by" turned round where it says the same as "replaces"."""
    found: dict[str, set[Pair]] = {"supersedes": set(), "requires": set()}
    with (SHARED / name / "relations.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            match row["relation"]:
                case "replaces" | "supersedes":
                    found["supersedes"].add((row["source"], row["target"]))
                case "superseded-by":
                    found["supersedes"].add((row["target"], row["source"]))
                case "requires":
                    found["requires"].add((row["source"], row["target"]))
    return found


def decided(growth: Growth, *, chunked: bool = True) -> int:
    """The stages from documents to decisions, without the vectors and the graph; the generation built.

    Without chunks a reference has no place, but is the same: matching names in 18,000 chunks is not what is tested here.
    """
    ledger, project, silence, number = growth.layers.ledger, growth.project, Silence(), growth.open().number
    cache = growth.folder.parent / "cache"
    ingest_sources(ledger, growth.layers.originals, DocumentReader(), project, number, silence, cache, codes={})
    if chunked:
        chunk_documents(ledger, MiniLMTokenizer(), project, number, silence)
    link_documents(ledger, open_extractor("none"), project, number, silence)
    record_decisions(ledger, project, number, silence)
    return number


def referred(growth: Growth) -> dict[str, set[Pair]]:
    """(source uri, target uri or the target as written) pairs by relation, as the ledger has them."""
    with growth.layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select r.relation, s.uri as source, coalesce(t.uri, r.target) as target from reference r
               join document s on (s.project, s.id) = (r.project, r.source_document)
               left join document t on (t.project, t.id) = (r.project, r.target_document)
               where r.project = %s and r.relation in ('supersedes', 'superseded_by', 'requires')""",
            (growth.project,),
        ).fetchall()
    found: dict[str, set[Pair]] = {"supersedes": set(), "requires": set()}
    for row in rows:
        pair = (row["source"], row["target"])
        found["requires" if row["relation"] == "requires" else "supersedes"].add(
            (pair[1], pair[0]) if row["relation"] == "superseded_by" else pair
        )
    return found


def statuses(growth: Growth) -> dict[str, str]:
    with growth.layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select o.uri, v.status from document o join document_version v on (v.project, v.document_id) = (o.project, o.id)
               where o.project = %s""",
            (growth.project,),
        )
        return {row["uri"]: row["status"] for row in rows}


@pytest.fixture
def peps(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    documents = {f"{record['id']}.rst": record["text"] for record in labelled("decisions-peps") if record["text"]}
    with growing(layers, tmp_path / "peps", documents) as growth:
        yield growth


@pytest.fixture
def adrs(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    documents = {record["file"]: record["text"] for record in labelled("decisions-adr-govuk")}
    with growing(layers, tmp_path / "adr", documents, kind="decisions") as growth:
        yield growth


def named(found: Mapping[str, set[Pair]], spelled: Mapping[str, str]) -> dict[str, set[Pair]]:
    return {
        relation: {(spelled.get(source, source), spelled.get(target, target)) for source, target in pairs}
        for relation, pairs in found.items()
    }


@needs_shared_data
def test_703_peps_keep_their_status_and_every_relation(peps: Growth) -> None:
    records = {record["id"]: record for record in labelled("decisions-peps")}
    written = {id_ for id_, record in records.items() if record["text"]}
    number = decided(peps, chunked=False)
    assert statuses(peps) == {f"{id_}.rst": PEP_STATUS[records[id_]["status"]] for id_ in written}
    spelled = {f"{id_}.rst": id_ for id_ in records} | {
        f"PEP {record['number']}": id_ for id_, record in records.items()
    }
    said = relations("decisions-peps")
    # What only a document without a text says can't be known.
    with (SHARED / "decisions-peps" / "relations.tsv").open(encoding="utf-8") as file:
        sayable = [row for row in csv.DictReader(file, delimiter="\t") if row["source"] in written]
    turned = {"replaces": "supersedes", "superseded-by": "supersedes", "requires": "requires"}
    expected: dict[str, set[Pair]] = {"supersedes": set(), "requires": set()}
    for row in sayable:
        if kind := turned.get(row["relation"]):
            pair = (row["source"], row["target"])
            expected[kind].add((pair[1], pair[0]) if row["relation"] == "superseded-by" else pair)
    assert all(expected[kind] <= said[kind] for kind in expected)
    assert named(referred(peps), spelled) == expected
    decisions = peps.layers.ledger.decisions.shown(peps.project, number)
    assert len(decisions) == 703
    by_key = {decision.key: decision for decision in decisions}
    assert by_key["PEP 354"].superseded_by == ["PEP 435"]
    assert all(decision.agent and decision.decided_at for decision in decisions)
    assert len([decision for decision in decisions if decision.rationale]) > 670


@needs_shared_data
def test_38_records_of_govuk_keep_their_status_and_every_relation(adrs: Growth) -> None:
    records = labelled("decisions-adr-govuk")
    number = decided(adrs)
    expected = {
        "Accepted": Status.ACCEPTED,
        "Approved": Status.ACCEPTED,
        "Partly": Status.SUPERSEDED,
        "Pending": Status.DRAFT,
        "Proposed": Status.DRAFT,
        "Superseded": Status.SUPERSEDED,
    }
    assert statuses(adrs) == {record["file"]: expected[record["status"].split()[0]] for record in records}
    spelled = {record["file"]: record["id"] for record in records}
    assert named(referred(adrs), spelled) == relations("decisions-adr-govuk")
    decisions = adrs.layers.ledger.decisions.shown(adrs.project, number)
    assert len(decisions) == 38
    by_key = {decision.key[:4]: decision for decision in decisions}
    assert [key[:4] for key in by_key["0004"].superseded_by] == ["0015"]
    # 0033 says it supersedes 0003 and is still pending: 0003 calls itself superseded, and no decision in force did it.
    assert (by_key["0003"].status, by_key["0003"].superseded_by, by_key["0003"].holds) == ("superseded", [], False)
    assert all(decision.rationale and decision.decided_at for decision in decisions)
