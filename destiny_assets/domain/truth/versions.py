"""Versions of software as values: 3.10 is not 3.1, and 3 says less than 3.1.2. Reading them is `packaging`'s; here is what claims ask."""

import re

from packaging.version import InvalidVersion, Version

_WORD = re.compile(r"(?:version\s+|v[.\s]\s*)", re.I)
# Of three parts only those that are no day ("24.12.2024") and no grouped thousands ("1.234.567").
_CLEAR = re.compile(
    r"(?:version\s+|v\.?\s*)\d.*|\d{1,3}\.\d{1,2}\.\d{1,3}(?:\.\d+)?(?:[-_.]?[a-z]+[-_.]?\d*)?|\d[\d.]*[-_.]?(?:a|alpha|b|beta|rc|dev|post)[-_.]?\d+",
    re.I,
)


def read(text: str) -> Version | None:
    """What a text says as a version ("3.10", "v2.0-rc1", "Version 4"), or nothing; 3.1 and 3.1.0 are equal, 3 and 3.0 too (PEP 440)."""
    try:
        return Version(_WORD.sub("", text.strip(), count=1))
    except InvalidVersion:
        return None


def is_clear(text: str) -> bool:
    """Whether a text can be nothing but a version."""
    return _CLEAR.fullmatch(text.strip()) is not None


def is_coarser(coarse: Version, fine: Version) -> bool:
    """Whether `coarse` leaves out parts that `fine` tells, and is right about those it has."""
    told = _told(coarse)
    return coarse != fine and coarse == Version(coarse.base_version) and told == _told(fine)[: len(told)]


def _told(version: Version) -> tuple[int, ...]:
    """The parts of a release without zeros at its end."""
    parts = list(version.release)
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
