"""Which testimony still stands, and what took its place: a function of what there is now, so that nothing has to be undone.

When what superseded a claim is gone, the claim stands again: what is true of the rest alone is worked out anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from destiny_assets.domain.claims.told import MODEL_RULE


class Standing(StrEnum):
    """Whether a claim is still made: current, replaced in a document that supersedes its own, replaced by a later word of its witness, or
    taken back with the whole document that makes it.
    """

    CURRENT = "current"
    SUPERSEDED = "superseded"
    OUTDATED = "outdated"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Assertion:
    """One piece of evidence: in `document` a witness says at `observed_at` that a slot has the value of a claim."""

    evidence: str
    claim: str
    slot: str
    predicate: str
    value: str
    witness: str
    document: str
    observed_at: datetime | None = None
    about_itself: bool = False
    rule: str = ""

    @property
    def voice(self) -> str:
        """Whose word it is to the model of trust: the witness's, or that of the language model which says that the witness says so.

        So a model's misreading is held against the model and no author, and all that one model reads is one voice.
        """
        return self.rule if self.rule.startswith(MODEL_RULE) else self.witness

    @property
    def case(self) -> str:
        """What competes with it: the slot; where a document speaks of itself, the slot of that document.

        Documents share titles ("Weekly meeting"), and the date of one says nothing of another.
        """
        return f"{self.slot} {self.document}" if self.about_itself else self.slot


@dataclass(frozen=True, slots=True)
class Replaced:
    """Why an assertion does not count: the standing it has left, and the assertion that took its place."""

    standing: Standing
    by: Assertion


def replaced(
    case: Sequence[Assertion], newer: Mapping[str, frozenset[str]], *, several: bool = False
) -> dict[str, Replaced]:
    """Of the assertions of one case those that no longer count, by evidence.

    `newer` has, for a superseded document, every document that supersedes it, directly or by way of others. Only what the newer
    document says itself of the same thing is replaced. A witness's own later word replaces the earlier one, but for a thing that has
    `several` values at once: there it is one more, and only a document that says so takes what stood before away.
    """
    found: dict[str, Replaced] = {}
    by_document: dict[str, Assertion] = {}
    for one in case:
        by_document.setdefault(one.document, one)
    for one in case:
        above = newer.get(one.document, frozenset()) - {one.document}
        if not above:
            continue
        taking = min((by_document[document] for document in above if document in by_document), key=_order, default=None)
        # Two that supersede each other replace nothing.
        if taking is not None and one.document not in newer.get(taking.document, frozenset()):
            found[one.evidence] = Replaced(Standing.SUPERSEDED, taking)
    if several:
        return found
    last: dict[str, Assertion] = {}
    for one in case:
        if one.observed_at is not None and (one.witness not in last or _order(one) < _order(last[one.witness])):
            last[one.witness] = one
    for one in case:
        latest = last.get(one.witness)
        if (
            latest is not None
            and one.evidence not in found
            and one.observed_at is not None
            and latest.observed_at is not None
            and one.observed_at < latest.observed_at
        ):
            found[one.evidence] = Replaced(Standing.OUTDATED, latest)
    return found


def retracted(reverts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each document that is taken back, of (taking back, taken back) pairs, the first document by id that does so and still stands.

    Who takes back a taking back lets the first stand again; where documents take each other back in a circle, all of them stand.
    """
    takers: dict[str, list[str]] = {}
    for by, taken in sorted(set(reverts)):
        takers.setdefault(taken, []).append(by)
    fallen: dict[str, str] = {}
    standing: set[str] = {by for some in takers.values() for by in some} - takers.keys()
    # Whoever nobody takes back stands, whom one that stands takes back has fallen, whose takers all fell stands: until nothing follows.
    moved = True
    while moved:
        moved = False
        for document in takers.keys() - fallen.keys() - standing:
            if found := [by for by in takers[document] if by in standing]:
                fallen[document] = found[0]
            elif all(by in fallen for by in takers[document]):
                standing.add(document)
            else:
                continue
            moved = True
    return fallen


def all_newer(supersessions: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """For each document of (newer, older) pairs, every document that is newer than it, however many steps away."""
    direct: dict[str, set[str]] = {}
    for newer, older in supersessions:
        direct.setdefault(older, set()).add(newer)
    found: dict[str, frozenset[str]] = {}
    for document in direct:
        reached: set[str] = set()
        ahead = list(direct[document])
        while ahead:
            if (one := ahead.pop()) not in reached:
                reached.add(one)
                ahead.extend(direct.get(one, ()))
        found[document] = frozenset(reached)
    return found


def _order(one: Assertion) -> tuple[float, str]:
    """The latest first, then by id, so that no order of reading matters."""
    return (-one.observed_at.timestamp() if one.observed_at else float("inf")), one.evidence
