"""Decisions that notice drift: what each rests on is bound, and what of it carries it no more is told to its readers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.grounds import KnownDocument, Leaning, beginning_of_id, bound, risks, statement_named
from destiny_assets.domain.linking.citations import as_identifier

CODE = "grounds/1"
"""Name and version of what binds and judges."""


def watch_decisions(ledger: PostgresLedger, project: str, generation: int) -> Mapping[str, Any]:
    """Bring grounds and risks of all living decisions to what the claims, documents and decisions of the generation make of them.

    Only decisions that name something are read, and what they name; where nothing moved, nothing is written.
    """
    reads = ledger.grounds
    leanings, earlier = reads.leanings(project), reads.earlier(project, generation)
    named = {named for leaning in leanings for named in leaning.rests_on}
    statements = [statement for name in named if (statement := statement_named(name)) is not None]
    by_id = reads.claims_beginning(project, {found for name in named if (found := beginning_of_id(name))})
    wanted = {one.slot_id for one in statements} | {one.slot for one in earlier.values() if one.slot}
    slots = reads.slots(project, wanted | {claim.slot for claim in by_id.values()})
    required = reads.required(project, [leaning.document for leaning in leanings])
    known = reads.documents(
        project, {target for _, _, target in required} | {one.document for one in earlier.values() if one.document}
    )
    documents = _by_name(leanings, required, known)
    grounds = [ground for leaning in leanings for ground in bound(leaning, earlier, by_id, slots, documents)]
    change = reads.store(project, generation, grounds, risks(leanings, grounds, slots, known))
    return {"code": CODE, "written": change.written, **reads.counts(project, generation)}


def _by_name(
    leanings: list[Leaning], required: list[tuple[str, str, str]], known: Mapping[str, KnownDocument]
) -> dict[tuple[str, str], KnownDocument]:
    """The documents that decisions name, by (document of the decision, name as it is written there)."""
    targets = {(source, _spelling(target)): document for source, target, document in required}
    found = {}
    for leaning in leanings:
        for name in leaning.rests_on:
            target = targets.get((leaning.document, _spelling(name)))
            target = target or targets.get((leaning.document, quote(name, safe=" ")))
            if target is not None and target in known:
                found[leaning.document, name] = known[target]
    return found


def _spelling(name: str) -> str:
    """An identifier in the one spelling that references have; anything else as it is written."""
    identifier = as_identifier(name)
    return str(identifier) if identifier else name
