"""What a GraphQL request would change, read before it is passed on. Values only."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLError, InlineFragmentNode, OperationDefinitionNode, parse
from graphql.language import DocumentNode, FragmentDefinitionNode, OperationType, SelectionSetNode

from destiny_assets.errors import ConfigurationError

_MOST_TOKENS = 20_000
_PROJECT_TAG = "dagster/partition"
# What says which thing is meant. The rest of the variables (configuration of runs, tags) is not noted: it may hold secrets.
_NAMES = frozenset({
    *("runId", "runIds", "parentRunId", "rootRunId", "jobName", "pipelineName", "scheduleName", "sensorName", "backfillId"),
    *("partitionKey", "partitionNames", "repositoryLocationName", "assetKey", "poolName", "concurrencyKey"),
})  # fmt: skip
_MOST_NAMES, _MOST_CHARACTERS = 50, 200


@dataclass(frozen=True, slots=True)
class Operation:
    """One request. `changes` are the mutations it carries out, in order; none when it only reads."""

    changes: tuple[str, ...]
    named: tuple[str, ...]
    """``name=value`` of the things it names, in the order of its variables."""
    project: str | None
    """The one project that a run is asked for."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as GraphQL over HTTP writes it."""

    query: str
    variables: Mapping[str, Any]
    operation: str | None

    def dump(self) -> bytes:
        """As it is passed on: written anew, so that what was read and what is carried out can't be two things."""
        said = {"query": self.query, "variables": self.variables, "operationName": self.operation}
        return json.dumps(said).encode()


def request_of(body: bytes) -> Request:
    """Raises `ConfigurationError` where the body is no GraphQL request."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    match said:
        case {"query": str(query)}:
            variables, operation = said.get("variables") or {}, said.get("operationName")
            if isinstance(variables, dict) and (operation is None or isinstance(operation, str)):
                return Request(query, variables, operation)
    raise ConfigurationError("The body is no GraphQL request: send JSON with query, and variables where it takes some.")


def operation_of(request: Request) -> Operation:
    """What it does; raises `ConfigurationError` for a query that cannot be read."""
    # The word is in every mutation, for GraphQL cannot write a keyword otherwise; and queries of the UI take 10 ms to parse.
    if "mutation" not in request.query:
        return Operation((), (), None)
    try:
        document = parse(request.query, no_location=True, max_tokens=_MOST_TOKENS)
        changes = tuple(_changes(document, request.operation))
    except (GraphQLError, RecursionError) as error:
        raise ConfigurationError(f"The GraphQL query cannot be read: {type(error).__name__}.") from error
    named = list(_named(request.variables))[:_MOST_NAMES]
    projects = set(_projects(request.variables))
    return Operation(changes, tuple(named), projects.pop() if len(projects) == 1 else None)


def _changes(document: DocumentNode, operation: str | None) -> Iterator[str]:
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    for one in document.definitions:
        if not isinstance(one, OperationDefinitionNode) or one.operation is not OperationType.MUTATION:
            continue
        if operation is None or (one.name is not None and one.name.value == operation):
            yield from _fields(one.selection_set, fragments, frozenset())


def _fields(
    chosen: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], within: frozenset[str]
) -> Iterator[str]:
    for one in chosen.selections:
        match one:
            case FieldNode():
                yield one.name.value
            case InlineFragmentNode():
                yield from _fields(one.selection_set, fragments, within)
            case FragmentSpreadNode() if (name := one.name.value) in fragments and name not in within:
                yield from _fields(fragments[name].selection_set, fragments, within | {name})


def _named(said: Any, at: str = "") -> Iterator[str]:
    if isinstance(said, dict):
        for key, value in said.items():
            yield from _named(value, key)
    elif isinstance(said, list):
        for value in said:
            yield from _named(value, at)
    elif at in _NAMES and isinstance(said, str):
        yield f"{at}={said[:_MOST_CHARACTERS]}"


def _projects(said: Any) -> Iterator[str]:
    if isinstance(said, dict):
        if said.get("key") == _PROJECT_TAG and isinstance(said.get("value"), str):
            yield said["value"]
        for value in said.values():
            yield from _projects(value)
    elif isinstance(said, list):
        for value in said:
            yield from _projects(value)
