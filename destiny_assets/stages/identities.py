"""Identities: entities whose names say that they are one become one, by a row a merge, which is an edge of the graph next.

Nothing here touches a row that linking writes; so a merge that is taken back leaves everything as it was before it.
"""

from collections.abc import Mapping
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.versioned import ENTITY, ENTITY_MERGE, MENTION
from destiny_assets.domain.identity.entities import MODEL, merges, suspects


def merge_entities(ledger: PostgresLedger, project: str, generation: int) -> Mapping[str, Any]:
    """Bring the merges of a project to what its living entities and the merges that people took back make of them.

    Entities are compared when one of them, or what names them, changed in this generation, when a merge was taken back, or by new code.
    """
    stored = ledger.merges
    undone = {one.id for one in stored.undone(project)}
    moved = ledger.generations.changes(project, generation, (ENTITY, MENTION, ENTITY_MERGE))
    written = compared = 0
    if any(moved.values()) or stored.model(project) != MODEL or stored.undone_and_shown(project, generation):
        pairs = suspects(stored.entities(project))
        named = {entity.id for pair in pairs for entity in (pair.one, pair.other)}
        compared = len(pairs)
        written = stored.store(project, generation, merges(pairs, stored.documents(project, named), undone)).written
        stored.set_model(project)
    return {
        "model": MODEL,
        "compared": compared,
        "written": written,
        "merges": len(stored.shown(project, generation)),
        "undone": len(undone),
    }
