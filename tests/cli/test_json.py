"""The JSON documents that agents read: the keys of the design, true values, one document on standard output."""

import secrets
from pathlib import Path

import pytest

from tests.cli.conftest import Destiny
from tests.stages.growing import DOCUMENTS, Growth

QUESTION = "what does a stamp cost abroad"


def test_search_lists_hits_with_exact_spans(destiny: Destiny, grown: Growth) -> None:
    said = destiny("search", grown.project, QUESTION, "--k", "3", "--json")
    assert (said.code, said.err) == (0, "")
    found = said.document
    assert found.keys() >= {"project", "generation", "recipe", "latency_ms", "degraded", "hits"}
    assert (found["project"], found["generation"], found["recipe"], found["degraded"]) == (
        grown.project,
        2,
        "hybrid",
        [],
    )
    assert len(found["hits"]) == 3
    current = grown.layers.ledger.generations.number(grown.project, 2)
    for hit in found["hits"]:
        assert hit.keys() >= {"chunk_id", "document", "uri", "heading", "text", "span", "score", "trust"}
        assert grown.text_of(hit["uri"], current)[slice(*hit["span"])] == hit["text"]
        assert 0 < hit["trust"] < 1
    assert found["hits"][0]["uri"] == "handbook/stamps.md"


def test_search_takes_a_recipe_a_time_and_a_least_trust(destiny: Destiny, grown: Growth) -> None:
    first = grown.layers.ledger.generations.number(grown.project, 1).published_at
    assert first is not None
    old = destiny(
        "search", grown.project, "wet letters stove", "--as-of", first.isoformat(), "--recipe", "lexical", "--json"
    )
    assert (old.document["generation"], old.document["recipe"]) == (1, "lexical")
    assert old.document["hits"][0]["uri"] == "notes/rain.txt"
    trusted = destiny(
        "search", grown.project, "letters", "--min-trust", "0.6", "--recipe", "lexical", "--json"
    ).document
    assert trusted["withheld"] > 0
    assert all(hit["trust"] >= 0.6 for hit in trusted["hits"])


def test_ask_answers_with_citations(destiny: Destiny, grown: Growth) -> None:
    answer = destiny("ask", grown.project, QUESTION, "--json").document
    assert answer.keys() >= {"project", "generation", "question", "answer", "method", "citations", "latency_ms"}
    current = grown.layers.ledger.generations.number(grown.project, 2)
    assert "nine crowns abroad" in answer["answer"]
    for citation in answer["citations"]:
        assert grown.text_of(citation["uri"], current)[slice(*citation["span"])] == citation["quote"]


def test_a_refusal_names_what_was_looked_for_and_what_came_nearest(destiny: Destiny, grown: Growth) -> None:
    question = "Which emperor forged the seal of Zanzibar?"
    answer = destiny("ask", grown.project, question, "--json").document
    assert (answer["refused"], answer["citations"]) == (True, [])
    assert answer["nearest"]
    told = destiny("ask", grown.project, question).out
    assert "Nothing in this project answers that." in told
    assert f"Looked for: {', '.join(answer['looked_for'])}; none of the nearest passages says: " in told
    assert told.count("Nearest: ") == len(answer["nearest"])


def test_decisions_are_listed_with_what_replaced_them(destiny: Destiny, grown: Growth) -> None:
    found = destiny("decisions", grown.project, "--json").document
    assert found.keys() >= {"project", "generation", "decisions", "withheld"}
    assert [decision["key"] for decision in found["decisions"]] == ["adr-007-stream"]
    assert found["withheld"] == 1
    everything = destiny("decisions", grown.project, "--all", "--json").document["decisions"]
    replaced = {decision["key"]: (decision["status"], decision["superseded_by"]) for decision in everything}
    assert replaced == {
        "adr-007-stream": ("accepted", []),
        "adr-001-queue": ("superseded", ["adr-007-stream"]),
    }
    assert destiny("decisions", grown.project, "--agent", "nobody", "--all", "--json").document["decisions"] == []
    assert destiny("decisions", grown.project, "--min-importance", "0.9", "--json").document["decisions"] == []
    shown = destiny("decisions", grown.project, "--all").out
    assert "superseded by adr-007-stream" in shown


def test_trust_is_explained_term_by_term(destiny: Destiny, grown: Growth) -> None:
    found = destiny("trust", "explain", grown.project, "adr-001-queue.md", "--json").document
    assert found.keys() >= {"project", "generation", "item", "kind", "label", "p", "log_odds", "terms", "model"}
    assert sum(term["log_odds"] for term in found["terms"]) == pytest.approx(found["log_odds"])
    assert any("superseded by Use a stream for letters" in term["why"] for term in found["terms"])


def test_generations_are_listed_newest_first(destiny: Destiny, grown: Growth) -> None:
    found = destiny("generations", grown.project, "--json").document
    assert [(g["number"], g["state"], g["current"]) for g in found["generations"]] == [
        (2, "published", True),
        (1, "published", False),
    ]
    assert found["generations"][0]["facts"]["documents"] == len(DOCUMENTS) - 1


