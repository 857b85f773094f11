"""Relations that sentences state in set phrases, between mentions of one document. Who is meant by a name is `mentions`' business.

Relations bear the English names of Wikidata's properties, the vocabulary most others use.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from destiny_assets.domain.extraction.mentions import Mention, MentionKind


@dataclass(frozen=True, slots=True)
class Related:
    """Two mentions, by their places in a document's list, and what the first is to the second."""

    head: int
    relation: str
    tail: int


_NAME, _TIME = MentionKind.NAME, MentionKind.TIME
_AREAS = "town|city|village|municipality|district|province|county|region|commune|station|river"
# What stands right before the tail, its kind, and the relation of the sentence's subject to it.
_PHRASES: tuple[tuple[re.Pattern[str], MentionKind, str], ...] = tuple(
    (re.compile(rf"(?:{phrase}) (?:the |a |an |\" ?)*\Z", re.IGNORECASE), kind, relation)
    for phrase, kind, relation in (
        (r"\bborn(?: on| in)?|\bb\.", _TIME, "date of birth"),
        (r"\bdied(?: on| in)?|\bd\.", _TIME, "date of death"),
        (r"\bborn[^.;]{0,40} (?:in|at)", _NAME, "place of birth"),
        (r"\bdied[^.;]{0,40} (?:in|at)", _NAME, "place of death"),
        (r"\b(?:released|published|issued|aired|premiered)(?: \w+){0,2} (?:on|in)", _TIME, "publication date"),
        (r"\b(?:founded|established|formed|created|incorporated)(?: \w+)? (?:on|in)", _TIME, "inception"),
        (r"\bdirected by|\bdirector", _NAME, "director"),
        (r"\b(?:written|authored) by", _NAME, "author"),
        (r"\bproduced by", _NAME, "producer"),
        (r"\b(?:composed|music) by", _NAME, "composer"),
        (r"\bdeveloped by|\bdeveloper", _NAME, "developer"),
        (r"\b(?:founded|established) by|\bfounder", _NAME, "founded by"),
        (r"\bcreated by", _NAME, "creator"),
        (r"\bpublished by", _NAME, "publisher"),
        (r"\bowned by", _NAME, "owned by"),
        (r"\b(?:song|album|single|ep|recorded|performed)(?: released)? by(?: \w+){0,4}", _NAME, "performer"),
        (r"\b(?:starring|stars)", _NAME, "cast member"),
        (r"\b(?:educated at|attended|graduated from|studied at|alumnus of)", _NAME, "educated at"),
        (r"\bmembers? of", _NAME, "member of"),
        (r"\b(?:married(?: to)?|wife of|husband of)", _NAME, "spouse"),
        (r"\b(?:son|daughter) of", _NAME, "father"),
        (r"\b(?:brother|sister) of", _NAME, "sibling"),
        (r"\bcapital(?: city)? of", _NAME, "capital of"),
        (r"\btributary of", _NAME, "mouth of the watercourse"),
        (r"\b(?:headquartered|based) in", _NAME, "headquarters location"),
        (r"\b(?:located|situated) in|\bis in", _NAME, "located in the administrative territorial entity"),
        (rf"\b(?:{_AREAS}) (?:in|of)", _NAME, "located in the administrative territorial entity"),
        (r"\bsubsidiary of|\bdivision of", _NAME, "parent organization"),
        (r"\bpart of", _NAME, "part of"),
    )
)
_LIFE = re.compile(r"\(\s*(?:born )?\Z")
_UNTIL = re.compile(r"\s*[-–—]\s*\Z")  # noqa: RUF001 - as typesetters write from-to
_IS_A = re.compile(r"\b(?:is|was) (?:a|an|the) (?:\w+ )?\Z")
_WITHIN = re.compile(r"\s?, \Z")
_PLACE = re.compile(r"\b(?:in|at|near|of|from|to) (?:the )?\Z")
_LISTED = re.compile(r"\s?,(?: and)? |\s?and \Z")
_PRONOUN = re.compile(r"[\"'( ]*(?:he|she|it|they|his|her|its|their|the|this)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s+(?=[\"'(\[]*[^\W\d_a-z])")
# What follows for the tail; a work is said to be notable for whoever is named as having made it.
_INVERSE = {
    "spouse": "spouse",
    "sibling": "sibling",
    "father": "child",
    "part of": "has part",
    "capital of": "capital",
    **dict.fromkeys(("author", "composer", "creator", "director", "performer"), "notable work"),
    "parent organization": "subsidiary",
    "located in the administrative territorial entity": "contains administrative territorial entity",
}
_CITIZEN, _COUNTRY = "country of citizenship", "country"
_ADMINISTRATIVE = "located in the administrative territorial entity"
_BETWEEN = 60


def find_relations(text: str, mentions: Sequence[Mention]) -> list[Related]:
    """What the sentences of a text say of its `mentions` (in order), each statement once."""
    found: dict[Related, None] = {}
    topic = next((place for place, mention in enumerate(mentions) if mention.kind is _NAME), None)
    for start, end in _sentences(text):
        here = [place for place, mention in enumerate(mentions) if start <= mention.start and mention.end <= end]
        names = [place for place in here if mentions[place].kind is _NAME]
        if not here or topic is None:
            continue
        subject = topic if _PRONOUN.match(text, start) or not names else names[0]
        for related in _in_sentence(text, start, mentions, here, subject):
            if related.head != related.tail:
                found[related] = None
                if related.relation in _INVERSE:
                    found[Related(related.tail, _INVERSE[related.relation], related.head)] = None
    return list(found)


def _in_sentence(
    text: str, start: int, mentions: Sequence[Mention], here: list[int], subject: int
) -> Iterator[Related]:
    listed: str | None = None
    chain: list[int] = []
    person = False
    for number, place in enumerate(here):
        mention = mentions[place]
        before = text[max(start, mention.start - _BETWEEN) : mention.start]
        gap = text[mentions[here[number - 1]].end : mention.start] if number else before
        told = next(
            (relation for phrase, kind, relation in _PHRASES if kind is mention.kind and phrase.search(before)), None
        )
        if (
            told is None
            and listed is not None
            and mention.kind is _NAME
            and _LISTED.fullmatch(gap)
            and listed == "cast member"
        ):
            told = listed
        listed = told
        if told is not None:
            yield Related(subject, told, place)
        if mention.kind is _TIME and number and here[number - 1] == subject and _LIFE.search(gap):
            person = True
            yield Related(subject, "date of birth", place)
        elif mention.kind is _TIME and person and number == 2 and _UNTIL.fullmatch(gap):
            yield Related(subject, "date of death", place)
        person = person or told in ("date of birth", "place of birth")
        if mention.kind is not _NAME:
            chain = []
            continue
        if place != subject and _IS_A.search(gap):
            yield Related(subject, _CITIZEN if person else _COUNTRY, place)
        if chain and _WITHIN.fullmatch(gap):
            yield from (Related(inner, _ADMINISTRATIVE, place) for inner in chain)
            yield Related(chain[0], _COUNTRY, place)
            chain.append(place)
        else:
            chain = [place] if _PLACE.search(before) else []


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _SENTENCE_END.finditer(text):
        yield start, found.start() + 1
        start = found.end()
    if start < len(text):
        yield start, len(text)
