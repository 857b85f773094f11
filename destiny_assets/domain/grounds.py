"""What a decision rests on, and when that no longer carries it: claims and documents named, bound and judged. Pure values.

That a text cites something is no ground: records cite what they reject, too. A decision rests on what it says that it rests on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.claims.currency import Standing
from destiny_assets.domain.claims.records import Claim, claim_of
from destiny_assets.domain.documents import Status
from destiny_assets.domain.truth.kinds import plain_text

USUAL_LEAST = 0.5
"""Below this probability a ground carries a decision no more, unless the decision says otherwise: it is likelier wrong than right."""

_CLAIM_ID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{1,4}){0,8}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_OUT_OF_FORCE = frozenset({Status.REJECTED, Status.WITHDRAWN, Status.SUPERSEDED})


class GroundKind(StrEnum):
    """What a decision names: a claim, a document, or something that the project does not hold (yet)."""

    CLAIM = "claim"
    DOCUMENT = "document"
    UNKNOWN = "unknown"


class RiskReason(StrEnum):
    """Why a ground no longer carries: nobody states it, something replaced it, it is improbable, it was rejected, or is at risk itself."""

    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    IMPROBABLE = "improbable"
    REJECTED = "rejected"
    AT_RISK = "at_risk"


@dataclass(frozen=True, slots=True)
class Leaning:
    """A decision that names what it rests on. `least` in (0, 1) is the probability below which it is at risk."""

    decision: str
    document: str
    key: str
    decided_at: datetime | None
    least: float
    status: Status
    superseded: bool
    rests_on: tuple[str, ...]

    @property
    def binds(self) -> bool:
        """Whether anybody still goes by it: what was superseded, rejected or withdrawn can be at no risk."""
        return not self.superseded and self.status not in _OUT_OF_FORCE


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that a decision rests on, as it was bound. `label` is it in words; `value` what the slot had to be."""

    id: str
    decision: str
    named: str
    kind: GroundKind
    label: str
    slot: str | None = None
    claim: str | None = None
    value: str | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True)
