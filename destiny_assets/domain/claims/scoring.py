"""From testimony to the probability of each claim, with the log-odds terms that its score is the sum of.

What is learned of witnesses rests on all slots; it is rounded (`GRID`), so that a change elsewhere moves the scores of a slot only
when it changes what is known of one of its witnesses. Pure: what is read and written is in `stages.believe`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.claims.currency import Assertion, Replaced, Standing, replaced, retracted
from destiny_assets.domain.claims.history import RECORD, REVERT
from destiny_assets.domain.claims.multiplicity import Several, one_of_several, several_valued
from destiny_assets.domain.truth.beliefs import MODEL as FUSION
from destiny_assets.domain.truth.beliefs import Beliefs, believe
from destiny_assets.domain.truth.claims import Ints, arrange
from destiny_assets.domain.truth.copying import Copying, copying
from destiny_assets.domain.truth.holdout import HeldOut, hold_out
from destiny_assets.domain.truth.kinds import infer_kind
from destiny_assets.domain.truth.standing import UNCLAIMED, UNKNOWN

MODEL = f"claims/3 {FUSION}"
GRID = 0.01
# What a person's word adds or takes, beside whatever witnesses say: alone it makes 0.999 of nothing.
LABEL_LOG_ODDS = math.log(999)
# A claim that nobody makes any more, or whose value can't be read, against "none of what is said": 0.02 where nothing else is said.
UNHELD_LOG_ODDS = -4.0
SEVERAL = "several"
"""The name of the term of a claim that competes with no other value."""
# Nothing is certain, and a probability of 1 has no log-odds.
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Assessment:
    """How far one claim is believed. `score` is its log-odds against none of its slot's values being true, the sum of its `terms`;
    `probability` in (0, 1) weighs it against the other values too.

    `believed`: the most probable current value of its slot, or, where several hold at once, each that is rather true than not.
    `contested`: its slot has current values that contradict each other.
    """

    claim: str
    slot: str
    probability: float
    score: float
    standing: Standing
    believed: bool
    contested: bool
    label: bool | None
    terms: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Repute:
    """What is known of a voice's word on a predicate: the chances that it is true or coarser, and what weighs it."""

    witness: str
    predicate: str
    complete: float
    coarse: float
    level: int
    copies: float

    @property
    def id(self) -> str:
        """The id that follows from whose word on what this is."""
        return stable_id("repute", self.witness, self.predicate)


