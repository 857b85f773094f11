"""The graph layer in Neo4j, or in anything that speaks Bolt and openCypher as ArcadeDB does.

Only Cypher that Neo4j 5 and ArcadeDB share stands here. A node or edge is found by its unique property ``key`` =
``project/id``; the other reserved properties are ``project``, ``id``, ``born`` and ``died``. There is no index on ``project``:
with few different values it cost ArcadeDB two thirds of its write rate, and made deleting 20,000 edges take 40 s instead
of 1 s. A project is a range of keys.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from more_itertools import chunked

from destiny_assets.adapters import cypher
from destiny_assets.adapters import neo4j_transactions as transactions
from destiny_assets.domain.graph import Edge, EdgeType, HeldItem, Neighbour, Node, NodeLabel
from destiny_assets.errors import ConfigurationError, ConflictError, StoreUnavailableError
from destiny_assets.telemetry import calling

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction, Record, Session
    from tenacity import Retrying

_Result = TypeVar("_Result")

_DELETE_BATCH = 5_000
_FETCH = 2_000
_ATTEMPTS = 8
_SCHEMES = frozenset({"bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"})
_CONSTRAINT = "Neo.ClientError.Schema.ConstraintValidationFailed"


def connect(url: str) -> "Neo4jKnowledgeGraph":
    """The graph at ``bolt://user:password@host:port[/database]`` (or ``neo4j://``, ``+s`` for TLS); nothing is sent yet.

    Raises `ConfigurationError` for a URL that can't be one.
    """
    from neo4j import GraphDatabase

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 7687
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if parts.scheme not in _SCHEMES or not host:
        raise ConfigurationError(
            "DESTINY_NEO4J_URL is no address of a graph: write it as bolt://user:password@host:port/database."
        )
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    driver = GraphDatabase.driver(
        f"{parts.scheme}://{shown}",
        auth=(unquote(parts.username or ""), unquote(parts.password or "")) if parts.username else None,
        connection_timeout=5,
        connection_acquisition_timeout=30,
        # A server that was restarted leaves dead connections in the pool.
        liveness_check_timeout=10,
        max_transaction_retry_time=0,
        notifications_min_severity="OFF",
    )
    return Neo4jKnowledgeGraph(driver, shown, unquote(parts.path.strip("/")) or None)


class Neo4jKnowledgeGraph:
    """`KnowledgeGraph` over the official driver; threads may share one. Close it, or use it as a context manager."""

    def __init__(self, driver: "Driver", address: str, database: str | None) -> None:
        self._driver = driver
        self.address = address
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; harmless when they are closed."""
        self._driver.close()

    def prepare(self) -> None:
        """Create the unique constraint of each label and each edge type; harmless when they are there."""
        patterns = [(str(label), f"(item:{label})") for label in NodeLabel]
        patterns += [(str(type_), f"()-[item:{type_}]-()") for type_ in EdgeType]
        for name, pattern in patterns:
            constraint = f"CREATE CONSTRAINT {name.lower()}_key IF NOT EXISTS FOR {pattern} REQUIRE item.key IS UNIQUE"
            self._write(partial(transactions.consume, text=constraint))

    def upsert_nodes(self, project: str, nodes: Iterable[Node]) -> int:
        """Write nodes by id, replacing their properties; the number written.

        Raises `ConflictError` for a property with a reserved name (key, project, id, born, died).
        """
        return self._write_in_step(
            partial(
                transactions.number_of,
                text=f"UNWIND $rows AS row MERGE (item:{label} {{key: row.key}}) SET item = row.properties "
                "RETURN count(*) AS number",
                parameters={"rows": rows},
            )
            for label, rows in cypher.batches((node.label, cypher.item_row(project, node)) for node in nodes)
        )

    def upsert_edges(self, project: str, edges: Iterable[Edge]) -> int:
        """Write edges by id between nodes that exist, a batch wholly or not at all; the number written.

        Raises `ConflictError` naming a missing end, an id that other nodes' edge has, or a property with a reserved name.
        """
        return self._write_in_step(
            partial(transactions.merge_edges, project=project, type_=type_, rows=rows)
            for type_, rows in cypher.batches((edge.type, cypher.edge_row(project, edge)) for edge in edges)
        )

    def retire(self, project: str, ids: Iterable[str], generation: int) -> int:
        """Set ``died = generation`` on nodes and edges with those ids; the number changed."""
        texts = [
            f"MATCH {pattern} WHERE item.key IN $keys AND item.died <> $generation "
            "SET item.died = $generation RETURN count(*) AS number"
            for pattern in cypher.patterns().values()
        ]
        return self._for_keys(project, ids, texts, generation=generation)

    def remove(self, project: str, ids: Iterable[str]) -> int:
        """Delete nodes (with their edges) and edges with those ids; the number that were there."""
        edges = [f"MATCH ()-[item:{type_}]->() WHERE item.key IN $keys DELETE item" for type_ in EdgeType]
        nodes = [f"MATCH (item:{label}) WHERE item.key IN $keys DETACH DELETE item" for label in NodeLabel]
        return self._for_keys(project, ids, [f"{text} RETURN count(*) AS number" for text in (*edges, *nodes)])

    def count(self, project: str, generation: int) -> dict[str, int]:
        """Visible nodes by label and edges by type; every label and type is there, be it with 0."""

        def counted(transaction: "ManagedTransaction") -> dict[str, int]:
            return {
                name: transactions.number_of(
                    transaction,
                    f"{text} RETURN count(*) AS number",
                    {**cypher.key_range(project), "generation": generation},
                )
                for name, text in cypher.matching(cypher.VISIBLE).items()
            }

        return self._read(counted)

    def ids(self, project: str, generation: int) -> Iterator[tuple[str, str]]:
        """(label or type, id) of every visible node and edge, streamed; label by label, in no order within one."""
        return self._stream(project, cypher.VISIBLE, generation)

    def held(self, project: str) -> Iterator[HeldItem]:
        """Every node and edge of a project in any generation, streamed; edges of foreign types are not looked for."""
        for label in NodeLabel:
            text = f"MATCH (item:{label}) WHERE {cypher.OF_PROJECT.format('item')} RETURN properties(item)"
            for (properties,) in self._records(text, project):
                yield cypher.held_item(project, str(label), None, properties)
        for type_, (start, _) in cypher.ENDS.items():
            text = (
                f"MATCH (start:{start})-[item:{type_}]->(end) WHERE {cypher.OF_PROJECT.format('start')} "
                "RETURN start.key, end.key, properties(item)"
            )
            for source, target, properties in self._records(text, project):
                yield cypher.held_item(project, str(type_), (source, target), properties)

    def named(self, project: str, ids: Sequence[str]) -> list[HeldItem]:
        """Those of the nodes and edges that exist, by id."""
        found = []
        for some in chunked(ids, cypher.BATCH):
            keys = [f"{project}/{identity}" for identity in some]
            for name, pattern in cypher.patterns().items():
                ends = ("startNode(item).key", "endNode(item).key") if name in cypher.ENDS else ("null", "null")
                text = (
                    f"MATCH {pattern} WHERE item.key IN $keys "
                    f"RETURN {ends[0]} AS source, {ends[1]} AS target, properties(item)"
                )
                for source, target, properties in self._records(text, project, keys=keys):
                    found.append(
                        cypher.held_item(project, name, (source, target) if name in cypher.ENDS else None, properties)
                    )
        return found

    def marked(self, project: str, mark: Literal["born", "died"], generation: int) -> Iterator[tuple[str, str]]:
        """(label or type, id) of every node and edge born or died in one generation, streamed like `ids`."""
        return self._stream(project, f"{{0}}.{mark} = $generation", generation)

    def lifetimes(
        self, project: str, items: Iterable[tuple[NodeLabel | EdgeType, str]]
    ) -> Iterator[tuple[str, int, int]]:
        """(id, born, died) of those of the items, each a label or type and an id, that are there; found by their keys."""
        rows: Iterator[tuple[NodeLabel | EdgeType, cypher.Row]] = (
            (kind, {"key": f"{project}/{identity}"}) for kind, identity in items
        )
        for kind, batch in cypher.batches(rows):
            pattern = f"(item:{kind})" if isinstance(kind, NodeLabel) else f"()-[item:{kind}]->()"
            text = f"MATCH {pattern} WHERE item.key IN $keys RETURN item.id, item.born, item.died"
            yield from self._read(
                partial(transactions.triples, text=text, parameters={"keys": [row["key"] for row in batch]})
            )

    def neighbours(self, project: str, ids: Sequence[str], generation: int, limit: int = 50) -> list[Neighbour]:
        """Visible nodes one visible edge away from any of `ids`, at most `limit` an origin.

        In the order of `ids`, then by type and id of the edge. Origins themselves need not be visible.
        """
        order = {identity: place for place, identity in enumerate(dict.fromkeys(ids))}
        found: list[tuple[int, str, str, Neighbour]] = []
        remaining = iter(order)
        while batch := list(islice(remaining, cypher.BATCH)):
            keys = [f"{project}/{identity}" for identity in batch]
            parameters = {"keys": keys, "generation": generation, "limit": limit}
            for origin, kind, edge, outgoing, label, properties in self._read(
                partial(transactions.around, parameters=parameters)
            ):
                neighbour = Neighbour(origin, EdgeType(kind), outgoing, cypher.node_of(label, properties))
                found.append((order[origin], kind, edge, neighbour))
        return [neighbour for *_, neighbour in sorted(found, key=lambda row: row[:3])]

    def remove_dead(self, project: str, generation: int) -> int:
        """Delete the nodes and edges that died in `generation` or before; the number of both."""
        return sum(
            self._delete(
                project,
                f"(start:{source})-[item:{type_}]->()",
                "start",
                "DELETE",
                f" AND item.died <= {int(generation)}",
            )
            for type_, (source, _) in cypher.ENDS.items()
        ) + sum(
            self._delete(project, f"(item:{label})", "item", "DETACH DELETE", f" AND item.died <= {int(generation)}")
            for label in NodeLabel
        )

    def drop(self, project: str) -> int:
        """Delete everything of a project in bounded transactions; the number of nodes that were there."""
        for type_, (source, _) in cypher.ENDS.items():
            self._delete(project, f"(start:{source})-[item:{type_}]->()", "start", "DELETE")
        return sum(self._delete(project, f"(item:{label})", "item", "DETACH DELETE") for label in NodeLabel)

    def _delete(self, project: str, pattern: str, bound: str, verb: str, condition: str = "") -> int:
        text = (
            f"MATCH {pattern} WHERE {cypher.OF_PROJECT.format(bound)}{condition} WITH item LIMIT {_DELETE_BATCH} "
            f"{verb} item RETURN count(*) AS number"
        )
        deleted = 0
        while number := self._write(partial(transactions.number_of, text=text, parameters=cypher.key_range(project))):
            deleted += number
        return deleted

    def _for_keys(self, project: str, ids: Iterable[str], texts: Sequence[str], **parameters: object) -> int:
        """Run each statement for batches of keys, one transaction a batch; the sum of their numbers."""
        remaining = iter(ids)
        total = 0
        while batch := list(islice(remaining, cypher.BATCH)):
            keys = [f"{project}/{identity}" for identity in batch]
            total += self._write(partial(transactions.summed, texts=texts, parameters={"keys": keys, **parameters}))
        return total

    def _stream(self, project: str, condition: str, generation: int) -> Iterator[tuple[str, str]]:
        for name, text in cypher.matching(condition).items():
            for (identity,) in self._records(f"{text} RETURN item.id", project, generation=generation):
                yield name, identity

    def _records(self, text: str, project: str, **parameters: object) -> "Iterator[Record]":
        with self._talking(), ExitStack() as sessions:

            def begun() -> "tuple[list[Record], Iterator[Record]]":
                session = sessions.enter_context(self._session())
                records = iter(session.run(text, cypher.key_range(project), **parameters))
                return list(islice(records, 1)), records

            # Once something was handed out there is no beginning again.
            first, others = self._retrying()(begun)
            yield from first
            yield from others

    def _session(self) -> "Session":
        return self._driver.session(database=self._database, fetch_size=_FETCH)

    def _write_in_step(self, writes: "Iterable[Callable[[ManagedTransaction], int]]") -> int:
        """Writes in order, one at a time: the next is made here while the server works on this one."""
        written = 0
        writing: Future[int] | None = None
        with ThreadPoolExecutor(1) as writer:
            for work in writes:
                if writing is not None:
                    written += writing.result()
                writing = writer.submit(self._write, work)
            if writing is not None:
                written += writing.result()
        return written

    def _write(self, work: "Callable[[ManagedTransaction], _Result]") -> _Result:
        with self._talking():
            return self._retried(lambda session: session.execute_write(work))

    def _read(self, work: "Callable[[ManagedTransaction], _Result]") -> _Result:
        with self._talking():
            return self._retried(lambda session: session.execute_read(work))

    def _retried(self, attempt: "Callable[[Session], _Result]") -> _Result:
        def once() -> _Result:
            with self._session() as session:
                return attempt(session)

        return self._retrying()(once)

    @staticmethod
    def _retrying() -> "Retrying":
        """Again after conflicts, of which readers get some too; two that merge one new key at once both may fail, whole."""
        from neo4j.exceptions import DriverError, Neo4jError
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        def passing(error: BaseException) -> bool:
            return isinstance(error, DriverError | Neo4jError) and (
                error.is_retryable() or getattr(error, "code", None) == _CONSTRAINT
            )

        return Retrying(
            retry=retry_if_exception(passing),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=1),
            reraise=True,
        )

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """The driver's errors as ours; their texts may hold data, never the password."""
        from neo4j.exceptions import AuthError, DriverError, Neo4jError

        try:
            with calling("graph", "request"):
                yield
        except AuthError as error:
            raise ConfigurationError(
                f"The graph at {self.address} refuses the user or password: check DESTINY_NEO4J_URL."
            ) from error
        except DriverError as error:
            raise StoreUnavailableError(
                f"The graph at {self.address} does not answer ({type(error).__name__}): start it with `destiny up`, "
                "or check DESTINY_NEO4J_URL."
            ) from error
        except Neo4jError as error:
            if error.code == _CONSTRAINT:
                raise ConflictError(
                    f"The graph at {self.address} refused a write, since an id is taken by another item or writers kept "
                    "colliding: let one writer a project run at a time, and run it again."
                ) from error
            raise StoreUnavailableError(
                f"The graph at {self.address} failed ({error.code}): look into the server's log, and run it again."
            ) from error