def test_rollback_changes_what_readers_see_and_back(destiny: Destiny, grown: Growth) -> None:
    try:
        assert destiny("rollback", grown.project, "1", "--json").document["number"] == 1
        assert destiny("search", grown.project, "stove", "--recipe", "lexical", "--json").document["generation"] == 1
    finally:
        assert destiny("rollback", grown.project, "2", "--json").code == 0


def test_doctor_reports_layers_agreement_and_quarantine(destiny: Destiny, grown: Growth) -> None:
    said = destiny("doctor", grown.project, "--json")
    found = said.document
    assert (said.code, found["ok"]) == (0, True)
    assert set(found["layers"]) == {"documents", "ledger", "vectors", "graph"}
    assert all(layer.keys() >= {"ok", "count", "detail"} for layer in found["layers"].values())
    assert set(found["agreement"]) >= {"missing", "extra", "stale"}
    (item,) = found["quarantined"]
    assert item.keys() >= {"document", "stage", "reason", "tries"}
    assert (item["document"], item["reason"]) == ("empty.md", "empty")


def test_doctor_without_a_project_reports_all(destiny: Destiny, grown: Growth) -> None:
    found = destiny("doctor", "--json").document
    assert grown.project in {diagnosis["project"] for diagnosis in found["projects"]}


def test_projects_and_sources_come_and_go(destiny: Destiny, tmp_path: Path) -> None:
    name = f"cli-{secrets.token_hex(4)}"
    (tmp_path / "wiki").mkdir()
    (tmp_path / "wiki" / "a.md").write_text("# A\n\nText.\n")
    try:
        assert destiny("project", "add", name, "--json").document == {"project": name, "created": True}
        assert destiny("project", "add", name, "--json").document == {"project": name, "created": False}
        assert name in {row["project"] for row in destiny("project", "list", "--json").document["projects"]}
        added = destiny(
            "source",
            "add",
            name,
            "files",
            str(tmp_path / "wiki"),
            "--prior",
            "0.8",
            "--option",
            "include=*.md",
            "--json",
        ).document
        assert (added["project"], added["files"]) == (name, 1)
        source = {
            "name": "wiki",
            "kind": "files",
            "uri": str(tmp_path / "wiki"),
            "options": {"include": "*.md"},
            "prior": 0.8,
        }
        assert destiny("source", "list", name, "--json").document == {"project": name, "sources": [source]}
        assert destiny("source", "remove", name, "wiki", "--json").document == {"project": name, "removed": "wiki"}
        assert destiny("source", "list", name, "--json").document["sources"] == []
    finally:
        removed = destiny("project", "remove", name, "--yes", "--json").document
    assert removed["project"] == name
    assert removed["removed"]["ledger"] == 1


def test_questions_are_attached_by_folder(destiny: Destiny, grown: Growth, tmp_path: Path) -> None:
    folder = tmp_path / "golden"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "1", "text": "what does a stamp cost"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\thandbook/stamps.md\t1\n")
    said = destiny("project", "questions", grown.project, str(folder), "--json").document
    assert said == {"project": grown.project, "suite": "golden", "questions": 1}


def test_status_lists_the_servers_without_secrets(destiny: Destiny) -> None:
    said = destiny("status", "--json")
    assert said.code == 0
    assert {(server["name"], server["state"]) for server in said.document["servers"]} == {
        (server["name"], "running") for server in said.document["servers"]
    }
    assert len(said.document["servers"]) == 3


def test_up_shows_addresses_without_secrets(destiny: Destiny) -> None:
    said = destiny("up", "--json")
    assert said.code == 0
    assert set(said.document["urls"]) >= {"DESTINY_POSTGRES_URL", "DESTINY_QDRANT_URL", "DESTINY_NEO4J_URL"}
    assert "@" not in said.out


@pytest.mark.parametrize(
    "arguments",
    [("search", "{}", QUESTION), ("ask", "{}", QUESTION), ("trust", "explain", "{}", "handbook/stamps.md"),
     ("generations", "{}"), ("doctor", "{}"), ("source", "list", "{}"), ("project", "list")],
)  # fmt: skip
def test_without_json_people_get_text(destiny: Destiny, grown: Growth, arguments: tuple[str, ...]) -> None:
    said = destiny(*(argument.format(grown.project) for argument in arguments))
    assert (said.code, said.err) == (0, "")
    assert said.out.strip()
    assert not said.out.lstrip().startswith("{")


def test_backup_says_what_it_saved_and_restore_refuses_a_home_in_use(
    destiny: Destiny, grown: Growth, tmp_path: Path
) -> None:
    said = destiny("backup", str(tmp_path / "backups"), "--json")
    assert (said.code, said.err) == (0, "")
    made = said.document
    assert made.keys() >= {"backup", "made_at", "seconds", "ledger", "originals", "projects", "removed"}
    assert made["projects"][grown.project]["generation"] == 2
    assert (made["originals"]["missing"], made["ledger"]["rows"] > 100) == ([], True)
    refused = destiny("restore", str(tmp_path / "backups"), "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "--replace" in refused.err
