"""An inverted index in segments: which items have a 32-bit key. Pure arrays; where segments are kept is the ledger's business.

PostgreSQL's own GIN index took 1 ms a chunk to fill with its 90 words, 40 times what this takes, and four times the space.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint32]

SEGMENT_ITEMS = 20_000
"""How many items a segment holds at most; their numbers fit 16 bits."""

WHOLE = -1
"""The only page of a small segment: all its keys."""

_SMALL_KEYS = 65_536
# A page is the first 12 bits of a key: in a full segment of chunks about 500 keys, 3 kB.
_PAGE_BITS = 12


@dataclass(frozen=True, slots=True)
class Posting:
    """One page of a segment: ascending keys (little-endian uint32), and the number of an item (uint16) for each."""

    page: int
    keys: bytes
    items: bytes


def keys_of(words: Iterable[str]) -> Keys:
    """A key for each word, in no order; two words may share one."""
    return np.fromiter((zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words), np.uint32)


def postings(items: Sequence[Keys]) -> Iterator[Posting]:
    """The pages of a segment of at most `SEGMENT_ITEMS` items, given the keys of each."""
    keys = np.concatenate([*items, np.empty(0, np.uint32)])
    numbers = np.repeat(np.arange(len(items), dtype=np.uint16), [len(some) for some in items])
    order = np.argsort(keys, kind="stable")
    keys, numbers = keys[order], numbers[order]
    if len(keys) <= _SMALL_KEYS:
        yield Posting(WHOLE, keys.astype("<u4").tobytes(), numbers.astype("<u2").tobytes())
        return
    pages = keys >> np.uint32(32 - _PAGE_BITS)
    edges = np.flatnonzero(np.diff(pages)) + 1
    for first, last in zip((0, *edges.tolist()), (*edges.tolist(), len(keys)), strict=True):
        yield Posting(
            int(pages[first]), keys[first:last].astype("<u4").tobytes(), numbers[first:last].astype("<u2").tobytes()
        )


def pages_of(keys: Keys) -> list[int]:
    """The pages in which the keys may stand."""
    return [WHOLE, *np.unique(keys >> np.uint32(32 - _PAGE_BITS)).tolist()] if len(keys) else []


def found(posting: Posting, wanted: Keys) -> Mapping[int, npt.NDArray[np.uint16]]:
    """The numbers of the items that have each of the wanted keys, by key; of ascending distinct `wanted`."""
    keys, items = np.frombuffer(posting.keys, "<u4"), np.frombuffer(posting.items, "<u2")
    first, last = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    return {int(wanted[at]): items[first[at] : last[at]] for at in np.flatnonzero(last > first)}


def items_of(pages: Iterable[Posting], size: int) -> list[Keys]:
    """The keys of each item: `postings` backwards, for merging segments."""
    parts = list(pages)
    keys = np.frombuffer(b"".join(part.keys for part in parts), "<u4").astype(np.uint32)
    numbers = np.frombuffer(b"".join(part.items for part in parts), "<u2")
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(size + 1))
    return [keys[order[ends[at] : ends[at + 1]]] for at in range(size)]
