"""Believe: how probable each claim is, given who makes it, who contradicts it, what superseded it and what people say of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from more_itertools import chunked

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.claims.currency import Assertion, all_newer
from destiny_assets.domain.claims.scoring import MODEL, Court
from destiny_assets.domain.truth.copying import Copying
from destiny_assets.ports import Progress

_BATCH = 5_000


def believe_claims(ledger: PostgresLedger, project: str, generation: int, progress: Progress) -> Mapping[str, Any]:
    """Bring the probabilities of all living claims, and what is known of witnesses, to the model's.

    Judged again are slots that a change of this generation or a new label bears on, and those of witnesses of whom something else
    is known now, or who are no more, or only now, another's spelling; all are when the model, its calibration or the reading of a
    predicate's values (their kind, or that several hold at once) changed. The result is that of judging everything.
    """
    beliefs = ledger.beliefs
    basis, touched = beliefs.basis(project), beliefs.touched(project, generation)
    # Two spellings of one witness are one voice.
    touched |= ledger.claims.slots_of(project, ledger.merges.moved_witnesses(project, generation))
    touched |= beliefs.reverted(project, generation)
    # Two spellings of one subject are one slot, which what happened to either bears on.
    joined = ledger.merges.joined_slots(project)
    for one in ledger.merges.joined_slots(project, generation):
        touched |= {one.own, one.whole}
    touched |= {one.whole for one in joined if one.own in touched}
    judged = written = 0
    # A basis of an older model lacks the others, and all is judged again because of the model.
    moved = basis is not None and (
        basis["model"] != MODEL
        or basis["families"] != beliefs.families(project)
        or basis["said_of_predicates"] != beliefs.said_of_predicates(project)
    )
    if touched or moved:
        court = open_court(ledger, project, {one.claim: one.whole for one in joined})
        stored, reputes = beliefs.reputes(project), court.reputes()
        if court.basis() != basis:
            touched = {*court.slots, *beliefs.slots(project)}
        else:
            known = set(stored.values())
            touched |= court.spoken_of_by((r.witness, r.predicate) for r in reputes if r not in known)
        for batch in chunked(sorted(touched), _BATCH):
            written += beliefs.store(project, generation, batch, list(court.judge(batch))).written
            judged += len(batch)
            progress.advance("claim_probabilities", judged, len(touched))
        # In this order: killed between them, the next run finds the same witnesses changed again.
        written += beliefs.store_reputes(project, generation, reputes, stored).written
        beliefs.set_basis(project, court.basis())
    return {"model": MODEL, "judged": judged, "written": written, **beliefs.distribution(project, generation)}


def proposed_families(ledger: PostgresLedger, project: str) -> list[Copying]:
    """Witnesses, or families, that seem to copy each other, as all living testimony tells; nothing is written."""
    slots = {one.claim: one.whole for one in ledger.merges.joined_slots(project)}
    return open_court(ledger, project, slots).copiers()


def open_court(ledger: PostgresLedger, project: str, slots: Mapping[str, str]) -> Court:
    """All living testimony of a project with what people say of it; `slots` are those of claims whose subject has another name too."""
    return Court(
        _under_one_name(ledger.claims.assertions(project), ledger.merges.witnesses(project), slots),
        all_newer(ledger.claims.supersessions(project)),
        ledger.beliefs.labels(project),
        ledger.claims.reverts(project),
        ledger.beliefs.families(project),
        ledger.beliefs.said_of_predicates(project),
    )


def _under_one_name(
    assertions: Iterable[Assertion], names: Mapping[str, str], slots: Mapping[str, str]
) -> list[Assertion]:
    return [
        replace(one, witness=names.get(one.witness, one.witness), slot=slots.get(one.claim, one.slot))
        if one.witness in names or one.claim in slots
        else one
        for one in assertions
    ]
