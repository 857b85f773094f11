"""The few forms of sentences that state a fact so plainly that a pattern reads them right; what is vaguer is left unread.

A sentence is found by its verb, and counts only when all that stands before the verb is a name: a proper name, or one set as code.
So two documents that say it mean the same thing, and the work is linear in the text.
"""

import re
from collections.abc import Iterator

from destiny_assets.domain.claims.records import Claim, Statement, claim_of
from destiny_assets.domain.headers import parsed_date, people

_REACH = 120
_MADE = "written|created|maintained|owned|developed|founded|designed|invented"
_DATED = "released|published|deprecated|removed|introduced|founded|launched|discontinued|adopted"
_VERB = re.compile(
    rf" (?:was|is|has been) (?:(?P<made>{_MADE}) by|(?P<dated>{_DATED}) (?:on|in)) | defaults? (?:value )?(?:to|of|for) "
)
_SENTENCE_START = re.compile(r"[.!?][ \n]|\n\n|\n[-*+] ")
ARTICLE = re.compile(r"(?:[Tt]he|A|An) ")
_CODE = re.compile(r"``?([^`\n]{1,60})``?")
JOINING = frozenset({"of", "and", "the", "for"})
PRONOUNS = frozenset(
    {
        "It",
        "This",
        "That",
        "These",
        "Those",
        "He",
        "She",
        "They",
        "There",
        "We",
        "Support",
        "Work",
        "Which",
        "What",
        "Who",
    }
)
_VALUE_END = re.compile(r"[.,;:)]?(?:\s|\Z)")
_PERSON = r"[A-Z][\w'-]+(?: (?:(?:van|von|de|der) )?[A-Z][\w'.-]*){1,3}"
_PEOPLE = re.compile(rf"{_PERSON}(?:(?:, and |, | and ){_PERSON}){{0,3}}")
_WHEN = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{1,2}(?:st|nd|rd|th)? [A-Z][a-z]{2,8},? \d{4}|[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? \d{4}|(?:1[89]|20)\d{2}"
)
_VALUE = re.compile(r"``?[^`\n]{1,60}``?|[$€£]?\d[\d.,]*(?<=\d)(?: ?(?:%|[a-zA-Z]{1,12}(?![a-zA-Z])))?")
_IS = re.compile(r"(?P<subject>``?[^`\n]{1,60}``?) (?:is|was) ")


def sentence_statements(text: str, start: int = 0) -> Iterator[Statement]:
    """What the sentences of a text from `start` on state plainly."""
    for verb in _VERB.finditer(text, start):
        if verb["made"]:
            found = _told(text, verb, f"{verb['made']} by", _PEOPLE)
        elif verb["dated"]:
            found = _told(text, verb, f"{verb['dated']} on", _WHEN)
        else:
            found = _default(text, verb)
        if found is not None:
            claim, (first, end) = found
            yield Statement(claim, "sentence", first, end)


def _told(
    text: str, verb: re.Match[str], predicate: str, values: re.Pattern[str]
) -> tuple[Claim, tuple[int, int]] | None:
    subject, value = _subject(text, verb.start()), _value(text, verb.end(), values)
    if subject is None or value is None:
        return None
    written = text[slice(*value)]
    date = parsed_date(written) if values is _WHEN else None
    said = date.date().isoformat() if date else ", ".join(people(written)) if values is _PEOPLE else written
    claim = claim_of(subject, predicate, said)
    return (claim, value) if claim else None


def _default(text: str, verb: re.Match[str]) -> tuple[Claim, tuple[int, int]] | None:
    """`x` defaults to 3; the default of `x` is 3."""
    if verb[0].rstrip().endswith("to"):
        code = _CODE.fullmatch(ARTICLE.sub("", _before(text, verb.start()) or "", count=1))
        subject, at = (code[1] if code else None), verb.end()
    else:
        told = _IS.match(text, verb.end())
        opening = (_before(text, verb.start()) or "").casefold()
        subject, at = (
            (told["subject"].strip("`") if told and opening in {"the", ""} else None),
            told.end() if told else 0,
        )
    value = _value(text, at, _VALUE) if subject else None
    claim = claim_of(subject, "default", text[slice(*value)].strip("`")) if subject and value else None
    return (claim, value) if claim and value else None


def _before(text: str, end: int) -> str | None:
    """What stands between the beginning of the sentence and `end`; None where that is far away."""
    left = text[max(0, end - _REACH) : end]
    starts = [found.end() for found in _SENTENCE_START.finditer(left)]
    if not starts and end > _REACH:
        return None
    return left[starts[-1] :].strip() if starts else left.strip()


def _subject(text: str, end: int) -> str | None:
    said = _before(text, end)
    if not said:
        return None
    if article := ARTICLE.match(said):
        said = said[article.end() :]
    if code := _CODE.fullmatch(said):
        return code[1]
    words = said.split(" ")
    if len(words) > 5 or words[0] in PRONOUNS or words[0] in JOINING or words[-1] in JOINING:
        return None
    named = all(word in JOINING or (word[:1].isupper() or word[:1].isdigit()) for word in words)
    return said if named and words[0][:1].isupper() and not set(said) & set('`*[](){}<>|\n"') else None


def _value(text: str, start: int, values: re.Pattern[str]) -> tuple[int, int] | None:
    found = values.match(text, start, min(len(text), start + _REACH))
    return found.span() if found and _VALUE_END.match(text, found.end()) else None
