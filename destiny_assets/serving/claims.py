"""Claims for readers: lists, why one is believed, what would change that, and which labels would teach most."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from destiny_assets.adapters.postgres.claim_reading import StoredClaim, StoredEvidence
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.merges import StoredMerge
from destiny_assets.domain.claims.records import claim_of
from destiny_assets.domain.claims.scoring import MODEL, SEVERAL
from destiny_assets.domain.generations import Generation
from destiny_assets.errors import NotFoundError
from destiny_assets.serving.results import (
    ClaimExplanation,
    ClaimList,
    Labelled,
    OpenSlot,
    Rival,
    Suggestions,
    TrustMeasured,
)

_MOST_EVIDENCE = 100


class ClaimReader:
    """What is claimed in a project, read at one generation; labels are for the next."""

    def __init__(self, ledger: PostgresLedger, pin: Callable[..., Generation]) -> None:
        self._ledger = ledger
        self._pin = pin

    def shown(
        self,
        project: str,
        *,
        subject: str | None = None,
        predicate: str | None = None,
        contested: bool = False,
        limit: int = 100,
        offset: int = 0,
        as_of: datetime | None = None,
        generation: int | None = None,
    ) -> ClaimList:
        """Claims, slot by slot, the most probable first; raises `NotFoundError`.

        `subject` is any part of one, `predicate` a whole one; with `contested` only slots whose current values contradict each other.
        """
        pinned = self._pin(project, as_of=as_of, number=generation)
        found, total = self._ledger.claim_reading.shown(
            project,
            pinned.number,
            subject=subject,
            predicate=predicate,
            contested=contested,
            limit=limit,
            offset=offset,
        )
        return ClaimList(project, pinned.number, found, total)

    def find(self, project: str, item: str, *, as_of: datetime | None = None) -> str | None:
        """The id of the claim that `item` names (an id, or eight or more of its first characters), None when it names none."""
        return self._ledger.claim_reading.find(project, self._pin(project, as_of=as_of).number, item)

    def explained(
        self, project: str, item: str, *, as_of: datetime | None = None, generation: int | None = None
    ) -> ClaimExplanation:
        """Why a claim is believed as it is; raises `NotFoundError`."""
        pinned = self._pin(project, as_of=as_of, number=generation)
        reading = self._ledger.claim_reading
        claim = reading.find(project, pinned.number, item)
        if claim is None:
            raise NotFoundError(
                f"{item!r} is no claim of generation {pinned.number} of {project!r}. See: destiny claims {project}"
            )
        (own, terms), *others = reading.slot(project, pinned.number, claim)
        evidence = reading.evidence(project, pinned.number, [claim], _MOST_EVIDENCE)
        rivals = [Rival(one.id, one.value, one.probability, one.score, one.standing, told) for one, told in others]
        several = any(term["name"] == SEVERAL for term in terms)
        against = [] if several else rivals
        return ClaimExplanation(
            project=project,
            generation=pinned.number,
            claim=own.id,
            subject=own.subject,
            predicate=own.predicate,
            value=own.value,
            origin=own.origin,
            probability=own.probability,
            log_odds=own.score,
            standing=own.standing,
            believed=own.believed,
            contested=own.contested,
            label=own.label,
            terms=terms,
            evidence=evidence,
            against=against,
            would_change=_would_change(own, terms, against),
            model=MODEL,
            identities=self._identities(project, pinned.number, evidence, [own.id, *(one.claim for one in rivals)]),
            beside=rivals if several else [],
        )

    def _identities(
        self, project: str, generation: int, evidence: list[StoredEvidence], claims: list[str]
    ) -> list[StoredMerge]:
        """The merges of witnesses and of subjects that a verdict rests on, each once."""
        merges = self._ledger.merges
        witnesses = sorted({place.witness for place in evidence})
        found = [*merges.of_witnesses(project, generation, witnesses), *merges.of_subjects(project, generation, claims)]
        return list({one.id: one for one in found}.values())

    def label(self, project: str, verdicts: Mapping[str, bool]) -> Labelled:
        """Keep what people say of claims (by id, or a beginning of one), for the next ingest to count; raises `NotFoundError`."""
        pinned = self._pin(project)
        found: dict[str, bool] = {}
        for item, verdict in verdicts.items():
            claim = self._ledger.claim_reading.find(project, pinned.number, item)
            if claim is None:
                raise NotFoundError(f"{item!r} is no claim of {project!r}. See: destiny claims {project}")
            found[claim] = verdict
        return Labelled(project, len(found), self._ledger.beliefs.label(project, found), [])

    def take_back(self, project: str, claim: str) -> Labelled:
        """Take back what was said of a claim (by id, or the beginning of one that is claimed now), for the next ingest to count.

        Raises `NotFoundError` where nothing was said.
        """
        pinned = self._pin(project)
        # What nobody claims any more can still have a label.
        found = self._ledger.claim_reading.find(project, pinned.number, claim) or claim
        if not self._ledger.beliefs.take_back(project, found):
            raise NotFoundError(f"Nobody labelled {claim!r} in {project!r}, or that was taken back already.")
        return Labelled(project, 1, 1, [])

    def label_statements(self, project: str, said: list[tuple[str, str, str, bool]]) -> Labelled:
        """Keep what people say of (subject, predicate, value) as claimed; what nobody claims is told back, and the rest is kept."""
        pinned = self._pin(project)
        found: dict[str, bool] = {}
        unknown = []
        for subject, predicate, value, verdict in said:
            claim = claim_of(subject, predicate, value)
            ids = (
                self._ledger.claim_reading.matching(project, pinned.number, claim.subject, claim.predicate, claim.value)
                if claim
                else []
            )
            found |= dict.fromkeys(ids, verdict)
            if not ids:
                unknown.append(f"{subject}: {predicate} = {value}")
        return Labelled(project, len(found), self._ledger.beliefs.label(project, found), unknown)

    def measured(self, project: str, *, generation: int | None = None) -> TrustMeasured:
        """How well probabilities held against labels up to a generation, and on truth suites; raises `NotFoundError`."""
        pinned = self._pin(project, number=generation)
        calibrations = self._ledger.calibrations
        return TrustMeasured(
            project, pinned.number, calibrations.history(project, pinned.number), calibrations.benchmarks(project)
        )

    def suggested(self, project: str, *, limit: int = 10, generation: int | None = None) -> Suggestions:
        """The slots that a label would teach most about, with what is claimed of each."""
        pinned = self._pin(project, number=generation)
        reading = self._ledger.claim_reading
        slots = reading.open_slots(project, pinned.number, limit)
        claims: dict[str, list[StoredClaim]] = {}
        for one in reading.of_slots(project, pinned.number, [slot["slot_id"] for slot in slots]):
            claims.setdefault(one.slot_id, []).append(one)
        return Suggestions(
            project,
            pinned.number,
            [
                OpenSlot(
                    subject=claims[slot["slot_id"]][0].subject,
                    predicate=claims[slot["slot_id"]][0].predicate,
                    entropy_bits=slot["entropy"],
                    reach=slot["reach"],
                    gain=slot["gain"],
                    claims=claims[slot["slot_id"]],
                )
                for slot in slots
            ],
        )


def _would_change(own: StoredClaim, terms: list[dict[str, Any]], against: list[Rival]) -> list[str]:
    """What would turn the verdict, in sentences: what takes the place of the claim, whose word it hangs on, or how much it lacks."""
    if own.standing != "current":
        reason = terms[0]["why"] if terms else "another took its place"
        return [f"It is current again when that is withdrawn: {reason}."]
    current = [rival for rival in against if rival.standing == "current"]
    rival = max(current, key=lambda one: one.log_odds, default=None)
    # Without a rival the alternative is that nothing of what is said is true, whose score is 0.
    bar = max(0.0, rival.log_odds) if rival else 0.0
    instead = f"{rival.value!r}" if rival and rival.log_odds > 0 else "that none of it is true"
    margin = own.score - bar
    if margin <= 0:
        odds = math.exp(-margin)
        return [
            f"It lacks {-margin:.2f} of log-odds ({odds:.1f} times as likely) to {instead}: independent witnesses, or a label that it is true."
        ]
    alone = [term for term in terms if term["log_odds"] >= margin]
    found = [f"Without this, {instead} would be likelier: {term['why']}." for term in alone]
    return [
        *found,
        f"{margin:.2f} of log-odds more for {instead} would turn it, and so would a label that it is false.",
    ]
