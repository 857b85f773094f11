"""`Library`: leafing through what a generation shows (documents, entities, the graph around them, changes). Searching is the service's."""

from dataclasses import dataclass, field
from typing import Any

from destiny_assets.adapters.postgres.browsing import DocumentRow, EntityRow, MentionRow
from destiny_assets.adapters.postgres.decisions import StoredDecision
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.generations import layer_id
from destiny_assets.errors import LayerAwayError, NotFoundError
from destiny_assets.ports import DocumentStore, KnowledgeGraph
from destiny_assets.serving.circuits import Circuits


@dataclass(frozen=True, slots=True)
class EntityPage:
    """An entity with the first chunks that name it."""

    entity: EntityRow
    mentions: list[MentionRow]


@dataclass(frozen=True, slots=True)
class NodeShown:
    """A node of the graph. `id` is that of the chunk, entity, decision or document version it stands for."""

    id: str
    label: str
    name: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EdgeShown:
    """An edge to `node`; `outgoing` when it leaves the node that was asked about."""

    type: str
    outgoing: bool
    node: NodeShown


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A node and the nodes one edge away, at most as many as were asked for; none where `degraded` says that the graph is away."""

    project: str
    generation: int
    node: NodeShown
    edges: list[EdgeShown]
    degraded: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DecisionHistory:
    """A decision, with what it replaced and what replaced it, each chain nearest first."""

    project: str
    generation: int
    decision: StoredDecision
    replaced: list[StoredDecision]
    replaced_by: list[StoredDecision]


class Library:
    """Reads of one generation; thread-safe. It owns nothing: whoever made the adapters closes them."""

    def __init__(
        self, ledger: PostgresLedger, originals: DocumentStore, graph: KnowledgeGraph, circuits: Circuits
    ) -> None:
        self._circuits = circuits
        self._ledger = ledger
        self._originals = originals
        self._graph = graph

    def document(self, project: str, generation: int, id_: str) -> DocumentRow:
        """One document; raises `NotFoundError`."""
        found = self._ledger.browsing.document(project, generation, id_)
        if found is None:
            raise self._unknown("document", project, generation, id_)
        return found

    def text(self, project: str, generation: int, id_: str) -> str:
        """A document's parsed text; raises `NotFoundError`."""
        found = self._ledger.browsing.text(project, generation, id_)
        if found is None:
            raise self._unknown("document", project, generation, id_)
        return found

    def original(self, project: str, generation: int, id_: str) -> tuple[DocumentRow, bytes]:
        """A document and the bytes it was read from; raises `NotFoundError`, `DamagedOriginalError`, `StoreUnavailableError`."""
        found = self.document(project, generation, id_)
        with self._circuits.reaching("originals"):
            return found, self._originals.get(project, found.sha256)

    def entity(self, project: str, generation: int, id_: str, mentions: int) -> EntityPage:
        """One entity with its first `mentions` chunks; raises `NotFoundError`."""
        found = self._ledger.browsing.entity(project, generation, id_)
        if found is None:
            raise self._unknown("entity", project, generation, id_)
        return EntityPage(found, self._ledger.browsing.mentions(project, generation, id_, mentions))

    def neighbourhood(self, project: str, generation: int, id_: str, limit: int) -> Neighbourhood:
        """What surrounds a document, chunk, entity or decision; raises `NotFoundError`."""
        found = self._ledger.browsing.graph_items(project, generation, [id_])
        if not found:
            raise self._unknown("document, chunk, entity or decision", project, generation, id_)
        origin = found[0]
        try:
            around = self._circuits.within(
                "graph",
                lambda: self._graph.neighbours(project, [layer_id(origin.id, origin.born)], generation, limit),
            )
        except LayerAwayError as error:
            shown = NodeShown(origin.id, origin.label, origin.name, {})
            return Neighbourhood(project, generation, shown, [], [error.layer])
        edges = []
        for neighbour in around:
            held = dict(neighbour.node.properties)
            name = str(held.get("name") or held.get("title") or held.get("heading") or held.get("preview") or "")
            shown = NodeShown(str(held.pop("item", "")), str(neighbour.node.label), name, held)
            edges.append(EdgeShown(str(neighbour.edge), neighbour.outgoing, shown))
        return Neighbourhood(project, generation, NodeShown(origin.id, origin.label, origin.name, {}), edges)

    def decision_history(self, project: str, generation: int, id_: str) -> DecisionHistory:
        """A decision with its predecessors and successors; raises `NotFoundError`."""
        shown = self._ledger.decisions.shown(project, generation)
        by_key: dict[str, StoredDecision] = {decision.key: decision for decision in shown}
        one = next((decision for decision in shown if decision.id == id_), None)
        if one is None:
            raise self._unknown("decision", project, generation, id_)
        older: dict[str, list[StoredDecision]] = {}
        for decision in shown:
            for newer in decision.superseded_by:
                older.setdefault(newer, []).append(decision)

        def chain(first: list[StoredDecision], forward: bool) -> list[StoredDecision]:
            found: dict[str, StoredDecision] = {}
            queue = list(first)
            while queue:
                decision = queue.pop(0)
                if decision.id == id_ or decision.id in found:
                    continue
                found[decision.id] = decision
                queue += (
                    [by_key[key] for key in decision.superseded_by if key in by_key]
                    if forward
                    else older.get(decision.key, [])
                )
            return list(found.values())

        return DecisionHistory(
            project,
            generation,
            one,
            chain(older.get(one.key, []), forward=False),
            chain([by_key[key] for key in one.superseded_by if key in by_key], forward=True),
        )

    @staticmethod
    def _unknown(what: str, project: str, generation: int, id_: str) -> NotFoundError:
        return NotFoundError(
            f"Generation {generation} of {project!r} shows no {what} {id_}. Take an id from a list or a search of that generation."
        )
