"""Texts that say almost the same: MinHash signatures, candidates by locality-sensitive hashing, exact verification.

Similarity is the Jaccard index of the sets of 5-word shingles, case folded. A signature depends on the text alone and can be
stored; finding duplicates among stored signatures reads only the texts of candidates. `duplicates` is the whole in memory; the
stage does the same with parts of it, for what changed alone. No store, no chunking here.
"""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

SIGNATURE = "minhash-5-120-2"
"""Name and version of what `signature` computes; stored signatures of another version must be computed again."""

THRESHOLD = 0.8

_SHINGLE_WORDS = 5
# A pair at the threshold shares none of 24 bands of 5 with probability 0.00007; one at 0.5 is a candidate half the time.
_BANDS, _ROWS = 24, 5
_HASHES = _BANDS * _ROWS
# The estimate's standard deviation at the threshold is 0.04: five of them below, the texts need not be read.
_ESTIMATE_MARGIN = 0.2
BUCKET = 32
"""Thousands of texts from one template share a bucket; its 32 oldest stand for all."""

_BLOCK = 4_096

_WORD = re.compile(r"\w+")
_Hashes = npt.NDArray[np.uint64]
_NO_WORDS = np.iinfo(np.uint64).max


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Text `id` says almost the same as the earlier text `original`; `similarity` is their Jaccard index, 0.8 to 1."""

    id: str
    original: str
    similarity: float


def signature(text: str) -> _Hashes:
    """The MinHash of a text, 120 values; of a text without words all are the largest number."""
    return _minima(_shingles(text))


def mark_of(own: _Hashes) -> int | None:
    """A signed 64-bit number that texts of equal signature share; None for a text without words."""
    return None if own[0] == _NO_WORDS else int(_combined(own[np.newaxis])[0].view(np.int64))


def band_keys(signatures: _Hashes) -> npt.NDArray[np.uint32]:
    """The bucket of each text in each of 24 bands, shape (n, 24), from signatures of shape (n, 120)."""
    bands = signatures.reshape(len(signatures), _BANDS, _ROWS)
    keys = (bands * _random_odd(_HASHES).reshape(_BANDS, _ROWS)).sum(axis=2, dtype=np.uint64)
    return (_mixed(keys) >> np.uint64(32)).astype(np.uint32)


class Buckets:
    """Which texts of a whole collection may be near-duplicates of which; 0.4 kB a text. Texts are numbered from the oldest.

    A text equal to an older one has that as its only candidate. Of the others, the candidates are the 32 oldest of each bucket.
    """

    def __init__(self, marks: npt.NDArray[np.int64], keys: npt.NDArray[np.uint32]) -> None:
        """`marks` of shape (n,) and `keys` of shape (n, 24), of texts with words."""
        _, first, back = np.unique(marks, return_index=True, return_inverse=True)
        self._copy_of = first[back].astype(np.int32)
        firsts = np.sort(first).astype(np.int32)
        self._number = np.full(len(marks), -1, np.int32)
        self._number[firsts] = np.arange(len(firsts))
        self._bands = []
        for band in range(keys.shape[1]):
            own = keys[firsts, band]
            order = np.argsort(own, kind="stable").astype(np.int32)
            position = np.empty(len(firsts), np.int32)
            position[order] = np.arange(len(firsts))
            starts = np.maximum.accumulate(
                np.where(np.diff(own[order], prepend=own[order[:1]]) != 0, np.arange(len(order), dtype=np.int32), 0)
            )
            self._bands.append((firsts[order], position, starts))

    def copy_of(self, place: int) -> int | None:
        """The oldest text with the same signature, if it is another."""
        found = int(self._copy_of[place])
        return None if found == place else found

    def candidates(self, place: int) -> npt.NDArray[np.int32]:
        """The older texts that share a bucket with a text that is no copy, oldest first."""
        number = self._number[place]
        found = []
        for ordered, position, starts in self._bands:
            at = position[number]
            found.append(ordered[starts[at] : min(at, starts[at] + BUCKET)])
        return np.unique(np.concatenate(found))


def likely(own: _Hashes, others: _Hashes) -> npt.NDArray[np.bool_]:
    """Which of the signatures `others`, shape (n, 120), may belong to near-duplicates: the rest need not be read."""
    return np.asarray(np.mean(others == own, axis=1) >= THRESHOLD - _ESTIMATE_MARGIN)


def earliest(
    candidates: Mapping[str, Sequence[str]], texts_of: Callable[[Sequence[str]], Mapping[str, str]]
) -> list[NearDuplicate]:
    """For each text (by id) the first of its candidates that is its near-duplicate; texts are asked for in rounds."""
    found: list[NearDuplicate] = []
    waiting = {id_: list(others) for id_, others in candidates.items() if others}
    own: dict[str, _Hashes] = {}
    while waiting:
        asked = {others[0] for others in waiting.values()} | (waiting.keys() - own.keys())
        shingled = {id_: _shingles(text) for id_, text in texts_of(sorted(asked)).items()}
        own |= {id_: shingled[id_] for id_ in waiting.keys() - own.keys()}
        for id_, others in list(waiting.items()):
            similarity = _jaccard(own[id_], shingled[others[0]])
            if similarity >= THRESHOLD:
                found.append(NearDuplicate(id_, others[0], similarity))
            if similarity >= THRESHOLD or len(others) == 1:
                del waiting[id_], own[id_]
            else:
                waiting[id_] = others[1:]
    return found


def similarity(one: str, other: str) -> float:
    """The Jaccard index of two texts' 5-word shingles, 0 to 1; 0 when either has no words."""
    return _jaccard(_shingles(one), _shingles(other))


def duplicates(
    ids: Sequence[str], signatures: _Hashes, texts_of: Callable[[Sequence[str]], Mapping[str, str]]
) -> list[NearDuplicate]:
    """For every text that has an older near-duplicate, the oldest one; the order of `ids` says what is older.

    `signatures` has shape (len(ids), 120); `texts_of` is asked for candidates only. A text of equal signature is a duplicate unread:
    one of similarity 0.8 would have to agree in 120 minima, which happens once in 10^11. Texts without words are never duplicates.
    """
    worded = np.flatnonzero(signatures[:, 0] != _NO_WORDS)
    some = signatures[worded]
    buckets = Buckets(_combined(some).view(np.int64), band_keys(some))
    names = [ids[at] for at in worded.tolist()]
    copies = {at: first for at in range(len(names)) if (first := buckets.copy_of(at)) is not None}
    waiting: dict[str, list[str]] = {}
    for at in range(len(names)):
        if at not in copies:
            older = buckets.candidates(at)
            waiting[names[at]] = [names[other] for other in older[likely(some[at], some[older])].tolist()]
    found = [NearDuplicate(names[at], names[first], 1.0) for at, first in copies.items()]
    order = {id_: at for at, id_ in enumerate(ids)}
    return sorted([*found, *earliest(waiting, texts_of)], key=lambda repeat: order[repeat.id])


def _jaccard(first: _Hashes, second: _Hashes) -> float:
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / max(1, len(first) + len(second) - shared)


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
    minima = np.full(_HASHES, _NO_WORDS, np.uint64)
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
