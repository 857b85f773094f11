"""English word stems by the Porter2 algorithm, so that "connected" finds "connections".

Written here because the search side must compute the same terms as the indexing side without the indexing side's libraries;
the tests compare it with an independent implementation. Lower-case ASCII words only; no tokenising here.
"""

import re

_VOWELS = "aeiouy"
_IRREGULAR = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl", "gently": "gentl",
    "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
} | {word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")}  # fmt: skip
_COMPLETE_WITHOUT_PLURAL = frozenset(
    ("inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed")
)
# Words that would lose too much if their first region began where the rule says.
_FIRST_REGION_AFTER = re.compile(r"gener|commun|arsen")
_REGION = re.compile(r"[aeiouy][^aeiouy]")
_HAS_VOWEL = re.compile(r"[aeiouy]")
_SHORT_SYLLABLE_AT_END = re.compile(r"(?:^[aeiouy][^aeiouy]|[^aeiouy][aeiouy][^aeiouywxY])$")

_SECOND_STEP = {
    "ational": "ate", "ization": "ize", "fulness": "ful", "ousness": "ous", "iveness": "ive", "tional": "tion",
    "biliti": "ble", "lessli": "less", "entli": "ent", "ation": "ate", "alism": "al", "aliti": "al", "ousli": "ous",
    "iviti": "ive", "fulli": "ful", "enci": "ence", "anci": "ance", "abli": "able", "izer": "ize", "ator": "ate",
    "alli": "al", "bli": "ble",
}  # fmt: skip
_THIRD_STEP = {
    "ational": "ate", "tional": "tion", "alize": "al", "icate": "ic", "iciti": "ic", "ical": "ic", "ness": "", "ful": "",
}  # fmt: skip
_FOURTH_STEP = (
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "al", "er",
    "ic",
)  # fmt: skip
_MAY_PRECEDE_LI = "cdeghkmnrt"


def stem(word: str) -> str:
    """The Porter2 stem of a lower-case English word."""
    if len(word) <= 2:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    # A y that stands for a consonant is written Y from here on.
    word = re.sub(r"(^|[aeiouy])y", lambda found: found[1] + "Y", word)
    first = _first_region(word)
    second = _region(word, first)
    word = _without_plural(word)
    if word in _COMPLETE_WITHOUT_PLURAL:
        return word
    word = _without_tense(word, first)
    if len(word) > 2 and word[-1] in "yY" and word[-2] not in _VOWELS:
        word = word[:-1] + "i"
    word = _second_step(word, first)
    word = _third_step(word, first, second)
    word = _fourth_step(word, second)
    return _fifth_step(word, first, second).replace("Y", "y")


def _first_region(word: str) -> int:
    special = _FIRST_REGION_AFTER.match(word)
    return special.end() if special else _region(word, 0)


def _region(word: str, start: int) -> int:
    """Where the part after the first vowel and consonant begins."""
    found = _REGION.search(word, start)
    return found.end() if found else len(word)


def _without_plural(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and _HAS_VOWEL.search(word[:-2]):
        return word[:-1]
    return word


def _without_tense(word: str, first: int) -> str:
    for ending in ("eedly", "eed"):
        if word.endswith(ending):
            return word[: -len(ending)] + "ee" if len(word) - len(ending) >= first else word
    for ending in ("ingly", "edly", "ing", "ed"):
        if word.endswith(ending):
            rest = word[: -len(ending)]
            return _completed(rest, first) if _HAS_VOWEL.search(rest) else word
    return word


def _completed(rest: str, first: int) -> str:
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if rest[-2:] in ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"):
        return rest[:-1]
    is_short = len(rest) <= first and _SHORT_SYLLABLE_AT_END.search(rest)
    return rest + "e" if is_short else rest


def _second_step(word: str, first: int) -> str:
    for ending, replacement in _SECOND_STEP.items():
        if word.endswith(ending):
            start = len(word) - len(ending)
            return word[:start] + replacement if start >= first else word
    if word.endswith("logi"):
        return word[:-1] if len(word) - 3 >= first else word
    if word.endswith("li") and len(word) - 2 >= first and word[-3:-2] in tuple(_MAY_PRECEDE_LI):
        return word[:-2]
    return word


def _third_step(word: str, first: int, second: int) -> str:
    if word.endswith("ative"):
        return word[:-5] if len(word) - 5 >= second else word
    for ending, replacement in _THIRD_STEP.items():
        if word.endswith(ending):
            start = len(word) - len(ending)
            return word[:start] + replacement if start >= first else word
    return word


def _fourth_step(word: str, second: int) -> str:
    for ending in _FOURTH_STEP:
        if word.endswith(ending):
            start = len(word) - len(ending)
            return word[:start] if start >= second else word
    if word.endswith(("sion", "tion")) and len(word) - 3 >= second:
        return word[:-3]
    return word


def _fifth_step(word: str, first: int, second: int) -> str:
    at = len(word) - 1
    if word.endswith("e"):
        if at >= second or (at >= first and not _SHORT_SYLLABLE_AT_END.search(word[:-1])):
            return word[:-1]
    elif word.endswith("ll") and at >= second:
        return word[:-1]
    return word
