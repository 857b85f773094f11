"""A project at a glance, claims with their labels, and benchmarks over generations, through the API."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.serving.api.opened import Opened
from tests.serving.api.port import HOLIDAYS, growing_port
from tests.stages.growing import Growth, Layers


@pytest.fixture(scope="module")
def port(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing_port(layers, tmp_path_factory.mktemp("port")) as growth:
        yield growth


@pytest.fixture(scope="module")
def curator(opened: Opened, port: Growth) -> Iterator[httpx.Client]:
    with opened.client(f"{port.project}=curator") as client:
        client.base_url = httpx.URL(f"{opened.url}/v1/projects/{port.project}/")
        yield client


def label(client: httpx.Client, claim: str, verdict: bool) -> httpx.Response:
    return client.post("labels", json={"labels": [{"claim": claim, "verdict": verdict}]})


class TestClaims:
    def test_contested_ones_are_listed_page_by_page_in_one_generation(self, curator: httpx.Client) -> None:
        whole = curator.get("claims", params={"contested": True}).json()
        assert whole["generation"] == 3
        assert {(one["subject"], one["value"]) for one in whole["items"]} == {
            *(("harbour", "9 fathoms"), ("harbour", "7 fathoms"), ("ferry", "red"), ("ferry", "blue"))
        }
        found: list[Any] = []
        cursor = None
        while not found or cursor:
            page = curator.get(
                "claims", params={"contested": True, "limit": 3, **({"cursor": cursor} if cursor else {})}
            ).json()
            found += page["items"]
            cursor = page["next_cursor"]
        assert found == whole["items"]
        named = curator.get("claims", params={"subject": "ARBOU", "predicate": "depth"}).json()["items"]
        assert [one["value"] for one in named] == ["9 fathoms", "7 fathoms"]
        assert named[0]["witnesses"] == ["a", "b"]
        assert curator.get("claims", params={"subject": "mole", "contested": True}).json()["items"] == []

    def test_one_is_explained_with_its_rivals_and_evidence(self, curator: httpx.Client) -> None:
        claim = curator.get("claims", params={"subject": "harbour"}).json()["items"][0]
        told = curator.get(f"claims/{claim['id']}").json()
        assert sum(term["log_odds"] for term in told["terms"]) == pytest.approx(told["log_odds"])
        assert [rival["value"] for rival in told["against"]] == ["7 fathoms"]
        assert {place["witness"] for place in told["evidence"]} == {"a", "b"}
        assert told["would_change"]
        assert curator.get("claims/00000000-0000-0000-0000-000000000000").status_code == 404

    def test_what_is_worth_a_label_is_what_is_open(self, curator: httpx.Client) -> None:
        slots = curator.get("labels/suggestions").json()["slots"]
        assert {slot["subject"] for slot in slots} == {"harbour", "ferry"}
        assert slots == sorted(slots, key=lambda slot: -slot["gain"])

    def test_a_label_is_kept_told_and_noted_and_another_takes_its_place(
        self, port: Growth, curator: httpx.Client
    ) -> None:
        red = curator.get("claims", params={"subject": "ferry"}).json()["items"][0]["id"]
        assert label(curator, red, True).json() == {"project": port.project, "claims": 1, "changed": 1, "unknown": []}
        assert label(curator, red, True).json()["changed"] == 0
        assert label(curator, red, False).json()["changed"] == 1
        (said,) = curator.get("labels").json()["items"]
        assert (said["claim"], said["verdict"]) == (red, False)
        assert port.layers.ledger.beliefs.labels(port.project) == {red: False}
        noted = port.layers.ledger.audit.page(project=port.project, before=None, limit=3)
        assert [event.action for event in noted] == ["claims.label"] * 3
        assert dict(noted[0].detail)["labels"] == {red: False}
        harbour = [one["id"] for one in curator.get("claims", params={"subject": "harbour"}).json()["items"]]
        both = {"labels": [{"claim": id_, "verdict": number == 0} for number, id_ in enumerate(harbour)]}
        assert curator.post("labels", json=both).json()["changed"] == 2
        first = curator.get("labels", params={"limit": 2}).json()
        rest = curator.get("labels", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        assert [one["claim"] for one in (*first["items"], *rest["items"])] == [*sorted(harbour), red]
        assert rest["next_cursor"] is None
        # They count from the next generation on.
        assert curator.get(f"claims/{red}").json()["label"] is None
        port.write("notes/rain.txt", "Wet letters are thrown away.\n")
        port.run()
        assert curator.get(f"claims/{red}").json()["label"] is False
        assert curator.get(f"claims/{red}", params={"generation": 3}).json()["label"] is None
        # And one that is taken back until the next generation.
        assert curator.delete(f"labels/{red}").json() == {
            "project": port.project,
            "claims": 1,
            "changed": 1,
            "unknown": [],
        }
        assert curator.delete(f"labels/{red}").status_code == 404
        assert port.layers.ledger.beliefs.labels_not_counted(port.project, 4) == {red: None}
        noted = port.layers.ledger.audit.page(project=port.project, before=None, limit=3)
        assert [
            (event.action, dict(event.detail).get("claim")) for event in noted if "refused" not in event.action
        ] == [("claims.take_label_back", red)] * 2
        assert curator.get(f"claims/{red}").json()["label"] is False
        port.write("notes/rain.txt", "Wet letters are dried again.\n")
        port.run()
        assert curator.get(f"claims/{red}").json()["label"] is None
        assert port.layers.ledger.beliefs.labels_not_counted(port.project, 5) == {}

    def test_labels_are_for_curators_and_of_claims_there_are(self, opened: Opened, port: Growth) -> None:
        nowhere = "00000000-0000-0000-0000-000000000000"
        at = f"/v1/projects/{port.project}"
        for role, status in (("client", 403), ("contributor", 403), ("curator", 404)):
            with opened.client(f"{port.project}={role}") as client:
                body = {"labels": [{"claim": nowhere, "verdict": True}]}
                assert client.post(f"{at}/labels", json=body).status_code == status
                assert client.get(f"{at}/claims").status_code == 200
                for wrong in ({}, {"labels": []}, {"labels": [{"claim": "x", "verdict": True}]}):
                    assert client.post(f"{at}/labels", json=wrong).status_code in (403, 422)
                assert client.delete(f"{at}/labels/{nowhere}").status_code == status

    @pytest.mark.parametrize("path", ["claims", "labels"])
    def test_a_cursor_of_another_list_is_refused(self, curator: httpx.Client, path: str) -> None:
        for cursor in ("WzEsIngiXQ", "WzEsIngiLCJ5Il0", "WzEsIi0xIl0"):
            assert curator.get(path, params={"cursor": cursor}).status_code == 400


class TestOverview:
    def test_a_report_is_the_projects_own(self, curator: httpx.Client, port: Growth) -> None:
        report = curator.get("report").json()
        assert (report["project"], report["counts"]["documents"]) == (port.project, 11)
        assert [point["generation"] for point in report["growth"]][:3] == [1, 2, 3]
        assert [layer["name"] for layer in report["layers"]] == ["documents", "ledger", "vectors", "graph"]

    def test_runs_tell_what_came_of_them(self, curator: httpx.Client, port: Growth) -> None:
        generations = port.layers.ledger.generations
        ran = {
            "run-a": ("published_generation", {"seconds": 0.5, "published": True, "reason": "well"}),
            "run-b": ("published_generation", {"seconds": 0.5, "published": False, "reason": "nothing changed"}),
            "run-c": ("chunks", {"seconds": 2.5}),
        }
        for run, (stage, facts) in ran.items():
            generations.report(port.project, 9, "documents", run, {"seconds": 1.25, "added": 1})
            generations.report(port.project, 9, stage, run, facts)
        found = curator.get("runs", params={"limit": 3}).json()["items"]
        assert [(one["id"], one["state"], one["reason"]) for one in found] == [
            ("run-c", "unfinished", None),
            ("run-b", "unchanged", "nothing changed"),
            ("run-a", "published", "well"),
        ]
        assert list(found[0]["seconds"].items()) == [("documents", 1.25), ("chunks", 2.5)]

    def test_choices_are_what_the_generations_documents_have(self, curator: httpx.Client) -> None:
        found = curator.get("choices", params={"generation": 1}).json()
        assert found["sources"] == [
            {"value": "folder", "documents": 10, "kind": "files"},
            {"value": "said", "documents": 1, "kind": "claims"},
        ]
        assert {"value": "Ada Brook", "documents": 2, "kind": ""} in found["authors"]
        assert {one["value"] for one in found["statuses"]} == {"accepted", "superseded"}
        assert len(curator.get("choices", params={"most": 1}).json()["sources"]) == 1

    def test_only_who_may_inspect_sees_how_it_came_about(self, opened: Opened, port: Growth) -> None:
        with opened.client(f"{port.project}=client") as client:
            at = f"/v1/projects/{port.project}"
            for path in ("report", "runs", "benchmarks/curves"):
                assert client.get(f"{at}/{path}").status_code == 403
            assert client.get(f"{at}/choices").status_code == 200


class TestBenchmarks:
    def test_a_curve_has_an_interval_around_each_mean(self, curator: httpx.Client) -> None:
        found = curator.get("benchmarks/curves", params={"metric": "recall@10"}).json()
        assert found["metrics"] == ["recall@10"]
        (lexical,) = found["curves"]
        assert [(point["generation"], point["questions"]) for point in lexical["points"]] == [(1, 3), (2, 3), (3, 3)]
        assert [point["mean"] for point in lexical["points"]] == pytest.approx([2 / 3, 1 / 3, 1 / 3])
        for point in lexical["points"]:
            assert 0 <= point["low"] < point["mean"] < point["high"] <= 1
        assert curator.get("benchmarks/curves", params={"metric": "none"}).json()["curves"] == []

    def test_a_comparison_names_the_question_that_broke(self, curator: httpx.Client) -> None:
        asked = {"suite": "golden", "recipe": "lexical", "metric": "recall@10", "before": 1, "after": 2}
        found = curator.get("benchmarks/comparison", params=asked).json()
        assert found["asked"] == 3
        assert found["change"]["mean"] == pytest.approx(-1 / 3)
        (broken,) = found["questions"]
        assert (broken["question"], broken["before"], broken["now"]) == ("q3", 1.0, 0.0)
        assert HOLIDAYS in broken["found_before"]
        same = curator.get("benchmarks/comparison", params={**asked, "before": 2, "after": 3}).json()
        assert same["questions"] == []
        for wrong in ({"recipe": "none"}, {"metric": "none"}, {"after": 99}):
            assert curator.get("benchmarks/comparison", params={**asked, **wrong}).status_code == 404
