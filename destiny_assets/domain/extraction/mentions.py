"""What one document names: names by their capitals, times, numbers; and which mentions are of one thing. No corpus, no relations."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from destiny_assets.domain.linking.names import CALENDAR_WORDS, STOP_WORDS, folded


class MentionKind(StrEnum):
    """What a mention is of."""

    NAME = "name"
    TIME = "time"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A half-open stretch of a document's text that names something."""

    start: int
    end: int
    kind: MentionKind


_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_TIME = re.compile(
    rf"(?:\d{{1,2}} )?{_MONTH}(?: \d{{1,2}})?(?: ?,)? \d{{4}}|\d{{1,2}} {_MONTH}|{_MONTH} \d{{1,2}}\b"
    r"|\b\d{4}-\d{2}-\d{2}\b|\b(?:the )?\d{3}0s\b|\b1\d{3}\b|\b20\d{2}\b"
    r"|\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten) (?:years|months|weeks|days|hours|minutes)\b"
)
_NUMBER = re.compile(
    r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?: ?%| (?:percent|million|billion))?(?![\w-])"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
)
# A full stop belongs to a name within it (U.S.A), after an initial and after a few short forms; an 's does not.
_CAPITAL = (
    r"[^\W\d_a-zß-öø-ÿ]\w*(?:[.&'’](?!s\b)\w+)*"  # noqa: RUF001 - the apostrophe that typesetters use
    r"(?:(?<=\b[A-Z])\.|(?<=\b(?:St|Dr|Mr|Ms|Jr|Sr|Mt|Ft))\.)?"
)
_JOINING = r"(?:of the|of|de la|de|del|della|di|du|da|la|le|van der|van|von|der|and the|for the|for|-|'s|&)"
_NAME = re.compile(rf"(?<![\w]){_CAPITAL}(?:(?: {_JOINING})? (?:{_CAPITAL}|\d{{1,3}}\b))*")
_SENTENCE_START = re.compile(r"(?:^|[.!?][\"')\]]* |\n)[\"'(\[]*\s*\Z")
_WORD = re.compile(r"[^\W_]+")
_ABBREVIATED = 2


def find_mentions(text: str) -> list[Mention]:
    """The times, names and numbers of a text, in order, none overlapping another; times before names before numbers."""
    found: list[Mention] = []
    lower = {word for word in _WORD.findall(text) if word.islower()}
    spans = [(one.start(), one.end(), MentionKind.TIME) for one in _TIME.finditer(text)]
    spans += [(*span, MentionKind.NAME) for one in _NAME.finditer(text) for span in _names(text, one, lower)]
    spans += [(one.start(), one.end(), MentionKind.NUMBER) for one in _NUMBER.finditer(text)]
    taken = bytearray(len(text))
    for start, end, kind in spans:
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            found.append(Mention(start, end, kind))
    return sorted(found)


def cluster(text: str, mentions: Sequence[Mention]) -> list[int]:
    """For each mention the place of the first one of the same thing: equal spelling, a part of one longer name, or its initials."""
    first: dict[tuple[MentionKind, str], int] = {}
    spelled = [(mention.kind, _spelling(text[mention.start : mention.end])) for mention in mentions]
    longer: dict[str, set[str]] = defaultdict(set)
    for kind, name in spelled:
        words = name.split()
        if kind is MentionKind.NAME and len(words) > 1:
            for part in {
                words[0],
                words[-1],
                " ".join(words[1:]),
                " ".join(words[:-1]),
                "".join(word[0] for word in words),
            }:
                longer[part].add(name)
    places = []
    for place, (kind, name) in enumerate(spelled):
        whole = longer.get(name, set()) if kind is MentionKind.NAME else set()
        # A part that several names share names none of them for certain.
        key = (kind, next(iter(whole)) if len(whole) == 1 and len(name) > _ABBREVIATED else name)
        places.append(first.setdefault(key, place))
    return places


def _names(text: str, found: "re.Match[str]", lower: set[str]) -> list[tuple[int, int]]:
    """A run of capitalised words as a name: without what opens a sentence and is no name, and without a closing full stop."""
    start, end = found.span()
    while end > start and text[end - 1] in ".'’&":  # noqa: RUF001 - as above
        end -= 1
    if _SENTENCE_START.search(text, max(0, start - 4), start):
        word = _WORD.match(text, start)
        rest = text.find(" ", start, end)
        if word and (_says_nothing(word[0]) or (rest == -1 and word[0].lower() in lower)):
            if rest == -1:
                return []
            start = rest + 1
            joining = re.match(rf"(?:{_JOINING} )", text[start:end])
            start += joining.end() if joining else 0
    words = _WORD.findall(text[start:end])
    if not words or all(word.lower() in CALENDAR_WORDS or _says_nothing(word) for word in words):
        return []
    return [(start, end)] if end - start > 1 else []


def _says_nothing(word: str) -> bool:
    """In capitals alone a word is an abbreviation, whatever it spells."""
    return word.lower() in STOP_WORDS and not (word.isupper() and len(word) > 1)


def _spelling(name: str) -> str:
    return folded(name).removeprefix("the ")
