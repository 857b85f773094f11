"""What every `ClaimExtractor` owes: claims at their exact spans, one result a document in the order given, the same every time."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from destiny_assets.adapters.claim_extractors import ModelExtractor, PatternExtractor
from destiny_assets.adapters.claim_model import OpenAIClaimModel
from destiny_assets.domain.chunks import text_sha256
from destiny_assets.domain.claims.told import Passage, Told
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.ports import ClaimExtractor, ReadableDocument
from tests.fakes.chat_server import KEY, chatting

PROSE = "Prices of the post\n\n**Owner:** Ada Brook\n\nThe Pigeon queue was created by Ada Brook. `retries` defaults to 3.\n"
_FACT = re.compile(r"(?P<subject>Pigeon queue|`retries`) (?P<said>was created by|defaults to) (?P<value>Ada Brook|3)")


def reading(asked: dict[str, Any]) -> str:
    """A model that reads two kinds of sentences rightly, and tells one thing that no passage says."""
    text = asked["messages"][1]["content"]
    found = [
        {"quote": fact[0], "subject": fact["subject"], "predicate": fact["said"], "value": fact["value"]}
        for fact in _FACT.finditer(text)
    ]
    found.append({"quote": "The moon is made of cheese.", "subject": "moon", "predicate": "matter", "value": "cheese"})
    return json.dumps({"claims": [{**one, "valid_from": None, "valid_to": None, "origin": "stated"} for one in found]})


class Remembered:
    def __init__(self) -> None:
        self.held: dict[bytes, Sequence[Told]] = {}

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, Sequence[Told]]:
        return {digest: self.held[digest] for digest in digests if digest in self.held}

    def keep(self, answers: Mapping[bytes, Sequence[Told]]) -> None:
        self.held |= answers


@pytest.fixture(params=["patterns", "model"])
def extractor(request: pytest.FixtureRequest) -> Iterator[ClaimExtractor]:
    if request.param == "patterns":
        yield PatternExtractor()
        return
    with chatting(reading) as remote:
        model = OpenAIClaimModel("gpt-test", url=remote.url, api_key=KEY, timeout_s=5)
        yield ModelExtractor(model, Remembered())


def readable(text: str, media_type: str = "text/markdown") -> ReadableDocument:
    parsed = ParsedDocument("Prices of the post", text, media_type, "test/1", authors=("Ben Cole",))
    half = text.find("\n\n") + 2
    passages = [
        Passage(bytes.fromhex(text_sha256(text[start:end])), "Prices of the post\n\n", text[start:end], start)
        for start, end in ((0, half), (half, len(text)))
        if text[start:end]
    ]
    return ReadableDocument("wiki", "prices.md", parsed, passages)


def test_every_claim_stands_at_a_span_of_its_document(extractor: ClaimExtractor) -> None:
    (extraction,) = extractor.extract([readable(PROSE)])
    assert {one.claim.value for one in extraction.found} >= {"Ada Brook", "3"}
    for one in extraction.found:
        start, end = one.statement.start, one.statement.end
        assert start is not None
        assert end is not None
        assert 0 <= start < end <= len(PROSE)
        assert one.claim.value in PROSE[start:end]
        assert (one.witness, bool(one.statement.rule), bool(one.claim.subject)) == ("Ben Cole", True, True)
    places = [(one.claim.id, one.statement.start) for one in extraction.found]
    assert len(set(places)) == len(places)
    assert (extraction.refused, extraction.unread) == ((), 0) or (extraction.refused, extraction.unread) == ([], 0)


def test_the_same_document_states_the_same_again(extractor: ClaimExtractor) -> None:
    first, again = extractor.extract([readable(PROSE), readable(PROSE)])
    assert first == again
    assert extractor.extract([readable(PROSE)]) == [first]


def test_results_come_in_the_order_of_the_documents(extractor: ClaimExtractor) -> None:
    empty, full, code = extractor.extract([readable(" "), readable(PROSE), readable(PROSE, "text/x-python")])
    assert (list(empty.found), bool(full.found), list(code.found)) == ([], True, [])
    assert extractor.extract([]) == []
    assert extractor.name
