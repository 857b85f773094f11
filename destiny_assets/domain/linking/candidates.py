"""Which terms one document suggests, from its structure and from the shape of its words. No corpus statistics here."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.linking.names import (
    CALENDAR_WORDS,
    STOP_WORDS,
    EntityKind,
    file_names,
    identifier_shape,
    is_informative,
)
from destiny_assets.domain.linking.records import TermCandidate
from destiny_assets.domain.transcripts import TRANSCRIPT

_LONGEST = 60
# Each pattern begins with the characters it can start at, and looks behind after them: that lets the engine skip to
# those characters, 4 times faster over prose than a pattern that begins with a look-behind.
_WORD = re.compile(r"[A-Za-z_][\w.]*\w(?:-\d+)?")
_LITERAL = re.compile(r"`(?<![`\w]`)(`?)([^`\n]{2,60})`\1(?![`\w])")
_STRONG = re.compile(r"\*(?<![*\w]\*)\*([^*\n]{3,60})\*\*(?![*\w])")
_IS_A = re.compile(r" (?:is|are) (?:an?|the) ")
_DEFINED = re.compile(r"(?:^|[.!?] |\n)(?:An? |The )?(?P<term>[A-Z][\w-]*(?: [\w-]+){1,3})\Z")
_DEFINITION_LIST = re.compile(
    r"^(?P<term>[^\W\d_][^\n:.`*]{2,50})\n(?::[ \t]+\S|[ \t]{2,}[A-Z][a-z]+ [a-z])", re.MULTILINE
)
_NAME = re.compile(
    r"[A-Z](?<![\w.`'\"/=(].)[a-zà-ž]+(?:-[A-Z]?[a-zà-ž]+)*"
    r"(?:(?: (?:of|de|van|von|der|da|the|and) | )[A-Z][a-zà-ž]+(?:-[A-Z][a-zà-ž]+)*){0,3}(?![\w:=(])"
)
_WITHIN_SENTENCE = re.compile(r"[a-z0-9,;(] ?\Z")
_NUMBERING = re.compile(r"^(?:[\dIVX]+[.)]|[\d.]+|[A-Z][.)]|(?:Appendix|Chapter|Section) \w+[:.]?)\s+")
_WORDS_ONLY = re.compile(r"[\w'\u2019 -]+")
_ARTICLE = re.compile(r"^(?:the|an?) (?=\w)", re.IGNORECASE)
_AUTHOR_NAME = re.compile(r"^[^<(@,;]+")
_GLOSSARY = re.compile(r"glossary|terminology|definitions?\b|\bterms\b", re.IGNORECASE)
_WORD_SHAPES = frozenset({"dunder", "dotted", "constant", "snake", "camel", "acronym"})


def person_names(authors: tuple[str, ...]) -> tuple[str, ...]:
    """Authors as names: addresses and brackets cut off, at least two words, in the order given."""
    names: dict[str, None] = {}
    for author in authors:
        found = _AUTHOR_NAME.match(author.strip())
        name = " ".join(found[0].split()) if found else ""
        if " " in name and len(name) <= _LONGEST and not any(character.isdigit() for character in name):
            names[name] = None
    return tuple(names)


def author_names(parsed: ParsedDocument) -> tuple[str, ...]:
    """The authors as names; in a log or a conversation whoever decided or spoke, be it one word (``planner``, ``Ann``)."""
    if parsed.media_type not in (DECISION_LINE, TRANSCRIPT):
        return person_names(parsed.authors)
    names = (" ".join(author.split()) for author in parsed.authors)
    return tuple(dict.fromkeys(name for name in names if name and len(name) <= _LONGEST))


def candidates(parsed: ParsedDocument) -> tuple[TermCandidate, ...]:
    """The terms a document suggests, each name and kind once, in order of kind and name."""
    structural: Counter[tuple[EntityKind, str]] = Counter()
    seen: Counter[tuple[EntityKind, str]] = Counter()
    for name in author_names(parsed):
        structural[EntityKind.PERSON, name] += 1
    for literal in _LITERAL.finditer(parsed.text):
        name = literal[2].strip().removesuffix("()")
        if _is_code_word(name):
            structural[EntityKind.IDENTIFIER, name] += 1
    for name in _of_structure(parsed):
        term = _as_term(name)
        if term:
            structural[term] += 1
    words = Counter(_WORD.findall(parsed.text))
    for token, count in words.items():
        if _is_word_identifier(token):
            seen[EntityKind.IDENTIFIER, token] += count
    for start, end in file_names(parsed.text):
        seen[EntityKind.IDENTIFIER, parsed.text[start:end]] += 1
    for name in _capitalised(parsed.text):
        seen[EntityKind.NAME, name] += 1
    form = {word.lower() for field in parsed.fields.items() for word in field}
    found = {
        (kind, name): TermCandidate(
            name=name,
            kind=kind,
            count=seen[kind, name] or structural[kind, name],
            ordinary=_ordinary(name, words, form, seen[kind, name]) if kind is EntityKind.NAME else 0,
        )
        for kind, name in seen.keys() | structural.keys()
    }
    return tuple(found[key] for key in sorted(found))


def _ordinary(name: str, words: Counter[str], form: set[str], count: int) -> int:
    """How often a capitalised name is no name: its lower-case occurrences, or all, when it is a header's field or
    value.
    """
    lowered = name.lower()
    return count if lowered in form else words[lowered]


@lru_cache(maxsize=100_000)
def _is_word_identifier(token: str) -> bool:
    """Vocabulary repeats between documents, hence the cache: classification is 20 times the cost of looking it up."""
    if token.islower() and "_" not in token and "." not in token:
        return False
    return len(token) >= 3 and token.lower() not in STOP_WORDS and identifier_shape(token) in _WORD_SHAPES


@lru_cache(maxsize=100_000)
def _is_code_word(name: str) -> bool:
    """Whether a literal names something: a token of an identifier's shape, or a word too long for a variable."""
    if identifier_shape(name):
        return len(name) >= 3
    return name.isidentifier() and len(name) >= 4 and is_informative(name)


