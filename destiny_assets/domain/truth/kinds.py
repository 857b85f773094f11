"""What kind of values an attribute has, told from the values themselves; never from a data set's name."""

import re
import unicodedata
from collections.abc import Sequence
from enum import Enum

from destiny_assets.domain.truth import quantities, versions

# A kind is taken when all but this share of the values can be read as it.
_MISFITS = 0.1
_LOOKED_AT = 2_000
_LIST_MARK = re.compile(r"[,;/|&+]|\band\b", re.I)
_SENTENCE = re.compile(r"\b(?:the|of|for|in|to|with|on|is)\b|\d", re.I)
_WORD = re.compile(r"\w+")


class Kind(Enum):
    """How values of an attribute are compared."""

    NUMBER = "number"
    TIME = "time"
    DATE = "date"
    NAMES = "names"
    VERSION = "version"
    TEXT = "text"


RULES = {
    Kind.NUMBER: "equal as numbers; within 1 % or rounded is consistent but coarser",
    Kind.TIME: "times of day within 10 minutes are the same",
    Kind.DATE: "equal as dates; a year or month alone is consistent but coarser",
    Kind.NAMES: "equal as sets of family names; a proper subset is consistent but coarser",
    Kind.VERSION: "equal as versions, 3.1 is 3.1.0 and not 3.10; fewer parts are consistent but coarser",
    Kind.TEXT: "equal but for case, accents, punctuation and spaces",
}
READERS: dict[Kind, quantities.Reader] = {
    Kind.DATE: quantities.date,
    Kind.TIME: quantities.minutes,
    Kind.NUMBER: quantities.number,
}


def infer_kind(values: Sequence[str]) -> Kind:
    """The kind of an attribute with these values (a sample of them is looked at); text when nothing else fits."""
    known = [value for value in values if value.strip()]
    sample = known[:: max(1, len(known) // _LOOKED_AT)]
    if not sample:
        return Kind.TEXT
    # Years alone are numbers as well as dates, and are compared alike; any fuller date decides for dates.
    dated = any(re.fullmatch(r"\d{4}[-/.]\d{1,2}.*", value.strip()) for value in sample)
    if _are_versions(sample):
        return Kind.VERSION
    for kind, read in READERS.items():
        if kind is Kind.DATE and not dated:
            continue
        if sum(read(value) is None for value in sample) <= _MISFITS * len(sample):
            return kind
    lists = sum(bool(_LIST_MARK.search(value)) for value in sample)
    sentences = sum(bool(_SENTENCE.search(value)) for value in sample)
    long = sum(len(_WORD.findall(part)) > 5 for value in sample for part in _LIST_MARK.split(value))
    if lists >= 0.3 * len(sample) and sentences <= _MISFITS * len(sample) and long <= _MISFITS * len(sample):
        return Kind.NAMES
    return Kind.TEXT


def _are_versions(sample: Sequence[str]) -> bool:
    """Whether values are versions: some can be nothing else ("3.5.3", "v2", "2.0rc1"), and all but a few can be."""
    return any(map(versions.is_clear, sample)) and (
        sum(versions.read(value) is None for value in sample) <= _MISFITS * len(sample)
    )


def plain_text(value: str) -> str:
    """A text without what does not tell values apart: case, accents, punctuation, spaces."""
    # Decomposed before case is folded as well as after: a mathematical capital alpha (U+1D6A8) has no case until it is an alpha.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", value).casefold())
    return " ".join(_WORD.findall("".join(mark for mark in decomposed if not unicodedata.combining(mark))))
