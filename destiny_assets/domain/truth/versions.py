"""Versions of software as values: 3.10 is not 3.1, and 3 says less than 3.1.2. Only what comparing claims asks; no order."""

import re
from typing import NamedTuple

_VERSION = re.compile(
    r"(?:version\s+|v\.?\s*)?(\d{1,4}(?:\.\d{1,6}){0,3})[-_.]?((?:a|alpha|b|beta|c|rc|pre|dev|post)[-_.]?\d*|final)?",
    re.I,
)
# Of three parts only those that are no day ("24.12.2024") and no grouped thousands ("1.234.567").
_CLEAR = re.compile(
    r"(?:version\s+|v\.?\s*)\d.*|\d{1,3}\.\d{1,2}\.\d{1,3}(?:\.\d+)?(?:[-_.]?[a-z]+[-_.]?\d*)?|\d[\d.]*[-_.]?(?:a|alpha|b|beta|rc|dev|post)[-_.]?\d+",
    re.I,
)
_SPELLINGS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "final": ""}


class Version(NamedTuple):
    """`release` has no zeros at its end; `suffix` is that of a pre-release or the like ("rc1"), or empty."""

    release: tuple[int, ...]
    suffix: str


def read(text: str) -> Version | None:
    """What a text says as a version ("3.10", "v2.0-rc1", "Version 4"), or nothing; 3.1 and 3.1.0 are one, 3 and 3.0 too."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    release = [int(part) for part in found[1].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    letters = re.fullmatch(r"([a-z]*)[-_.]?(\d*)", (found[2] or "").casefold())
    suffix = f"{_SPELLINGS.get(letters[1], letters[1])}{letters[2]}" if letters else ""
    return Version(tuple(release), suffix)


def is_clear(text: str) -> bool:
    """Whether a text can be nothing but a version."""
    return _CLEAR.fullmatch(text.strip()) is not None


def is_coarser(coarse: Version, fine: Version) -> bool:
    """Whether `coarse` leaves out parts that `fine` tells, and is right about those it has."""
    return not coarse.suffix and coarse != fine and coarse.release == fine.release[: len(coarse.release)]