@lru_cache(maxsize=100_000)
def _as_term(name: str) -> tuple[EntityKind, str] | None:
    """What a name marked by structure is: an identifier by its shape, else a term of at most five words."""
    stripped = _ARTICLE.sub("", " ".join(name.strip(" .,:;!?*`_\"'()").split()))
    if len(stripped) >= 3 and identifier_shape(stripped):
        return EntityKind.IDENTIFIER, stripped
    words = stripped.split(" ")
    if len(stripped) > _LONGEST or len(words) > 5 or not is_informative(stripped):
        return None
    if not _WORDS_ONLY.fullmatch(stripped):
        return None
    content = [word for word in words if word.lower() not in STOP_WORDS]
    single = len(words) == 1 and stripped == name
    return (EntityKind.TERM, stripped) if len(content) >= 2 or single else None


def _of_structure(parsed: ParsedDocument) -> Iterator[str]:
    for heading in parsed.headings:
        title = _NUMBERING.sub("", heading.title)
        if " " in title.strip():
            yield title
    for strong in _STRONG.finditer(parsed.text):
        if " " in strong[1]:
            yield strong[1]
    for verb in _IS_A.finditer(parsed.text):
        defined = _DEFINED.search(parsed.text, max(0, verb.start() - _LONGEST), verb.start())
        if defined and defined["term"].split(" ", 1)[0].lower() not in STOP_WORDS:
            yield defined["term"]
    for start, end in _glossaries(parsed):
        for listed in _DEFINITION_LIST.finditer(parsed.text, start, end):
            yield listed["term"]


def _glossaries(parsed: ParsedDocument) -> Iterator[tuple[int, int]]:
    """The sections in which a definition list defines terms; elsewhere the same shape is mostly code."""
    ends = [*(heading.start for heading in parsed.headings[1:]), len(parsed.text)]
    for heading, end in zip(parsed.headings, ends, strict=False):
        if _GLOSSARY.search(heading.title):
            yield heading.start, end


def _capitalised(text: str) -> Iterator[str]:
    """Runs of capitalised words; a single word, or the first of a run, counts only where no sentence begins."""
    for found in _NAME.finditer(text):
        name = found[0]
        if " " not in name:
            if (
                len(name) >= 3
                and _WITHIN_SENTENCE.search(text, max(0, found.start() - 2), found.start())
                and _may_be_name(name)
            ):
                yield name
            continue
        while " " in name and name.split(" ", 1)[0].lower() in STOP_WORDS:
            name = name.split(" ", 1)[1]
        while " " in name and name.rsplit(" ", 1)[1].lower() in STOP_WORDS:
            name = name.rsplit(" ", 1)[0]
        if " " in name and _may_be_name(name) and name[0].isupper():
            yield name


@lru_cache(maxsize=100_000)
def _may_be_name(name: str) -> bool:
    words = name.lower().split(" ")
    return is_informative(name) and not all(word in CALENDAR_WORDS or word in STOP_WORDS for word in words)
