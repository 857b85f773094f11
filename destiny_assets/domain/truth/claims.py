"""Claims as arrays: slots, sources, the distinct values of each slot, and which value is a coarser statement of which.

Everything here is counting and comparing; how far a source is believed is decided in `fusion`.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from packaging.version import Version

from destiny_assets.domain.truth import names, quantities, versions
from destiny_assets.domain.truth.kinds import READERS, Kind, infer_kind, plain_text

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Item = TypeVar("Item", bound=Hashable)

# Pairs of values are compared within a slot; beyond this many values (a slot that nobody agrees on) only the first are.
_MOST_COMPARED = 64


@dataclass(frozen=True, slots=True)
class Claims:
    """n claims, each a (slot, source, value); values are numbered over all slots, in slot order.

    `row` (n) is where each claim stood among those that were given. `weight` (n, in (0, 1]) shares one vote among several claims of one
    source on one slot. `value_slot`, `value_form`, `value_text`
    have an entry a value: its slot, its canonical form, and how the claim that is read first wrote it.
    `coarse`, `fine`, `ways` have an entry for each pair of values of one slot of which the first is consistent with the second but
    coarser; `ways` is among how many coarser statements of `fine` a source chooses.
    """

    slots: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    attributes: tuple[str, ...]
    kinds: dict[str, Kind]
    row: Ints
    slot: Ints
    source: Ints
    value: Ints
    weight: Floats
    slot_attribute: Ints
    value_slot: Ints
    value_form: tuple[Hashable, ...]
    value_text: tuple[str, ...]
    coarse: Ints
    fine: Ints
    ways: Floats
    unread: int

    def find(self, slot: int, form: Hashable) -> int | None:
        """The value of a slot that has this canonical form (a time within the tolerance), if any source claims it."""
        start, end = np.searchsorted(self.value_slot, [slot, slot + 1])
        if self.kinds[self.slots[slot][1]] is Kind.TIME and isinstance(form, float):
            told = np.array([float(str(self.value_form[value])) for value in range(start, end)])
            apart = np.abs(told - form)
            near = np.minimum(apart, 1440 - apart)
            best = int(near.argmin())
            return int(start) + best if near[best] <= quantities.TIME_TOLERANCE_MINUTES else None
        return next((value for value in range(start, end) if self.value_form[value] == form), None)


def arrange(objects: Sequence[str], attributes: Sequence[str], sources: Sequence[str], values: Sequence[str]) -> Claims:
    """Claims from four columns of one length; values that say nothing (empty, nobody's name) are left out and counted."""
    attribute_index, known_attributes = _numbered(attributes)
    kinds = _kinds(known_attributes, attribute_index, values)
    slot_index, slots = _numbered(list(zip(objects, attributes, strict=True)))
    forms = _forms(slot_index, attribute_index, [kinds[name] for name in known_attributes], values)
    kept = np.array([row for row, form in enumerate(forms) if form is not None], np.int64)
    kept = kept[np.argsort(slot_index[kept], kind="stable")]
    slot = slot_index[kept]
    value, told = _numbered([(slot_index[row], forms[row]) for row in kept.tolist()])
    source, known_sources = _numbered([sources[row] for row in kept.tolist()])
    text: dict[int, str] = {}
    for row, number in zip(kept.tolist(), value.tolist(), strict=True):
        text.setdefault(number, values[row].strip())
    attribute_number = {name: number for number, name in enumerate(known_attributes)}
    slot_attribute = np.array([attribute_number[name] for _, name in slots], np.int64)
    value_slot = np.array([number for number, _ in told], np.int64)
    value_form = tuple(form for _, form in told)
    coarse, fine, ways = _coarser(value_slot, value_form, [kinds[known_attributes[a]] for a in slot_attribute])
    return Claims(
        slots=tuple(slots),
        sources=tuple(known_sources),
        attributes=tuple(known_attributes),
        kinds=kinds,
        row=kept,
        slot=slot,
        source=source,
        value=value,
        weight=_shared_votes(slot, source, len(known_sources)),
        slot_attribute=slot_attribute,
        value_slot=value_slot,
        value_form=value_form,
        value_text=tuple(text[number] for number in range(len(told))),
        coarse=coarse,
        fine=fine,
        ways=ways,
        unread=len(values) - len(kept),
    )


def form_of(kind: Kind, value: str) -> Hashable | None:
    """The canonical form of one value read alone, or nothing when it says nothing of its kind."""
    if kind is Kind.NAMES:
        return names.read_alone(value) or None
    if kind is Kind.TEXT:
        return plain_text(value) or None
    if kind is Kind.VERSION:
        return versions.read(value)
    return READERS[kind](value)


def _numbered(items: Sequence[Item]) -> tuple[Ints, list[Item]]:
    known: dict[Item, int] = {}
    index = np.fromiter((known.setdefault(item, len(known)) for item in items), np.int64, len(items))
    return index, list(known)


def _kinds(attributes: Sequence[str], index: Ints, values: Sequence[str]) -> dict[str, Kind]:
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(attributes) + 1))
    return {
        name: infer_kind([values[row] for row in order[bounds[number] : bounds[number + 1]].tolist()])
        for number, name in enumerate(attributes)
    }


