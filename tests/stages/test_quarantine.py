"""Poison at every stage: the document is set aside with its reason, its last good version stays, the rest is published."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.postgres.projects import Quarantined
from destiny_assets.domain.documents import MAX_URI_BYTES
from destiny_assets.domain.linking.records import TermCandidate
from destiny_assets.errors import ModelError, RefusedTextError, UnreadableDocumentError
from destiny_assets.ports import TextKind, Vectors
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import DOCUMENTS, Growth

STAMPS, RAIN = "handbook/stamps.md", "notes/rain.txt"
POISON = "nightshade"
POISONED = DOCUMENTS[STAMPS] + f"\nThe glue of a stamp holds {POISON}.\n"


class FussyEmbedder(HashingEmbedder):
    """Refuses a batch for one word in it, as endpoints with a content filter do; `calls` counts its batches."""

    def __init__(self, name: str = "one", word: str = POISON) -> None:
        super().__init__(name)
        self._word = word
        self.calls = 0

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        self.calls += 1
        if any(self._word in text for text in texts):
            raise RefusedTextError("The model will have nothing to do with that.")
        return super().embed(texts, kind)


class FussyTokens(MiniLMTokenizer):
    """Raises what it was given for texts with the word."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def token_starts(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        if any(POISON in text for text in texts):
            raise self._error
        return super().token_starts(texts)


class FussyExtractor:
    def __init__(self, name: str = "fussy-1", word: str = POISON) -> None:
        self.name = name
        self._word = word

    def candidates(self, text: str) -> tuple[TermCandidate, ...]:
        if self._word in text:
            raise UnreadableDocumentError("broken", "The extractor lost its way.")
        return ()


def listed(growth: Growth) -> list[Quarantined]:
    return growth.layers.ledger.projects.quarantined(growth.project)


def told(growth: Growth) -> list[tuple[str, str, str, int]]:
    return [(item.uri, item.stage, item.reason, item.tries) for item in listed(growth)]


@pytest.fixture(params=["chunks", "embeddings"])
def poisoned(growth: Growth, request: pytest.FixtureRequest) -> tuple[Growth, str, str]:
    """A project of which one stage refuses one word: the project, the stage, the reason."""
    if request.param == "chunks":
        growth.tokens = FussyTokens(RecursionError("nested too deep"))
        return growth, "chunks", "defect"
    growth.embedder = FussyEmbedder()
    return growth, "embeddings", "refused"


def test_an_edit_that_a_stage_refuses_leaves_the_old_version_and_takes_all_other_changes(
    poisoned: tuple[Growth, str, str],
) -> None:
    growth, stage, reason = poisoned
    first = growth.run()
    before = {id_ for id_, text in growth.seen(first).items() if "three crowns" in text}
    growth.write(STAMPS, POISONED)
    growth.write(RAIN, "Rain is welcome in May.\n")
    second = growth.run()
    assert second.number == 2
    assert told(growth) == [(STAMPS, stage, reason, 1)]
    assert growth.uris(second) == set(DOCUMENTS)
    assert growth.text_of(STAMPS, second) == growth.text_of(STAMPS, first)
    assert before <= growth.seen(second).keys()
    assert growth.text_of(RAIN, second) == "Rain is welcome in May.\n"
    growth.require_agreement(first)


def test_it_is_not_tried_again_until_it_changes_and_then_it_is_released(poisoned: tuple[Growth, str, str]) -> None:
    growth, stage, reason = poisoned
    growth.run()
    growth.write(STAMPS, POISONED)
    again = growth.run()
    assert (again.number, growth.reports["published"]["published"]) == (1, False)
    calls = growth.embedder.usage.calls
    growth.run()
    assert told(growth) == [(STAMPS, stage, reason, 1)]
    assert (growth.reports["documents"]["read"], growth.embedder.usage.calls) == (0, calls)
    growth.write(STAMPS, POISONED + f"\nNow with more {POISON}.\n")
    growth.run()
    assert told(growth) == [(STAMPS, stage, reason, 2)]
    growth.write(STAMPS, POISONED.replace(POISON, "honey"))
    cured = growth.run()
    assert told(growth) == []
    assert "honey" in growth.text_of(STAMPS, cured)


