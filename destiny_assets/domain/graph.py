"""The shape of the graph layer: nodes and edges, each with the generations it is visible in.

A row is visible to a reader at generation ``g`` when ``born <= g < died``. `FOREVER` is the `died` of a living row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

FOREVER = 2**31 - 1

Property = str | int | float | bool | list[str]


class NodeLabel(StrEnum):
    """What a node is."""

    DOCUMENT = "Document"
    CHUNK = "Chunk"
    ENTITY = "Entity"
    DECISION = "Decision"
    CLAIM = "Claim"


class EdgeType(StrEnum):
    """What an edge says: chunk PART_OF document, chunk MENTIONS entity, entity DENOTES document, document entity to document entity;
    decision DECIDED_IN document, DECIDED_BY entity, REPLACES decision; claim STATED_IN document, ABOUT entity; entity SAME_AS the
    entity that it is read as.
    """

    PART_OF = "PART_OF"
    MENTIONS = "MENTIONS"
    DENOTES = "DENOTES"
    LINKS_TO = "LINKS_TO"
    REQUIRES = "REQUIRES"
    SUPERSEDES = "SUPERSEDES"
    DECIDED_IN = "DECIDED_IN"
    DECIDED_BY = "DECIDED_BY"
    REPLACES = "REPLACES"
    STATED_IN = "STATED_IN"
    ABOUT = "ABOUT"
    SAME_AS = "SAME_AS"


@dataclass(frozen=True, slots=True)
class Node:
    """A node; `id` is unique within its project over all labels."""

    id: str
    label: NodeLabel
    born: int
    properties: Mapping[str, Property] = field(default_factory=dict)
    died: int = FOREVER


@dataclass(frozen=True, slots=True)
class Edge:
    """A directed edge between two nodes of one project; `id` is unique within the project over all types."""

    id: str
    type: EdgeType
    source: str
    target: str
    born: int
    properties: Mapping[str, Property] = field(default_factory=dict)
    died: int = FOREVER


@dataclass(frozen=True, slots=True)
class HeldItem:
    """A node or edge as a store holds it, right or wrong: label or type, the keys of an edge's ends, every property but the key."""

    id: str
    kind: str
    ends: tuple[str, str] | None
    properties: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node reached from `origin` over `edge`, in the direction it was found."""

    origin: str
    edge: EdgeType
    outgoing: bool
    node: Node
