"""What a language model says that a passage states, held against the passage. No model is asked here, and nothing is repaired: a claim
whose words do not stand in its passage is dropped, with the reason counted.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from destiny_assets.domain.chunks import normalised
from destiny_assets.domain.claims.records import LONGEST, Claim, Origin, Statement, claim_of
from destiny_assets.domain.claims.sentences import ARTICLE, JOINING, PRONOUNS
from destiny_assets.domain.headers import parsed_date
from destiny_assets.domain.truth.kinds import plain_text

VERSION = "told/1"
"""Name and version of these rules: raise it when an answer that is kept would make other statements."""

MODEL_RULE = "model:"
"""What the rule of a statement begins with that a language model found; the model's name and its instructions' version follow."""

_INNER_CAPITAL = re.compile(r"\w[A-Z]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: ``document.text[start : start + len(text)] == text``; `context` is its title and headings.

    `digest` is the SHA-256 of both, by which what a model answers is kept.
    """

    digest: bytes
    context: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Told:
    """A claim in a model's words; `quote` is what it says that the passage says, times are as it wrote them."""

    subject: str
    predicate: str
    value: str
    valid_from: str | None
    valid_to: str | None
    origin: str
    quote: str


class Dropped(StrEnum):
    """Why what a model told is no claim."""

    NO_QUOTE = "quote not in the passage"
    NO_SUBJECT = "subject not in the passage"
    NO_VALUE = "no value, or prose"
    NO_DATE = "a time that is none"
    TWICE = "told twice"


def held(told: Told, passage: Passage, name: str, title: str, rule: str) -> Statement | Dropped:
    """What was told as a statement of the document called `name` at its exact span, or why it is none.

    `title` is the document's own; what is told of it is about the document. A subject that is no name means something in its own
    document only. A value is stated where the quote holds its words, and inferred otherwise, whatever the model calls it.
    """
    quote = told.quote.strip()
    at = passage.text.find(quote) if 0 < len(quote) <= LONGEST else -1
    if at < 0:
        return Dropped.NO_QUOTE
    subject = normalised(told.subject).strip("`\"'")
    if article := ARTICLE.match(subject):
        subject = subject[article.end() :]
    words = plain_text(subject)
    if not words or subject.split()[0].capitalize() in PRONOUNS:
        return Dropped.NO_SUBJECT
    if f" {words} " not in f" {plain_text(f'{passage.context} {passage.text}')} ":
        return Dropped.NO_SUBJECT
    try:
        since, until = (_moment(time, passage) for time in (told.valid_from, told.valid_to))
    except ValueError:
        return Dropped.NO_DATE
    own = words in {plain_text(title), plain_text(name)}
    about = name if own else subject if _is_name(subject, passage.text) else f"{name} > {subject}"
    stated = told.origin == Origin.STATED and f" {plain_text(told.value)} " in f" {plain_text(quote)} "
    origin = Origin.STATED if stated else Origin.INFERRED
    claim: Claim | None = claim_of(about, told.predicate, told.value, origin, since, until)
    if claim is None:
        return Dropped.NO_VALUE
    start = passage.start + at
    return Statement(claim, rule, start, start + len(quote), about_itself=own)


def _is_name(subject: str, text: str) -> bool:
    """Whether a subject means the same elsewhere: set as code, of letters that no common word has, all its words with a capital, or a single
    capital word within a sentence.
    """
    if f"`{subject}`" in text or _INNER_CAPITAL.search(subject):
        return True
    words = subject.split()
    if (
        not all(word in JOINING or word[0].isupper() or word[0].isdigit() for word in words)
        or not words[0][0].isupper()
    ):
        return False
    return len(words) > 1 or re.search(rf"(?<=[a-z,;] ){re.escape(subject)}\b", text) is not None


def _moment(written: str | None, passage: Passage) -> datetime | None:
    """The time that is written, None where none is; raises `ValueError` for what is no time, or of a year that the passage does not name."""
    if not written or not written.strip():
        return None
    found = parsed_date(written.strip())
    if found is None or str(found.year) not in f"{passage.context} {passage.text}":
        raise ValueError(written)
    return found