class KnownClaim:
    """A living claim: how probable it is, whether it still counts, and the first reason for its score."""

    claim: str
    slot: str
    subject: str
    predicate: str
    value: str
    probability: float
    standing: Standing
    believed: bool
    why: str


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document that lives, or did: its trust in (0, 1), and what superseded it."""

    document: str
    uri: str
    title: str
    alive: bool
    trust: float
    status: Status | None
    superseded_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Risk:
    """Why a decision is at risk, for one thing that it rests on."""

    decision: str
    document: str
    named: str
    reason: RiskReason
    said: str

    @property
    def id(self) -> str:
        """The id that follows from the decision and what it names."""
        return stable_id("decision-risk", self.decision, self.named)


def statement_named(named: str) -> Claim | None:
    """The slot that ``subject | predicate`` names, or the claim of ``subject | predicate | value``; None for what is neither.

    Of a slot the value is empty.
    """
    parts = [part.strip() for part in named.split("|")]
    if len(parts) not in (2, 3) or not all(parts):
        return None
    claim = claim_of(parts[0], parts[1], parts[2] if len(parts) == 3 else "any")
    if claim is None or len(parts) == 3:
        return claim
    return Claim(claim.subject, claim.predicate, "")


def beginning_of_id(named: str) -> str | None:
    """The id of a claim, or its first eight characters and more, in lower case; None for what can be none."""
    folded = named.strip().lower()
    return folded if len(folded) <= 36 and _CLAIM_ID.fullmatch(folded) else None


def names_claim(named: str) -> bool:
    """Whether this can only be a claim, so that no document is looked for under it."""
    return statement_named(named) is not None or beginning_of_id(named) is not None


def ground_id(leaning: Leaning, named: str) -> str:
    """A decision that is made anew on another day rests on what is believed then: its grounds are others."""
    decided = leaning.decided_at.isoformat() if leaning.decided_at else ""
    return stable_id("decision-ground", leaning.decision, named, decided)


def bound(
    leaning: Leaning,
    earlier: Mapping[str, Ground],
    by_id: Mapping[str, KnownClaim],
    slots: Mapping[str, Sequence[KnownClaim]],
    documents: Mapping[tuple[str, str], KnownDocument],
) -> Iterator[Ground]:
    """The grounds of a decision, each bound as it was in the `earlier` generation, by id, or now.

    `by_id` has claims by the beginning that was named; `documents` those that references resolve to, by (document of the decision, named).
    """
    for named in dict.fromkeys(leaning.rests_on):
        id_ = ground_id(leaning, named)
        before = earlier.get(id_)
        document = documents.get((leaning.document, named))
        if before is not None and before.kind is GroundKind.CLAIM:
            yield before
        elif (claim := _claim(named, by_id, slots)) is not None:
            yield Ground(
                id=id_,
                decision=leaning.decision,
                named=named,
                kind=GroundKind.CLAIM,
                label=f"{claim.subject}: {claim.predicate} = {claim.value}",
                slot=claim.slot,
                claim=claim.claim,
                value=claim.value,
            )
        elif document is not None:
            label = f"{document.title} ({document.uri})"
            yield Ground(id_, leaning.decision, named, GroundKind.DOCUMENT, label, document=document.document)
        elif before is not None:
            # What a document is called when it is gone is what it was called.
            yield before
        else:
            yield Ground(id_, leaning.decision, named, GroundKind.UNKNOWN, named)


def risks(
    leanings: Iterable[Leaning],
    grounds: Iterable[Ground],
    slots: Mapping[str, Sequence[KnownClaim]],
    documents: Mapping[str, KnownDocument],
) -> list[Risk]:
    """What puts decisions at risk, those included that rest on a decision which is at risk itself; in order of their ids."""
    deciding = {leaning.decision: leaning for leaning in leanings if leaning.binds}
    by_document = {leaning.document: leaning for leaning in deciding.values()}
    found: dict[str, Risk] = {}
    above: dict[str, list[tuple[Leaning, Ground]]] = {}
    for ground in grounds:
        if (leaning := deciding.get(ground.decision)) is None:
            continue
        if (judged := _judged(leaning, ground, slots, documents)) is not None:
            risk = Risk(leaning.decision, leaning.document, ground.named, *judged)
            found[risk.id] = risk
        elif ground.document in by_document:
            above.setdefault(by_document[ground.document].decision, []).append((leaning, ground))
    # Breadth first, so that decisions which rest on each other end.
    at_risk = list(dict.fromkeys(risk.decision for risk in found.values()))
    reached = set(at_risk)
    while at_risk:
        below = at_risk.pop()
        for leaning, ground in above.get(below, ()):
            said = f"it rests on {deciding[below].key}, which is at risk itself"
            risk = Risk(leaning.decision, leaning.document, ground.named, RiskReason.AT_RISK, said)
            found[risk.id] = risk
            if leaning.decision not in reached:
                reached.add(leaning.decision)
                at_risk.append(leaning.decision)
    return sorted(found.values(), key=lambda risk: risk.id)


def _claim(named: str, by_id: Mapping[str, KnownClaim], slots: Mapping[str, Sequence[KnownClaim]]) -> KnownClaim | None:
    wanted = statement_named(named)
    if wanted is None:
        beginning = beginning_of_id(named)
        return by_id.get(beginning) if beginning else None
    claims = slots.get(wanted.slot_id, ())
    if wanted.value:
        return _best(one for one in claims if _same(one.value, wanted.value))
    return _best(one for one in claims if one.believed)


def _judged(
    leaning: Leaning,
    ground: Ground,
    slots: Mapping[str, Sequence[KnownClaim]],
    documents: Mapping[str, KnownDocument],
) -> tuple[RiskReason, str] | None:
    """The reason why one ground carries its decision no more, and it in words; None while it does, or is not known."""
    if ground.kind is GroundKind.CLAIM and ground.slot is not None and ground.value is not None:
        return _of_claim(ground.label, ground.value, leaning.least, slots.get(ground.slot, ()))
    if ground.kind is GroundKind.DOCUMENT and ground.document is not None:
        return _of_document(ground.label, leaning.least, documents.get(ground.document))
    return None


def _of_claim(label: str, value: str, least: float, claims: Sequence[KnownClaim]) -> tuple[RiskReason, str] | None:
    claim = _best(one for one in claims if _same(one.value, value))
    rival = next((one for one in claims if one.believed and not _same(one.value, value)), None)
    instead = f"; believed now is {rival.value!r} with {rival.probability:.2f}" if rival else ""
    if claim is None:
        return RiskReason.WITHDRAWN, f"it rests on {label!r}, which nobody says any more{instead}"
    if claim.standing is not Standing.CURRENT:
        return RiskReason.SUPERSEDED, f"it rests on {label!r}, which was superseded: {claim.why}"
    if claim.probability < least:
        less = f"whose probability is {claim.probability:.2f}, below {least:.2f}"
        return RiskReason.IMPROBABLE, f"it rests on {label!r}, {less}{instead}"
    return None


def _of_document(label: str, least: float, known: KnownDocument | None) -> tuple[RiskReason, str] | None:
    if known is None or not known.alive:
        return RiskReason.WITHDRAWN, f"it rests on {label}, which is gone"
    if known.superseded_by:
        return RiskReason.SUPERSEDED, f"it rests on {label}, which is superseded by {', '.join(known.superseded_by)}"
    if known.status in _OUT_OF_FORCE:
        return RiskReason.REJECTED, f"it rests on {label}, which is {known.status}"
    if known.trust < least:
        return RiskReason.IMPROBABLE, f"it rests on {label}, trusted with {known.trust:.2f}, below {least:.2f}"
    return None


def _best(claims: Iterable[KnownClaim]) -> KnownClaim | None:
    return min(
        claims, key=lambda one: (one.standing is not Standing.CURRENT, -one.probability, one.claim), default=None
    )


def _same(one: str, other: str) -> bool:
    """Two spellings of a value that differ in case; of words also in accents or punctuation, which tell numbers apart."""
    worded = not _DIGIT.search(one + other)
    return one.casefold() == other.casefold() or (worded and plain_text(one) == plain_text(other))