def test_a_new_document_that_a_stage_refuses_is_not_there_and_going_back_or_away_releases_it(
    poisoned: tuple[Growth, str, str],
) -> None:
    growth, stage, reason = poisoned
    growth.write("new.md", POISONED)
    growth.write(STAMPS, POISONED)
    first = growth.run()
    assert growth.uris(first) == set(DOCUMENTS) - {STAMPS}
    assert told(growth) == [(STAMPS, stage, reason, 1), ("new.md", stage, reason, 1)]
    growth.delete("new.md")
    growth.write(STAMPS, DOCUMENTS[STAMPS])
    second = growth.run()
    assert growth.uris(second) == set(DOCUMENTS)
    assert told(growth) == []
    growth.write(STAMPS, POISONED)
    growth.run()
    assert told(growth) == [(STAMPS, stage, reason, 1)]
    growth.write(STAMPS, DOCUMENTS[STAMPS])
    growth.run()
    assert told(growth) == []


def test_a_run_killed_after_the_refusal_ends_as_one_that_was_not(poisoned: tuple[Growth, str, str]) -> None:
    growth, stage, reason = poisoned
    growth.run()
    growth.write(STAMPS, POISONED)
    growth.write(RAIN, "Rain is welcome in May.\n")
    growth.run(until=stage)
    second = growth.run()
    assert (second.number, growth.text_of(STAMPS, second)) == (2, DOCUMENTS[STAMPS])
    assert told(growth) == [(STAMPS, stage, reason, 1)]


def test_another_model_is_asked_again(growth: Growth) -> None:
    growth.embedder = FussyEmbedder()
    growth.run()
    growth.write(STAMPS, POISONED)
    growth.run()
    assert [item.stage for item in listed(growth)] == ["embeddings"]
    growth.embedder = FussyEmbedder("two", word="none of these")
    second = growth.run()
    assert listed(growth) == []
    assert POISON in growth.text_of(STAMPS, second)
    assert second.model_id == growth.embedder.model_id


def test_what_a_new_model_refuses_leaves_the_generation_of_that_model_and_stays_in_the_one_before(
    growth: Growth,
) -> None:
    growth.write(STAMPS, POISONED)
    first = growth.run()
    growth.embedder = FussyEmbedder("two")
    second = growth.run()
    assert growth.uris(second) == set(DOCUMENTS) - {STAMPS}
    assert growth.uris(first) == set(DOCUMENTS)
    assert told(growth) == [(STAMPS, "embeddings", "refused", 1)]
    third = growth.run()
    assert (third, growth.reports["documents"]["read"]) == (second, 0)


def test_a_model_that_refuses_everything_is_no_fault_of_the_documents(growth: Growth) -> None:
    growth.embedder = FussyEmbedder(word="e")
    with pytest.raises(ModelError, match="nothing to do with that"):
        growth.run()
    assert listed(growth) == []


def test_a_refused_text_costs_few_calls(growth: Growth) -> None:
    growth.embedder = embedder = FussyEmbedder()
    growth.write(STAMPS, POISONED)
    growth.run()
    chunks = growth.reports["chunks"]["total"]
    # Two a level of halving, the whole batch, a harmless sentence, and what is asked of every new model.
    assert embedder.calls <= 2 * chunks.bit_length() + 4


def test_a_document_that_cannot_be_read_for_links_is_found_all_the_same(growth: Growth) -> None:
    growth.extractor = FussyExtractor()
    growth.run()
    growth.write(STAMPS, POISONED)
    second = growth.run()
    assert told(growth) == [(STAMPS, "entities", "broken", 1)]
    hits = growth.service().search(growth.project, f"glue {POISON}", recipe="lexical").hits
    assert [hit.uri for hit in hits[:1]] == [STAMPS]
    growth.require_agreement(second)
    growth.run()
    assert told(growth) == [(STAMPS, "entities", "broken", 1)]
    growth.extractor = FussyExtractor("fussy-2", word="none of these")
    growth.run()
    assert listed(growth) == []


