"""Qdrant's wire format: bodies in, models out; results and errors in, bytes out. No engine and no routing here."""

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from destiny_assets.errors import DestinyError

T = TypeVar("T")
PointId = int | uuid.UUID

_LARGEST_POINT_NUMBER = 2**64 - 1
_SHOWN_PROBLEMS = 3


class RequestError(DestinyError):
    """A request that is answered with an HTTP status other than 200, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def unsupported(field: str) -> RequestError:
    """501 naming the part of Qdrant's API this server leaves out; silence would be a wrong answer."""
    return RequestError(501, f"Not implemented by this local server: {field}")


def bad_request(message: str) -> RequestError:
    """400 in Qdrant's words."""
    return RequestError(400, f"Wrong input: {message}")


def unprocessable(field: str, rule: str) -> RequestError:
    """422: the body is well formed and one value of it is out of range."""
    return RequestError(422, f"Validation error in JSON body: [{field}: {rule}]")


def parse(adapter: TypeAdapter[T], body: bytes) -> T:
    """`body` as the model of `adapter`; an unknown field, a wrong type or broken JSON is a 400 naming it."""
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        # A union reports every member it tried: the field nobody knows is the one a person mistyped.
        problems.sort(key=lambda problem: problem["type"] != "extra_forbidden")
        shown = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
            for problem in problems[:_SHOWN_PROBLEMS]
        )
        raise RequestError(400, f"Format error in JSON body: {shown}") from error


def reject_set(model: BaseModel, *fields: str, where: str = "") -> None:
    """501 for the first of `fields` that the request sets."""
    for name in fields:
        if getattr(model, name) is not None:
            raise unsupported(f"{where}{name}")


def point_id(value: int | str | uuid.UUID) -> PointId:
    """A point's id as the engine wants it: a 64-bit number or a UUID; anything else is a 400."""
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, int):
        if 0 <= value <= _LARGEST_POINT_NUMBER:
            return value
    else:
        try:
            return uuid.UUID(value)
        except ValueError:
            pass
    raise bad_request(f"value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID")


def point_order(identity: PointId) -> tuple[bool, int]:
    """Sort key of Qdrant's point order: numbers first, then UUIDs, each ascending."""
    return (True, identity.int) if isinstance(identity, uuid.UUID) else (False, identity)


def result_json(result: Any, seconds: float) -> bytes:
    """The envelope of a successful answer."""
    return to_json({"result": result, "status": "ok", "time": seconds})


def error_json(message: str, seconds: float) -> bytes:
    """The envelope of a refused request."""
    return to_json({"status": {"error": message}, "time": seconds})


def check_parameters(parameters: Mapping[str, str], allowed: frozenset[str]) -> None:
    """400 for a query parameter Qdrant does not have on this route.

    The known ones (`wait`, `ordering`, `consistency`, `timeout`) ask for less than a single node always gives: every
    write is applied, in order, before it is answered.
    """
    for name in parameters:
        if name not in allowed:
            raise bad_request(f"unknown query parameter `{name}`")
