"""Names in running text, spelled as titles are looked up: how a question and a passage say which document comes next. No corpus here."""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_NAME = 6
"""Words of the longest name that is looked up."""

_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")  # noqa: RUF001 - the apostrophe that typesetters use
# What may stand inside a name in lower case, and may not begin or end one.
_JOINING = frozenset(_WORD.findall("a an and at by de del der di du for from in la le of on or the to van von with"))
_SHORTEST = 4
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*$")


def title_key(title: str) -> str:
    """A title as it is looked up: case and accents as the ledger folds them, no qualifier in brackets at its end."""
    return unicodedata.normalize("NFC", _QUALIFIER.sub("", title)).lower().strip()


def names_in_question(text: str) -> set[str]:
    """Every run of one to six words that could be a title: people type questions without capitals."""
    return set(_runs(text, capitals=False))


def names_in_passage(text: str) -> set[str]:
    """Every run of one to six words that begins and ends with a capital or a digit, with small joining words inside."""
    return set(_runs(text, capitals=True))


def _runs(text: str, *, capitals: bool) -> Iterator[str]:
    words = [(found.start(), found.end(), _is_name_word(found[0], capitals)) for found in _WORD.finditer(text)]
    for first, (start, _, opens) in enumerate(words):
        if not opens:
            continue
        for last in range(first, min(first + LONGEST_NAME, len(words))):
            end, closes = words[last][1], words[last][2]
            word = text[words[last][0] : end]
            if last > first and "\n" in text[words[last - 1][1] : words[last][0]]:
                break
            if closes:
                name = title_key(text[start:end])
                if len(name) >= _SHORTEST:
                    yield name
            elif capitals and word.lower() not in _JOINING:
                break


def _is_name_word(word: str, capitals: bool) -> bool:
    return word[0].isupper() or word[0].isdigit() if capitals else word.lower() not in _JOINING