def test_an_error_in_the_code_stops_the_run_and_names_the_document(growth: Growth) -> None:
    first = growth.run()
    growth.tokens = FussyTokens(TypeError("'NoneType' object is not iterable"))
    growth.write(STAMPS, POISONED)
    with pytest.raises(TypeError) as raised:
        growth.run()
    assert any("batch" in note for note in raised.value.__notes__)
    assert listed(growth) == []
    assert growth.layers.ledger.generations.current(growth.project) == first


ODD = {
    "one-token.txt": "x" * 20_000_001,
    "long-token.txt": "x" * 200_000,
    "controls.md": "# \x01\x02 bell \x07\n\nA paragraph with \x1b[31m colours\x1b[0m and a \u202ereversal\u202c.\n",
    "emoji.md": "# 👩‍👩‍👧‍👦 family 🏳️‍🌈\n\nText with \U0001d518\U0001d52b\U0001d526 and \ufeff marks.\n",
    "title.md": f"# {'Endless title ' * 4_000}\n\nA body.\n",
    "name.md": f"# {' '.join(f'Word{number}' for number in range(3_000))}\n\nA body about {'Zed' * 2_000}.\n",
    "quotes.md": "> " * 5_000 + "deep\n",
    "lists.md": "\n".join("  " * depth + "- item" for depth in range(500)) + "\n",
    "brackets.md": "[" * 20_000 + "link" + "](x)" * 20_000 + "\n",
    "nested.html": "<div>" * 20_000 + "deep" + "</div>" * 20_000,
    "surrogates.html": "<html><title>&#xD800;</title><body><p>half &#xDC00; a pair</p></body></html>",
    "surrogates.ipynb": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "markdown", "metadata": {}, '
    '"source": ["# \\ud800 half"]}]}',
    "fence.md": "```\n" * 9_999 + "x\n",
    "table.md": "|" * 30_000 + "\n" + "|-" * 30_000 + "\n",
    "front.md": "---\n" + "a: &a [*a, *a]\n" * 50 + "---\n\nbody\n",
}


@pytest.mark.slow
def test_odd_documents_are_read_or_listed_and_the_layers_agree(growth: Growth) -> None:
    for name, text in ODD.items():
        growth.write(f"odd/{name}", text)
    published = growth.run()
    growth.require_agreement(published)
    there, aside = growth.uris(published), {item.uri for item in listed(growth)}
    assert set(DOCUMENTS) <= there
    assert there.isdisjoint(aside)
    assert {f"odd/{name}" for name in ODD} <= there | aside
    assert all(item.detail and item.tries == 1 for item in listed(growth))


def deep(bytes_: int) -> str:
    """A path of so many bytes that PostgreSQL can't compress."""
    digits = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(bytes_ // 64 + 1))
    folders = "/".join(digits[first : first + 200] for first in range(0, len(digits), 200))
    return folders[: bytes_ - len("/a.md")].rstrip("/").ljust(bytes_ - len("/a.md"), "x") + "/a.md"


def test_a_name_that_is_too_long_to_be_kept_is_set_aside_until_it_is_shorter(growth: Growth) -> None:
    kept, too_long = deep(MAX_URI_BYTES), deep(MAX_URI_BYTES + 1)
    growth.write(kept, DOCUMENTS[RAIN])
    growth.write(too_long, DOCUMENTS[STAMPS])
    first = growth.run()
    assert growth.uris(first) == {*DOCUMENTS, kept}
    ((uri, stage, reason, tries),) = told(growth)
    assert (stage, reason, tries) == ("documents", "huge", 1)
    assert uri != too_long
    assert too_long.startswith(uri[:400])
    growth.run()
    assert told(growth) == [(uri, stage, reason, 1)]
    growth.delete(too_long)
    growth.run()
    assert told(growth) == []
