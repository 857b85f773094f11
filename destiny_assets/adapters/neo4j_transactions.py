"""What `neo4j` does inside one transaction of the driver. Opening and retrying them, and errors, are its own business."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from destiny_assets.adapters import cypher
from destiny_assets.domain.graph import EdgeType, NodeLabel
from destiny_assets.errors import ConflictError

if TYPE_CHECKING:
    from neo4j import ManagedTransaction


def merge_edges(transaction: "ManagedTransaction", project: str, type_: EdgeType, rows: list[cypher.Row]) -> int:
    """Write edges of one type whose ends are there, replacing their properties; their number. Raises `ConflictError` for an end that is not."""
    source, target = cypher.ENDS[type_]
    number = number_of(
        transaction,
        f"UNWIND $rows AS row MATCH (source:{source} {{key: row.source}}) MATCH (target:{target} {{key: row.target}}) "
        f"MERGE (source)-[item:{type_} {{key: row.key}}]->(target) SET item = row.properties RETURN count(*) AS number",
        {"rows": rows},
    )
    if number != len(rows):
        for label, end in ((source, "source"), (target, "target")):
            keys = {cast("str", row[end]) for row in rows}
            there = transaction.run(
                f"MATCH (item:{label}) WHERE item.key IN $keys RETURN item.key",
                keys=sorted(keys),
            )
            missing = sorted(keys - {key for (key,) in there})
            if missing:
                raise ConflictError(
                    f"An edge {type_} needs a {label} {missing[0].removeprefix(project + '/')!r} as its {end}, which the "
                    f"graph of {project!r} lacks: write nodes before edges."
                )
    return number


def consume(transaction: "ManagedTransaction", text: str) -> None:
    """Run a statement that answers nothing."""
    transaction.run(text).consume()


def triples(transaction: "ManagedTransaction", text: str, parameters: dict[str, Any]) -> list[tuple[str, int, int]]:
    """What a statement answers, three columns a row."""
    return [(identity, born, died) for identity, born, died in transaction.run(text, parameters)]


def number_of(transaction: "ManagedTransaction", text: str, parameters: dict[str, Any]) -> int:
    """The column `number` of the one row that a statement answers; 0 of none."""
    record = transaction.run(text, parameters).single()
    return cast("int", record["number"]) if record else 0


def around(transaction: "ManagedTransaction", parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Origin, type and id of an edge, whether it leaves the origin, label and properties of the other end."""
    visible = f"{cypher.VISIBLE.format('edge')} AND {cypher.VISIBLE.format('other')}"
    return [
        tuple(record)
        for label in NodeLabel
        for record in transaction.run(
            f"MATCH (origin:{label}) WHERE origin.key IN $keys "
            f"CALL {{ WITH origin MATCH (origin)-[edge]-(other) WHERE {visible} "
            "RETURN edge, other ORDER BY type(edge), edge.id LIMIT $limit } "
            "RETURN origin.id, type(edge), edge.id, startNode(edge).key = origin.key, labels(other)[0], properties(other)",
            parameters,
        )
    ]


def summed(transaction: "ManagedTransaction", texts: Sequence[str], parameters: dict[str, Any]) -> int:
    """The sum of the numbers that statements answer."""
    return sum(number_of(transaction, text, parameters) for text in texts)
