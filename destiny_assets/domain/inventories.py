"""What a layer holds, packed so that a million items fit into 40 MB, and what differs between two such inventories.

An item is 16 bytes of id, 8 bytes that stand for its content, and one number that is compared within a tolerance. Which items
there are, and where they come from, is not decided here.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from destiny_assets.domain.graph import FOREVER

Ids = npt.NDArray[np.bytes_]
"""Packed ids, dtype S16. NumPy drops trailing zero bytes of an `S16` when it hands one out; comparing them is exact."""

TOLERANCE = 1e-5
"""How far two measures of one vector may be apart: float32 leaves 1e-6, another vector of 384 numbers 5e-2."""

_CONTENT = np.dtype("<u8")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, eq=False)
class Inventory:
    """Items ordered by id: `ids` (n,) S16 distinct, `contents` (n,) u64, `measures` (n,) f32, all 0 where nothing is measured.

    `counted` (n,) marks the items that the current generation shows.
    """

    ids: Ids
    contents: npt.NDArray[np.uint64]
    measures: npt.NDArray[np.float32]
    counted: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Packed ids, each in order, by what is wrong with them; `same` agree. `held` counts the expected and counted that are there."""

    missing: Ids
    extra: Ids
    stale: Ids
    same: Ids
    held: int


class InventoryBuilder:
    """Collects items in any order; memory is 29 bytes an item."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._contents = bytearray()
        self._counted = bytearray()
        self._measures: list[npt.NDArray[np.float32]] = []
        self._odd: dict[bytes, str] = {}

    def add(self, id_: str, content: bytes, *, counted: bool = False) -> None:
        """One item; `content` is a `fingerprint`."""
        packed = pack(id_)
        # What `unpack` would write; a third of the cost of writing it, two million times for a million items.
        if not _UUID.fullmatch(id_):
            self._odd[packed.rstrip(b"\0")] = id_
        self._ids += packed
        self._contents += content
        self._counted.append(counted)

    def measure(self, values: npt.NDArray[np.float32]) -> None:
        """The measures of the items added since the last call, in order."""
        self._measures.append(values)

    def odd(self, packed: bytes) -> str | None:
        """The id that was packed where it is no UUID."""
        return self._odd.get(packed.rstrip(b"\0"))

    def build(self) -> Inventory:
        """The inventory; an id that came more than once is in it once, and differs from everything."""
        ids = np.frombuffer(bytes(self._ids), "S16")
        contents = np.frombuffer(bytes(self._contents), _CONTENT).astype(np.uint64)
        measured = np.concatenate(self._measures) if self._measures else np.zeros(len(ids), np.float32)
        counted = np.frombuffer(bytes(self._counted), np.uint8).astype(bool)
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        first = np.ones(len(ids), bool)
        first[1:] = ids[1:] != ids[:-1]
        kept = order[first]
        twice = np.unique(ids[~first])
        whole = Inventory(ids[first], contents[kept], measured[kept], counted[kept])
        # An item that is there twice equals none.
        whole.measures[np.searchsorted(whole.ids, twice)] = np.nan
        return whole


def difference(expected: Inventory, present: Inventory) -> Difference:
    """What is missing from `present`, what it has too much, and what it holds with another content."""
    at = np.searchsorted(present.ids, expected.ids)
    there = at < len(present)
    there[there] = present.ids[at[there]] == expected.ids[there]
    found = at[there]
    far = ~(np.abs(present.measures[found] - expected.measures[there]) <= TOLERANCE)
    other = (present.contents[found] != expected.contents[there]) | far
    surplus = np.ones(len(present), bool)
    surplus[found] = False
    common = expected.ids[there]
    held = int(expected.counted[there].sum())
    return Difference(expected.ids[~there], present.ids[surplus], common[other], common[~other], held)


def among(ids: Sequence[str], wanted: Ids) -> list[bool]:
    """For each id whether it is in `wanted`, which is in order."""
    if not len(wanted) or not ids:
        return [False] * len(ids)
    packed = np.frombuffer(b"".join(map(pack, ids)), "S16")
    at = np.minimum(np.searchsorted(wanted, packed), len(wanted) - 1)
    found: list[bool] = (wanted[at] == packed).tolist()
    return found


def pack(id_: str) -> bytes:
    """The 16 bytes of a UUID; of any other text, 16 bytes of its hash."""
    if len(id_) == 36:
        try:
            return bytes.fromhex(id_.replace("-", ""))
        except ValueError:
            pass
    return hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def unpack(packed: bytes) -> str:
    """The UUID of `pack`, trailing zero bytes present or not."""
    text = packed.ljust(16, b"\0").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def fingerprint(kind: str, content: Mapping[str, object]) -> bytes:
    """8 bytes that stand for everything an item says, whatever the order of its properties."""
    named, names = _named(kind, tuple(content))
    text = f"{named}{[content[name] for name in names]!r}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@lru_cache(maxsize=4_096)
def _named(kind: str, names: tuple[str, ...]) -> tuple[str, list[str]]:
    """What stands for a kind and the names of its properties, and those in order: few, for two million items."""
    ordered = sorted(names)
    return repr((kind, ordered)), ordered


class Lifetimes:
    """What readers of some generations can tell of `born` and `died`.

    `generations` are the ones that can be read. A `died` later than all of them is no different from `FOREVER`: a run that builds
    the next generation may or may not have written it yet.
    """

    def __init__(self, generations: Iterable[int]) -> None:
        self.readable = sorted(generations)
        self._known: dict[tuple[int, int], bool] = {}

    @property
    def newest(self) -> int:
        """The newest generation that can be read; 0 without one."""
        return self.readable[-1] if self.readable else 0

    def shown(self, born: int, died: int) -> bool:
        """Whether any of the generations shows a row."""
        key = (born, died)
        if key not in self._known:
            at = bisect_left(self.readable, born)
            self._known[key] = at < len(self.readable) and self.readable[at] < died
        return self._known[key]

    def end(self, died: int) -> int:
        """`died` as far as a reader can tell."""
        return died if died <= self.newest else FOREVER
