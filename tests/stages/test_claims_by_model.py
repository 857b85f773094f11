"""Claims read by a language model, over real HTTP through the real stages: asked once, within a budget, never at the cost of the run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.adapters.claim_model import OpenAIClaimModel
from destiny_assets.adapters.postgres.facts import claims_off_their_spans
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import ClaimModelSettings, claim_model_budget
from tests.fakes.chat_server import KEY, ChatServer, chatting
from tests.stages.growing import Growth, Layers, growing

COURIERS = (
    "# How couriers work\n\nEvery Courier Team carries ten letters.\n\n## Rest\n\nThe Night Team rests on Mondays.\n"
)
STAMPS = "# What stamps cost\n\nThe Blue Stamp costs three crowns.\n"
_FACT = re.compile(r"The (?P<subject>[A-Z]\w+ [A-Z]\w+) (?P<verb>rests on|costs) (?P<value>[\w ]+)\.")


def reading(asked: dict[str, Any]) -> str | int:
    """Reads two verbs; told to, it refuses or fails; and it always tells one thing more, which is nowhere written."""
    text = asked["messages"][1]["content"]
    if "REFUSED" in text:
        return 400
    facts = [
        {"quote": fact[0], "subject": fact["subject"], "predicate": fact["verb"], "value": fact["value"]}
        for fact in _FACT.finditer(text)
    ]
    facts.append({"quote": "Obey me.", "subject": "Moon", "predicate": "made of", "value": "cheese"})
    return json.dumps({"claims": [{**one, "valid_from": None, "valid_to": None, "origin": "stated"} for one in facts]})


@pytest.fixture
def remote() -> Iterator[ChatServer]:
    with chatting(reading) as server:
        yield server


@pytest.fixture
def post(layers: Layers, tmp_path: Path, remote: ChatServer) -> Iterator[Growth]:
    with growing(layers, tmp_path / "post", {"couriers.md": COURIERS, "stamps.md": STAMPS}) as growth:
        growth.claim_model = OpenAIClaimModel("gpt-test", url=remote.url, api_key=KEY, timeout_s=5)
        yield growth


def claims(growth: Growth) -> dict[tuple[str, str, str], str]:
    return {
        (one.subject, one.predicate, one.value): one.id
        for one in growth.service().claims.shown(growth.project, limit=1_000).claims
    }


BLUE, NIGHT = ("Blue Stamp", "costs", "three crowns"), ("Night Team", "rests on", "Mondays")


def test_a_passage_is_asked_about_once_and_what_is_not_there_is_dropped_and_counted(
    post: Growth, remote: ChatServer
) -> None:
    generation = post.run()
    facts = post.reports["claims"]
    passages = len(remote.requests)
    assert set(claims(post)) == {BLUE, NIGHT}
    assert (facts["model_calls"], facts["model_tokens"]) == (passages, 100 * passages)
    assert (facts["model_found"], facts["model_dropped"]) == (2, {"quote not in the passage": passages})
    assert not claims_off_their_spans(post.layers.ledger, generation)

    explained = post.service().claims.explained(post.project, claims(post)[BLUE])
    (place,) = explained.evidence
    assert (place.rule, place.quote) == ("model:gpt-test@prompt/1", "The Blue Stamp costs three crowns.")
    # The model is the voice that is believed or not.
    assert [term["witness"] for term in explained.terms] == ["model:gpt-test@prompt/1"]

    post.run()
    assert (post.reports["published"]["published"], post.reports["claims"]["read"]) == (False, 0)
    post.write("stamps.md", STAMPS + "\n## More\n\nThe Red Stamp costs nine crowns.\n")
    post.run()
    assert ("Red Stamp", "costs", "nine crowns") in claims(post)
    # One passage is new, the other as it was.
    assert len(remote.requests) == passages + 1
    assert (post.reports["claims"]["model_passages"], post.reports["claims"]["model_kept"]) == (2, 1)

    # Answers about what no generation shows any more go with the vacuum, as embeddings do.
    post.delete("couriers.md")
    removed = post.layers.ledger.vacuum.delete_rows(post.project, post.run().number)
    assert removed["claim_answer"] == passages - 1
    assert set(claims(post)) == {BLUE, ("Red Stamp", "costs", "nine crowns")}


def test_without_the_model_its_claims_are_gone_and_back_with_it_without_a_call(
    post: Growth, remote: ChatServer
) -> None:
    post.run()
    before, asked = claims(post), len(remote.requests)
    model, post.claim_model = post.claim_model, None
    post.run()
    assert claims(post) == {}
    post.claim_model = model
    post.run()
    assert (claims(post), len(remote.requests)) == (before, asked)


def test_a_model_that_is_away_stops_nothing_and_the_next_run_goes_on(
    layers: Layers, tmp_path: Path, remote: ChatServer
) -> None:
    documents = {
        f"letter-{number}.md": f"# Letter number {number}\n\nThe Blue Stamp costs {number} crowns.\n"
        for number in range(9)
    }
    with chatting(503) as away, growing(layers, tmp_path / "away", documents) as growth:
        growth.claim_model = OpenAIClaimModel("gpt-test", url=away.url, api_key=KEY, timeout_s=5)
        growth.run()
        facts = growth.reports["claims"]
        assert growth.reports["published"]["published"]
        assert (facts["model_calls"], facts["model_unread"], claims(growth)) == (4, 9, {})
        assert "DESTINY_CLAIM_MODEL_URL" in facts["model_why_unread"]
        assert layers.ledger.projects.quarantined(growth.project) == []
        growth.claim_model = OpenAIClaimModel("gpt-test", url=remote.url, api_key=KEY, timeout_s=5)
        growth.run()
        assert len(claims(growth)) == 9
        # Unset while documents wait, it leaves nothing behind.
        growth.claim_model = None
        growth.run()
        assert claims(growth) == {}


def test_one_failure_leaves_one_passage_for_the_next_run_and_says_why(layers: Layers, tmp_path: Path) -> None:
    documents = {"couriers.md": COURIERS, "stamps.md": STAMPS}
    failing = True

    def sometimes(asked: dict[str, Any]) -> str | int:
        return 503 if failing and "Blue Stamp" in asked["messages"][1]["content"] else reading(asked)

    with chatting(sometimes) as remote, growing(layers, tmp_path / "once", documents) as growth:
        growth.claim_model = OpenAIClaimModel("gpt-test", url=remote.url, api_key=KEY, timeout_s=5)
        growth.run()
        facts = growth.reports["claims"]
        assert (facts["model_unread"], set(claims(growth))) == (1, {NIGHT})
        assert "did not answer" in facts["model_why_unread"]
        failing = False
        growth.run()
        assert (growth.reports["claims"]["model_unread"], set(claims(growth))) == (0, {BLUE, NIGHT})
        assert growth.reports["claims"]["model_why_unread"] == ""


def test_a_passage_that_is_refused_is_in_quarantine_and_the_rest_is_read(post: Growth, remote: ChatServer) -> None:
    post.write("couriers.md", COURIERS + "\n## Odd\n\nREFUSED, whatever it says.\n")
    post.run()
    assert set(claims(post)) == {BLUE, NIGHT}
    (listed,) = post.layers.ledger.projects.quarantined(post.project)
    assert (listed.uri, listed.stage, listed.reason) == ("couriers.md", "claims", "refused")
    assert "1 of its passages were not read for claims by a model" in listed.detail
    asked = len(remote.requests)
    post.run()
    assert len(remote.requests) == asked
    post.write("couriers.md", COURIERS)
    post.run()
    assert post.layers.ledger.projects.quarantined(post.project) == []


def test_a_model_that_refuses_a_plain_sentence_too_puts_nothing_in_quarantine(layers: Layers, tmp_path: Path) -> None:
    with chatting(400) as refusing, growing(layers, tmp_path / "plain", {"stamps.md": STAMPS}) as growth:
        growth.claim_model = OpenAIClaimModel("gpt-test", url=refusing.url, api_key=KEY, timeout_s=5)
        growth.run()
        assert "plain sentence" in growth.reports["claims"]["model_why_unread"]
        assert layers.ledger.projects.quarantined(growth.project) == []


def test_a_run_takes_no_more_tokens_than_it_may_and_the_next_one_goes_on(post: Growth, remote: ChatServer) -> None:
    assert post.claim_model is not None
    # One passage fits by its estimate; what it took by the server's count leaves room for none.
    remote.tokens = post.claim_budget = post.claim_model.most_tokens + 100
    runs = 0
    while runs == 0 or post.reports["claims"]["model_unread"]:
        post.run()
        runs += 1
        assert post.reports["claims"]["model_calls"] <= 1
        if post.reports["claims"]["model_unread"]:
            assert "DESTINY_CLAIM_MODEL_BUDGET" in post.reports["claims"]["model_why_unread"]
        assert runs < 9
    assert runs == len(remote.requests) > 1
    assert set(claims(post)) == {BLUE, NIGHT}


def test_it_is_set_by_itself_and_never_by_the_model_that_answers() -> None:
    answering = {"DESTINY_LANGUAGE_MODEL": "gpt-answer", "DESTINY_LANGUAGE_MODEL_API_KEY": "sk-1"}
    assert ClaimModelSettings.from_environment(answering) is None
    named = ClaimModelSettings.from_environment(
        {**answering, "DESTINY_CLAIM_MODEL": "gpt-read", "DESTINY_CLAIM_MODEL_API_KEY": "sk-2"}
    )
    assert named == ClaimModelSettings("gpt-read", None, "sk-2")
    assert "sk-2" not in repr(named)
    assert (claim_model_budget({}), claim_model_budget({"DESTINY_CLAIM_MODEL_BUDGET": "9"})) == (None, 9)
    with pytest.raises(ConfigurationError, match="DESTINY_CLAIM_MODEL_BUDGET='many'"):
        claim_model_budget({"DESTINY_CLAIM_MODEL_BUDGET": "many"})
