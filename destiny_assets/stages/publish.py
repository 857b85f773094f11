"""Publish: make the generation what readers see, if anything in it is new."""

from collections.abc import Mapping
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.generations import Generation


def publish_generation(
    ledger: PostgresLedger, generation: Generation, facts: Mapping[str, Any], *, accepted_because: str | None = None
) -> tuple[Generation, bool, str]:
    """(what readers see now, whether that changed, why): nothing is published when nothing changed.

    `accepted_because` is why a person lets readers see it though the benchmark gate refused it; it is kept with the publication.
    """
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
    reason = f"accepted though worse: {accepted_because}" if accepted_because else "every blocking check passed"
    ledger.generations.publish(project, number, facts=facts, reason=reason)
    return ledger.generations.number(project, number), True, reason