def _forms(slot: Ints, attribute: Ints, kinds: Sequence[Kind], values: Sequence[str]) -> list[Hashable | None]:
    forms: list[Hashable | None] = [None] * len(values)
    seen: dict[tuple[Kind, str], Hashable | None] = {}
    together: dict[int, list[int]] = {}
    for row, (number, value) in enumerate(zip(attribute.tolist(), values, strict=True)):
        kind = kinds[number]
        if kind in (Kind.NAMES, Kind.TIME):
            together.setdefault(int(slot[row]), []).append(row)
        else:
            if (kind, value) not in seen:
                seen[kind, value] = form_of(kind, value)
            forms[row] = seen[kind, value]
    for rows in together.values():
        kind = kinds[int(attribute[rows[0]])]
        if kind is Kind.NAMES:
            for row, families in zip(rows, names.read_slot([values[row] for row in rows]), strict=True):
                forms[row] = families or None
        else:
            told = [(row, clock) for row in rows if (clock := quantities.minutes(values[row])) is not None]
            if told:
                clocks, which, votes = np.unique([clock for _, clock in told], return_inverse=True, return_counts=True)
                same = clocks[quantities.merge_times(clocks, votes.astype(float))]
                for (row, _), number in zip(told, which.tolist(), strict=True):
                    forms[row] = float(same[number])
    return forms


def _shared_votes(slot: Ints, source: Ints, sources: int) -> Floats:
    _, which, counts = np.unique(slot * sources + source, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[which])


def _coarser(value_slot: Ints, forms: Sequence[Hashable], kinds: Sequence[Kind]) -> tuple[Ints, Ints, Floats]:
    first, second = _pairs(value_slot)
    kind = np.array([list(Kind).index(kinds[slot]) for slot in value_slot.tolist()], np.int64)
    keep = np.zeros(len(first), bool)
    ways = np.ones(len(first))
    figures = np.array([form if isinstance(form, float) else 0.0 for form in forms])
    for of, compare in ((Kind.NUMBER, quantities.coarser_number), (Kind.DATE, quantities.coarser_date)):
        rows = np.flatnonzero(kind[first] == list(Kind).index(of))
        keep[rows] = compare(figures[first[rows]], figures[second[rows]])
        # A number is rounded or read off roughly in a few ways.
        ways[rows] = 3.0
    for row in np.flatnonzero(kind[first] == list(Kind).index(Kind.NAMES)).tolist():
        coarse, fine = forms[first[row]], forms[second[row]]
        if isinstance(coarse, frozenset) and isinstance(fine, frozenset) and coarse < fine:
            keep[row], ways[row] = True, float(len(fine))
    for row in np.flatnonzero(kind[first] == list(Kind).index(Kind.VERSION)).tolist():
        coarse, fine = forms[first[row]], forms[second[row]]
        if isinstance(coarse, Version) and isinstance(fine, Version):
            keep[row] = versions.is_coarser(coarse, fine)
    return first[keep], second[keep], ways[keep]


def _pairs(value_slot: Ints) -> tuple[Ints, Ints]:
    """All ordered pairs of different values of one slot."""
    _, start, count = np.unique(value_slot, return_index=True, return_counts=True)
    compared = np.minimum(count, _MOST_COMPARED)
    several = compared > 1
    start, compared = start[several], compared[several]
    each = compared * compared
    offset = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    width = np.repeat(compared, each)
    first, second = np.repeat(start, each) + offset // width, np.repeat(start, each) + offset % width
    return first[first != second].astype(np.int64), second[first != second].astype(np.int64)
