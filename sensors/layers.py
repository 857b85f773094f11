"""What happens to the layers behind Destiny's back."""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.generations import Generation
from destiny_assets.errors import DestinyError
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import DocumentStore, KnowledgeGraph
from destiny_assets.serving.health import diagnose
from jobs.care import DEEP, repair_project

# A tick has 60 seconds, and comparing item by item takes about 30 s for a million items.
_LOOK_ITEMS = 200_000
_LOOK_EVERY = timedelta(hours=6)
_DEEP_EVERY = timedelta(days=1)
_ASK_AGAIN = timedelta(hours=6)


@dg.sensor(job=repair_project, minimum_interval_seconds=600, default_status=dg.DefaultSensorStatus.RUNNING)
def on_layer_drift(
    context: dg.SensorEvaluationContext,
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    vectors: ResourceParam[QdrantVectorIndex],
    graph: ResourceParam[KnowledgeGraph],
) -> dg.SensorResult:
    """Ask for a repair of each project whose layers are not what its ledger says; silent while they are.

    Each tick compares counts. Every six hours one tick compares the items of a project, ids and contents, over all its generations;
    a project too large for a tick gets a deep run of `repair_project` once a day instead, which mends nothing where nothing drifted.
    The cursor holds for each project when it was last looked at and what was last asked for, so that a drift that cannot be mended
    asks once in six hours, not with every tick.
    """
    now = datetime.now(UTC)
    before: dict[str, dict[str, str]] = json.loads(context.cursor or "{}")
    partitions = set(context.instance.get_dynamic_partitions(str(PROJECTS.name)))
    after: dict[str, dict[str, str]] = {}
    requests = []
    for project in ledger.projects.names():
        current = ledger.generations.current(project)
        if project not in partitions or current is None:
            continue
        state = after[project] = dict(before.get(project, {}))
        try:
            drift = _counts_apart(ledger, vectors, graph, current, state)
            if not drift and now - _time(state.get("looked_at")) >= _LOOK_EVERY and _items(state) <= _LOOK_ITEMS:
                state["looked_at"] = now.isoformat()
                drift = _items_apart(ledger, originals, vectors, graph, project)
        except DestinyError as error:
            context.log.warning(f"The layers of {project!r} could not be looked at: {error}")
            continue
        deep = not drift and _items(state) > _LOOK_ITEMS and now - _time(state.get("deep_at")) >= _DEEP_EVERY
        if deep:
            state["deep_at"] = now.isoformat()
            drift = "too large to be compared within a tick"
        elif not drift:
            state.pop("asked", None)
            continue
        elif state.get("asked") == drift and now - _time(state.get("asked_at")) < _ASK_AGAIN:
            continue
        state |= {"asked": drift, "asked_at": now.isoformat()}
        context.log.info(f"{project}: {drift}")
        tags = {"destiny/drift": drift, DEEP: str(deep).lower()}
        requests.append(dg.RunRequest(run_key=f"{project}:{now.isoformat()}", partition_key=project, tags=tags))
    cursor = json.dumps(after, sort_keys=True)
    if not requests:
        # With a result, so that what was looked at is remembered.
        return dg.SensorResult(skip_reason="every layer is what its ledger says", cursor=cursor)
    return dg.SensorResult(run_requests=requests, cursor=cursor)


def _counts_apart(
    ledger: PostgresLedger,
    vectors: QdrantVectorIndex,
    graph: KnowledgeGraph,
    current: Generation,
    state: dict[str, str],
) -> str:
    """What the layers hold too little or too much at the current generation, in words; empty where the counts agree."""
    project, number = current.project, current.number
    if state.get("generation") != str(number):
        # Counts of a published generation never change, and asking for them costs more than asking the layers.
        sizes = ledger.reading.layer_sizes(project, number)
        counts = {layer: sizes[layer] for layer in ("vectors", "graph")}
        state |= {"generation": str(number), "counts": json.dumps(counts, sort_keys=True)}
    expected: dict[str, int] = json.loads(state["counts"])
    collection = current.collection
    found = {
        "vectors": vectors.count(collection, number) if collection and vectors.exists(collection) else 0,
        "graph": sum(graph.count(project, number).values()),
    }
    return ", ".join(
        f"{layer}: {found[layer]} for {expected[layer]}" for layer in expected if found[layer] != expected[layer]
    )


def _items_apart(
    ledger: PostgresLedger,
    originals: DocumentStore,
    vectors: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
) -> str:
    """What differs item by item, in words; a layer that does not answer is no drift."""
    found = diagnose(ledger, originals, vectors, graph, project)
    return ", ".join(
        f"{layer}: {count} {side}"
        for side, layers in found.agreement.items()
        for layer, count in layers.items()
        if count
    )


def _items(state: dict[str, str]) -> int:
    return sum(json.loads(state.get("counts", "{}")).values())


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