class Court:
    """All testimony of a project, heard at once; slots are then judged one by one, as many as need it."""

    def __init__(
        self,
        assertions: Sequence[Assertion],
        newer: Mapping[str, frozenset[str]],
        labels: Mapping[str, bool],
        reverts: Iterable[tuple[str, str]] = (),
        families: Mapping[str, str] = MappingProxyType({}),
        said_of_predicates: Mapping[str, bool] = MappingProxyType({}),
    ) -> None:
        """`labels` holds what people say of claims, by claim; `newer` as `currency.all_newer` gives it; `reverts` are (taking back, taken
        back) documents, the first of which state so by the rule `REVERT`; `families` has the family of witnesses that have one: its members
        have one vote together, and what is known of one is known of all. `said_of_predicates` is what people say of how many values a
        predicate has at once: True several, False one.
        """
        self._said_of_predicates = said_of_predicates
        values: dict[str, list[str]] = {}
        for one in assertions:
            values.setdefault(one.predicate, []).append(one.value)
        kinds = cache(lambda predicate: infer_kind(values[predicate]))
        self._several = several_valued(assertions, said_of_predicates, kinds)
        self._families = families
        self._labels = labels
        self._slots: dict[str, dict[str, list[Assertion]]] = {}
        for one in sorted(assertions, key=lambda one: one.evidence):
            self._slots.setdefault(one.slot, {}).setdefault(one.case, []).append(one)
        cases = [told for slot in self._slots.values() for told in slot.values()]
        self._replaced: dict[str, Replaced] = {}
        for told in cases:
            if len(told) > 1:
                self._replaced |= replaced(told, newer, several=told[0].predicate in self._several)
        self._replaced |= _taken_back([one for told in cases for one in told], retracted(reverts))
        standing = [one for told in cases for one in told if one.evidence not in self._replaced]
        heard = _without_echoes(standing)
        # Of what has several values at once each is a question of its own: whether it is one.
        claims = arrange(
            [
                f"{one.case} {one_of_several(one.value, kinds(one.predicate))}"
                if one.predicate in self._several
                else one.case
                for one in heard
            ],
            [one.predicate for one in heard],
            [families.get(one.voice, one.voice) for one in heard],
            [one.value for one in heard],
        )
        self._heard = heard
        self._value_of = {
            (heard[row].claim, heard[row].case): value
            for row, value in zip(claims.row.tolist(), claims.value.tolist(), strict=True)
        }
        self._claims = claims
        self._said: dict[int, bool] = {}
        for (claim, _), value in self._value_of.items():
            if claim in labels:
                # Where people contradict each other over two spellings of a value, it is true.
                self._said[value] = labels[claim] or self._said.get(value, False)
        self.beliefs: Beliefs = believe(claims, self._truths(), grid=GRID)

    @property
    def slots(self) -> Iterable[str]:
        """Every slot that somebody speaks of."""
        return self._slots.keys()

    def basis(self) -> dict[str, Any]:
        """What all scores rest on besides testimony and reputes: how values of each predicate are read, the calibration, and families."""
        calibration = self.beliefs.calibration
        return {
            "model": MODEL,
            "kinds": {name: str(kind.value) for name, kind in sorted(self._claims.kinds.items())},
            "calibration": [calibration.temperature, *calibration.level_terms],
            "families": dict(sorted(self._families.items())),
            "several": {name: str(why) for name, why in sorted(self._several.items())},
            "said_of_predicates": dict(sorted(self._said_of_predicates.items())),
        }

    def reputes(self) -> list[Repute]:
        """What is known of each witness on each predicate it speaks of; of the members of a family it is the same."""
        claims, known = self._claims, self.beliefs.reliability
        found: dict[tuple[str, str], Repute] = {}
        for row, place in enumerate(claims.row.tolist()):
            one = self._heard[place]
            if (one.voice, one.predicate) not in found:
                found[one.voice, one.predicate] = Repute(
                    one.voice,
                    one.predicate,
                    round(float(known.full[row]), 4),
                    round(float(known.part[row]), 4),
                    int(self.beliefs.level[claims.source[row]]),
                    float(self.beliefs.fusion.copies[row]),
                )
        return list(found.values())

    def held_out(self) -> HeldOut:
        """What would be believed of each labelled slot without its labels, and whether they bear it out."""
        return hold_out(self._claims, self._truths(), self._said, grid=GRID)

    def copiers(self) -> list[Copying]:
        """Pairs of voices that agree on what others think wrong more often than chance would have it, the most telling first."""
        return copying(self._claims, self.beliefs)

    def spoken_of_by(self, spoken: Iterable[tuple[str, str]]) -> set[str]:
        """The slots on which any of these (witness, predicate) has a word."""
        wanted = set(spoken)
        return {
            name
            for name, slot in self._slots.items()
            for told in slot.values()
            for one in told
            if (one.voice, one.predicate) in wanted
        }

    def judge(self, slots: Iterable[str]) -> Iterator[Assessment]:
        """Every claim of these slots; of a slot that nobody speaks of there is none."""
        for name in slots:
            found: dict[str, Assessment] = {}
            for _, told in sorted(self._slots.get(name, {}).items()):
                for one in self._judge(told):
                    # Of a claim that several documents make of themselves, the case where it stands best.
                    if one.claim not in found or found[one.claim].probability < one.probability:
                        found[one.claim] = one
            yield from found.values()

    def _judge(self, case: list[Assertion]) -> Iterator[Assessment]:
        by_claim: dict[str, list[Assertion]] = {}
        for one in case:
            by_claim.setdefault(one.claim, []).append(one)
        values = {claim: self._value_of.get((claim, case[0].case)) for claim in sorted(by_claim)}
        # Spellings of one value rest on the same words.
        of_value = {value: self._of_value(value) for value in set(values.values()) if value is not None}
        terms = {
            claim: self._of_unheld(claim, by_claim[claim]) if value is None else of_value[value]
            for claim, value in values.items()
        }
        scores = {claim: math.fsum(term["log_odds"] for term in some) for claim, some in terms.items()}
        # Claims of one value are one candidate; one that is not held is a candidate of its own.
        candidates: dict[object, float] = {}
        for claim, score in scores.items():
            value = values[claim]
            candidates[claim if value is None else value] = score
        several = self._several.get(case[0].predicate)
        top = max([0.0, *candidates.values()])
        whole = math.exp(-top) + math.fsum(math.exp(score - top) for score in candidates.values())
        held = {value for value in values.values() if value is not None}
        best = min(held, key=lambda value: (-candidates[value], value), default=None)
        contested = several is None and best is not None and self._contradict(held)
        for claim, some in terms.items():
            score, value = scores[claim], values[claim]
            # Where several hold at once, the only alternative to a value is that it is none.
            probability = math.exp(score - top) / whole if several is None else _logistic(score)
            yield Assessment(
                claim=claim,
                slot=case[0].slot,
                probability=min(max(probability, _LEAST), 1 - _LEAST),
                score=score,
                standing=self._standing(by_claim[claim]),
                believed=value is not None and (value == best if several is None else score >= 0),
                contested=contested,
                label=self._labels.get(claim),
                terms=some if several is None else (*some, _beside(case[0].predicate, several)),
            )

    def _of_value(self, value: int) -> tuple[dict[str, Any], ...]:
        found: list[dict[str, Any]] = []
        for reason in self.beliefs.reasons(value):
            coarser = f", coarser than {self._claims.value_text[value]!r}" if reason.coarser else ""
            shared = "" if reason.share_of_vote == 1 else f", with {reason.share_of_vote:.2f} of a vote"
            found.append(
                {
                    "name": "witness",
                    "witness": reason.source,
                    "said": reason.said,
                    "reliability": round(reason.reliability, 4),
                    "log_odds": reason.log_odds,
                    "why": f"{reason.source} says {reason.said!r}{coarser}, and is right with {reason.reliability:.0%}{shared}",
                }
            )
        # A label is of the value, however it was spelled.
        return (*found, *_labelled(self._said.get(value)))

    def _of_unheld(self, claim: str, told: list[Assertion]) -> tuple[dict[str, Any], ...]:
        return (self._unheld(told), *_labelled(self._labels.get(claim)))

    def _unheld(self, told: list[Assertion]) -> dict[str, Any]:
        taken = [self._replaced[one.evidence] for one in told if one.evidence in self._replaced]
        if len(taken) < len(told):
            kind = self._claims.kinds.get(told[0].predicate)
            why = f"{told[0].value!r} can't be read as {kind.value if kind else 'a value'}"
            return {"name": "unread", "log_odds": UNHELD_LOG_ODDS, "why": why}
        by = taken[0].by
        if taken[0].standing is Standing.RETRACTED:
            why = f"{by.witness} takes back what says so: {by.predicate} {by.value}"
            found = {"name": str(taken[0].standing), "log_odds": UNHELD_LOG_ODDS}
            return found | {"by_claim": by.claim, "by_document": by.document, "why": why}
        how = "in a document that supersedes its own" if taken[0].standing is Standing.SUPERSEDED else "later"
        return {
            "name": str(taken[0].standing),
            "log_odds": UNHELD_LOG_ODDS,
            "by_claim": by.claim,
            "by_document": by.document,
            "why": f"{by.witness} says {by.value!r} {how}",
        }

    def _standing(self, told: list[Assertion]) -> Standing:
        taken = [self._replaced[one.evidence].standing for one in told if one.evidence in self._replaced]
        if len(taken) < len(told):
            return Standing.CURRENT
        return next(one for one in (Standing.SUPERSEDED, Standing.RETRACTED, Standing.OUTDATED) if one in taken)

    def _contradict(self, held: set[int]) -> bool:
        """Whether there is no value that all others are but coarser statements of."""
        if len(held) < 2:
            return False
        # The values of a slot are neighbours, and pairs ascend by the coarser value.
        start, end = np.searchsorted(self._claims.coarse, [min(held), max(held) + 1])
        pairs = set(zip(self._claims.coarse[start:end].tolist(), self._claims.fine[start:end].tolist(), strict=True))
        return not any(all((other, value) in pairs for other in held - {value}) for value in held)

    def _truths(self) -> Ints:
        """Labels as the model of truth takes them: the value that is true, or that none is where every one is said to be false."""
        claims = self._claims
        truths = np.full(len(claims.slots), UNKNOWN, np.int64)
        said: dict[int, dict[int, bool]] = {}
        for value, label in self._said.items():
            said.setdefault(int(claims.value_slot[value]), {})[value] = label
        sizes = np.bincount(claims.value_slot, minlength=len(claims.slots))
        for slot, labels in said.items():
            true = [value for value, label in sorted(labels.items()) if label]
            if true:
                truths[slot] = true[0]
            elif len(labels) == sizes[slot]:
                truths[slot] = UNCLAIMED
        return truths


