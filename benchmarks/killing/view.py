"""What a published generation is, read through the doors that readers use, in values that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from destiny_assets.domain.retrieval import SELF_CONTAINED
from destiny_assets.serving.results import Hit
from destiny_assets.serving.service import KnowledgeService
from tests.stages.growing import Growth, Layers

QUERIES = ("letter courier stamp", "which record supersedes the harbour queue", "winter holiday schedule")
# More than there are chunks, so that an answer is the whole generation and one stray chunk shows.
ALL = 1_000


def shown(hit: Hit) -> tuple[Any, ...]:
    """A hit without its score, which may move a little while the next generation is built."""
    return (hit.chunk_id, hit.uri, hit.document, tuple(hit.heading), hit.text, hit.span, hit.trust, hit.status,
            tuple(hit.superseded_by), hit.near_duplicate_of)  # fmt: skip


def neighbourhood(layers: Layers, project: str, generation: int, ids: list[str]) -> frozenset[tuple[Any, ...]]:
    """Every visible neighbour of these nodes with all it holds."""
    return frozenset(
        (found.origin, str(found.edge), found.outgoing, found.node.id, tuple(sorted(found.node.properties.items())))
        for found in layers.graph.neighbours(project, ids, generation, limit=ALL)
    )


@dataclass(frozen=True)
class View:
    """One generation as every reader must see it. `hits` by (recipe, query); `nodes` are the graph's ids by label or type."""

    number: int
    uris: frozenset[str]
    chunks: frozenset[str]
    items: Mapping[str, float]
    hits: Mapping[tuple[str, str], frozenset[tuple[Any, ...]]]
    nodes: frozenset[tuple[str, str]]
    neighbours: frozenset[tuple[Any, ...]]
    counts: Mapping[str, int]


def view_of(growth: Growth, service: KnowledgeService, number: int) -> View:
    """What there is to see of a generation."""
    layers, project = growth.layers, growth.project
    hits = {
        (recipe, query): frozenset(
            map(shown, service.search(project, query, k=ALL, recipe=recipe, generation=number).hits)
        )
        for recipe in SELF_CONTAINED
        for query in QUERIES
    }
    with layers.ledger.transaction() as cursor:
        visible = "project = %s and born <= %s and died > %s"
        at = (project, number, number)
        chunks = {
            row["id"]
            for row in cursor.execute(f"select id::text as id from chunk where {visible}", at)  # noqa: S608
        }
        items = {
            row["id"]: row["score"]
            for row in cursor.execute(f"select id::text as id, score from trust_score where {visible}", at)  # noqa: S608
        }
    nodes = frozenset(layers.graph.ids(project, number))
    return View(
        number=number,
        uris=frozenset(
            passage.uri for passage in layers.ledger.reading.passages(project, number, sorted(chunks)).values()
        ),
        chunks=frozenset(chunks),
        items=items,
        hits=hits,
        nodes=nodes,
        neighbours=neighbourhood(layers, project, number, sorted(id_ for _, id_ in nodes)),
        counts=layers.ledger.reading.counts(project, number),
    )


def everything(growth: Growth) -> dict[str, Any]:
    """All that the layers hold of a project, dead and alive, without the project's name, for comparison with another's.

    Content-addressed rows (texts, embeddings, originals, document names) are left out: a killed run may leave one that no version
    names, which no reader can reach and the next vacuum removes.
    """
    from destiny_assets.adapters.postgres.versioned import DERIVED

    ledger, project = growth.layers.ledger, growth.project
    held: dict[str, Any] = {}
    with ledger.transaction() as cursor:
        for table in DERIVED:
            columns = ", ".join((*table.columns, "born", "died"))
            rows = cursor.execute(f"select {columns} from {table.name} where project = %s", (project,)).fetchall()  # noqa: S608
            held[table.name] = sorted(repr(sorted(row.items())) for row in rows)
        held["quarantine"] = cursor.execute(
            "select source, uri, stage, reason from quarantine where project = %s order by 1, 2, 3", (project,)
        ).fetchall()
    held["generations"] = [
        (generation.number, generation.state, generation.model_id, generation.current, generation.facts)
        for generation in ledger.generations.all(project)
    ]
    points = growth.points()
    held["points"] = {id_: payload for id_, (payload, _) in points.items()}
    held["sparse vectors"] = {id_: vectors["bm25"] for id_, (_, vectors) in points.items()}
    held["dense vectors"] = {id_: vectors["dense"] for id_, (_, vectors) in points.items()}
    held["graph"] = {
        id_: {name: value for name, value in properties.items() if name not in ("key", "project")}
        for id_, properties in growth.nodes().items()
    }
    return held


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Where two projects differ, one line a part."""
    found = []
    for name in one:
        if one[name] != other[name]:
            mine, theirs = one[name], other[name]
            if isinstance(mine, dict):
                changed = [key for key in mine.keys() & theirs.keys() if mine[key] != theirs[key]]
                detail = f"{len(mine.keys() - theirs.keys())} extra, {len(theirs.keys() - mine.keys())} missing, {len(changed)} other"
                example = next(iter(changed or mine.keys() ^ theirs.keys()))
                detail += f"; {example}: {mine.get(example)} / {theirs.get(example)}"
            else:
                extra = [row for row in mine if row not in theirs]
                missing = [row for row in theirs if row not in mine]
                detail = f"{len(extra)} extra {extra[:2]}, {len(missing)} missing {missing[:2]}"
            found.append(f"{name}: {detail}"[:600])
    return found
