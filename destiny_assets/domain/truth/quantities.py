"""Numbers, times of day and dates: what a text says, and when one value is only a coarser statement of another."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Reader = Callable[[str], float | None]

# What still counts as the same quantity told less exactly, as a share of the finer one.
NUMBER_TOLERANCE = 0.01
# Sources tell one event apart by a few minutes; the field's benchmarks on flights allow ten.
TIME_TOLERANCE_MINUTES = 10.0

_NUMBER = re.compile(
    r"[^\d\w+\-.]*([+-]?(?:\d{1,3}(?:[,' \u00a0]\d{3})+|\d+)?(?:\.\d+)?(?:e[+-]?\d+)?)\s*(%|[a-z]{0,12}\.?|[€$£])", re.I
)
_SCALES = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mil": 1e6,
    "mn": 1e6,
    "million": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
}
_TIME = re.compile(r"(?:.*?[\sT])?(\d{1,2})[:.h](\d{2})(?::\d{2}(?:\.\d+)?)?\s*([ap])?\.?(?:m\.?)?\b.*", re.I)
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")


def number(text: str) -> float | None:
    """What a text says as a number ("1,234", "$3.5 million", "12 %"), or nothing; units that are no scale are left out."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or not any(character.isdigit() for character in found[1]):
        return None
    value = float(re.sub(r"[,' \u00a0]", "", found[1])) * _SCALES.get(found[2].casefold().rstrip("."), 1.0)
    return value if np.isfinite(value) else None


def minutes(text: str) -> float | None:
    """A time of day as minutes since midnight ("6:15 PM", "18.15", "Dec 1 - 6:15p"), or nothing."""
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    hour = int(found[1])
    if found[3]:
        hour = hour % 12 + (12 if found[3].casefold() == "p" else 0)
    return float(hour * 60 + int(found[2]))


def date(text: str) -> float | None:
    """A year, month or day, year first, as yyyymmdd with zeros for what is left out, or nothing."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    month, day = int(found[2] or 0), int(found[3] or 0)
    return float(int(found[1]) * 10_000 + month * 100 + day) if month <= 12 and day <= 31 else None


def coarser_number(coarse: Floats, fine: Floats) -> Flags:
    """Where `coarse` is consistent with `fine` but not equal to it: within the tolerance, or rounded to two or more zeros."""
    near = np.abs(coarse - fine) <= NUMBER_TOLERANCE * np.abs(fine)
    step = np.ones_like(coarse)
    for zeros in range(2, 13):
        step = np.where((coarse != 0) & (np.remainder(coarse, 10.0**zeros) == 0), 10.0**zeros, step)
    rounded = (step > 1) & (np.abs(coarse - fine) <= 0.5 * step)
    return np.asarray((coarse != fine) & (near | rounded))


def coarser_date(coarse: Floats, fine: Floats) -> Flags:
    """Where `coarse` leaves out a day or month that `fine` gives."""
    of_month = (np.remainder(coarse, 100) == 0) & (coarse // 100 == fine // 100)
    of_year = (np.remainder(coarse, 10_000) == 0) & (coarse // 10_000 == fine // 10_000)
    return np.asarray((coarse != fine) & (of_month | of_year))


def merge_times(clocks: Floats, votes: Floats) -> NDArray[np.int64]:
    """For the distinct times of one slot, the index of the time that each is told as: the best supported within the tolerance."""
    told_as = np.full(len(clocks), -1, np.int64)
    for index in np.lexsort((clocks, -votes)):
        if told_as[index] < 0:
            apart = np.abs(clocks - clocks[index])
            near = np.minimum(apart, 1440 - apart) <= TIME_TOLERANCE_MINUTES
            told_as[near & (told_as < 0)] = index
    return told_as