def _without_echoes(standing: list[Assertion]) -> list[Assertion]:
    """All of it, but for what a language model reads and its author plainly writes: that needs nobody to say that it is."""
    if all(one.voice == one.witness for one in standing):
        return standing
    plain = {(one.case, one.claim, one.witness) for one in standing if one.voice == one.witness}
    return [one for one in standing if one.voice == one.witness or (one.case, one.claim, one.witness) not in plain]


def _beside(predicate: str, why: Several) -> dict[str, Any]:
    """The term that says that a claim competes with no other: it adds nothing, and counts nothing that moves with other slots."""
    return {"name": SEVERAL, "log_odds": 0.0, "why": f"{predicate!r} may have several values at once: {why}"}


def _labelled(label: bool | None) -> tuple[dict[str, Any], ...]:
    """The term of what a person says, if anyone does."""
    if label is None:
        return ()
    said = "true" if label else "false"
    log_odds = LABEL_LOG_ODDS if label else -LABEL_LOG_ODDS
    return ({"name": "label", "log_odds": log_odds, "why": f"a person says that it is {said}"},)


def _logistic(score: float) -> float:
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


def _taken_back(told: list[Assertion], by: Mapping[str, str]) -> dict[str, Replaced]:
    """What the documents of `by` state, but for the record of their own making, by evidence."""
    if not by:
        return {}
    said: dict[str, Assertion] = {}
    for one in told:
        if one.rule == REVERT and (one.document not in said or one.evidence < said[one.document].evidence):
            said[one.document] = one
    return {
        one.evidence: Replaced(Standing.RETRACTED, said[by[one.document]])
        for one in told
        if one.document in by and one.rule not in RECORD
    }
