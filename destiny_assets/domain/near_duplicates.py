"""Texts that say almost the same: MinHash signatures, candidates by locality-sensitive hashing, exact verification.

Similarity is the Jaccard index of the sets of 5-word shingles, case folded. A signature depends on the text alone and can be
stored; finding duplicates among stored signatures reads only the texts of candidates. No store, no chunking here.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

SIGNATURE = "minhash-5-120-1"
"""Name and version of what `signature` computes; stored signatures of another version must be computed again."""

THRESHOLD = 0.8

_SHINGLE_WORDS = 5
# A pair at the threshold shares none of 24 bands of 5 with probability 0.00007; one at 0.5 is a candidate half the time.
_BANDS, _ROWS = 24, 5
_HASHES = _BANDS * _ROWS
# The estimate's standard deviation at the threshold is 0.04: five of them below, the texts need not be read.
_ESTIMATE_MARGIN = 0.2
# Thousands of texts from one template share a bucket; the first few of them stand for all.
_BUCKET = 32
_BLOCK = 4_096

_WORD = re.compile(r"\w+")
_Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Text `id` says almost the same as the earlier text `original`; `similarity` is their Jaccard index, 0.8 to 1."""

    id: str
    original: str
    similarity: float


def signature(text: str) -> _Hashes:
    """The MinHash of a text, 120 values; of a text without words all are the largest number."""
    return _minima(_shingles(text))


def duplicates(ids: Sequence[str], signatures: _Hashes, text_of: Callable[[str], str]) -> list[NearDuplicate]:
    """For every text that has an earlier near duplicate, the earliest one; the order of `ids` says what is earlier.

    `signatures` has shape (len(ids), 120); `text_of` is asked for candidates only. An exact copy names the first of its
    copies. Texts without words are never duplicates. Deterministic.
    """
    texts = _Texts(ids, text_of)
    found: list[NearDuplicate] = []
    for place, candidates in sorted(_candidates(signatures).items()):
        earlier = np.array(sorted(candidates), np.intp)
        estimates = np.mean(signatures[earlier] == signatures[place], axis=1)
        for original in earlier[estimates >= THRESHOLD - _ESTIMATE_MARGIN].tolist():
            similarity = texts.similarity(place, original)
            if similarity >= THRESHOLD:
                found.append(NearDuplicate(ids[place], ids[original], similarity))
                break
    return found


class _Texts:
    """Exact similarities of texts, each shingled at most once."""

    def __init__(self, ids: Sequence[str], text_of: Callable[[str], str]) -> None:
        self._ids = ids
        self._text_of = text_of
        self._shingles: dict[str, _Hashes] = {}

    def similarity(self, one: int, other: int) -> float:
        first, second = self._of(one), self._of(other)
        if first is second:
            return 1.0
        shared = len(np.intersect1d(first, second, assume_unique=True))
        return shared / (len(first) + len(second) - shared)

    def _of(self, place: int) -> _Hashes:
        text = self._text_of(self._ids[place])
        if text not in self._shingles:
            self._shingles[text] = _shingles(text)
        return self._shingles[text]


def _candidates(signatures: _Hashes) -> dict[int, set[int]]:
    """Earlier places that share a bucket, by place."""
    candidates: dict[int, set[int]] = defaultdict(set)
    if not len(signatures):
        return candidates
    worded = np.flatnonzero(signatures[:, 0] != np.iinfo(np.uint64).max)
    distinct = []
    for group in _equal(_combined(signatures[worded])):
        places = worded[group]
        distinct.append(places[0])
        for copy in places[1:]:
            candidates[int(copy)].add(int(places[0]))
    firsts = np.sort(np.array(distinct, np.intp))
    for band in range(_BANDS):
        keys = _combined(signatures[firsts, band * _ROWS : (band + 1) * _ROWS])
        for group in _equal(keys):
            for position in range(1, len(group)):
                earlier = firsts[group[: min(position, _BUCKET)]]
                candidates[int(firsts[group[position]])].update(earlier.tolist())
    return candidates


def _equal(keys: _Hashes) -> list[npt.NDArray[np.intp]]:
    """The places of each distinct key, ascending."""
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order])) + 1
    return np.split(order, edges) if len(keys) else []


def _shingles(text: str) -> _Hashes:
    """The distinct hashes of a text's 5-word shingles; a shorter text is one shingle."""
    words = np.array(
        [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in _WORD.findall(text.casefold())], np.uint64
    )
    if not len(words):
        return words
    width = min(_SHINGLE_WORDS, len(words))
    return np.unique(_combined(np.lib.stride_tricks.sliding_window_view(words, width)))


def _minima(shingles: _Hashes) -> _Hashes:
    minima = np.full(_HASHES, np.iinfo(np.uint64).max, np.uint64)
    factors = _random_odd(_HASHES)[:, np.newaxis]
    for first in range(0, len(shingles), _BLOCK):
        np.minimum(minima, (factors * shingles[first : first + _BLOCK]).min(axis=1), out=minima)
    return minima


def _combined(rows: _Hashes) -> _Hashes:
    """One hash for each row of hashes, in which their order counts."""
    return _mixed((rows * _random_odd(rows.shape[1])).sum(axis=1, dtype=np.uint64))


@cache
def _random_odd(count: int) -> _Hashes:
    return _mixed(np.arange(1, count + 1, dtype=np.uint64)) | np.uint64(1)


def _mixed(numbers: _Hashes) -> _Hashes:
    """SplitMix64's finaliser: each bit of the input flips half the bits of the output."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
