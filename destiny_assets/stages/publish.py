"""Publish: make the generation what readers see, if anything in it is new."""

from collections.abc import Mapping
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.generations import Generation


def publish_generation(
    ledger: PostgresLedger, generation: Generation, facts: Mapping[str, Any]
) -> tuple[Generation, bool, str]:
    """(what readers see now, whether that changed, why): nothing is published when nothing changed."""
    project, number = generation.project, generation.number
    latest = ledger.generations.latest(project)
    unchanged = not any(ledger.generations.changes(project, number).values())
    same_index = latest is not None and (latest.model_id, latest.collection) == (
        generation.model_id,
        generation.collection,
    )
    same_code = latest is not None and all(
        (latest.facts or {}).get(name) == facts[name] for name in ("linker", "trust_model")
    )
    if latest and unchanged and same_index and same_code:
        ledger.generations.discard(project, number)
        current = ledger.generations.current(project) or latest
        return current, False, "nothing changed"
    ledger.generations.publish(project, number, facts=facts, reason="every blocking check passed")
    return ledger.generations.number(project, number), True, "every blocking check passed"
