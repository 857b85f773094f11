"""Refusals and failures as problem details (RFC 9457): what happened, to what, and what to do next. Never a secret, never a traceback."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from destiny_assets.errors import (
    ConfigurationError,
    ConflictError,
    DamagedOriginalError,
    DestinyError,
    ModelError,
    NotFoundError,
    StoreUnavailableError,
    UnreadableDocumentError,
)

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("destiny.api")
_BUSY_SECONDS = "2"


class Problem(BaseModel):
    """Why a request was not answered."""

    type: str = Field(description="Names the kind of problem for programs; lasting.")
    title: str = Field(description="The kind of problem, in words.")
    status: int = Field(description="The HTTP status once more.")
    detail: str = Field(description="What happened, to what, and what to do next.")
    request_id: str | None = Field(default=None, description="Under this id the request is in the server's log.")
    errors: list[dict[str, str]] | None = Field(
        default=None, description="Each wrong part of the request: where, what."
    )


UNFORESEEN = "Something went wrong that should not. Report it with the request id; the server's log has the rest."

# name: (status, title)
KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be understood"),
    "unauthorized": (401, "No valid key or token"),
    "forbidden": (403, "Not allowed"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "Not a method of this address"),
    "conflict": (409, "Contradicts what is there"),
    "too-large": (413, "Too large"),
    "invalid": (422, "Parts of the request are wrong"),
    "unreadable-document": (422, "A document that cannot be taken"),
    "too-many-requests": (429, "Too many requests"),
    "failed": (500, "The server failed"),
    "model-failed": (502, "A model failed"),
    "unavailable": (503, "A layer does not answer"),
}


class RefusedError(Exception):
    """A request is refused; `kind` is one of `KINDS`."""

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.headers = kind, detail, dict(headers or {})


def problem(
    kind: str, detail: str, request_id: str | None, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """The response for a kind of problem."""
    status, title = KINDS[kind]
    told = {
        "type": f"urn:destiny:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **more,
    }
    body = json.dumps({name: value for name, value in told.items() if value is not None}).encode()
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def kind_of(error: DestinyError) -> str:
    """The kind of problem that an error of Destiny's is."""
    match error:
        case NotFoundError():
            return "not-found"
        case ConflictError():
            return "conflict"
        case UnreadableDocumentError():
            return "unreadable-document"
        case DamagedOriginalError():
            return "failed"
        case StoreUnavailableError():
            return "unavailable"
        case ModelError():
            return "model-failed"
        case ConfigurationError():
            return "bad-request"
        case _:
            return "failed"


def install(app: FastAPI) -> None:
    """Let every error leave as a problem."""

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return problem(error.kind, error.detail, request_id(request), error.headers)

    @app.exception_handler(DestinyError)
    async def known(request: Request, error: DestinyError) -> Response:
        kind = kind_of(error)
        if kind in ("failed", "unavailable", "model-failed"):
            _LOG.warning(json.dumps({"request_id": request_id(request), "problem": kind, "detail": str(error)}))
        headers = {"Retry-After": _BUSY_SECONDS} if kind == "unavailable" else {}
        return problem(kind, str(error), request_id(request), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # What was sent is not repeated: it may be a secret in the wrong place.
        wrong = [{"where": ".".join(map(str, item["loc"])), "what": str(item["msg"])} for item in error.errors()]
        told = "; ".join(f"{item['where']}: {item['what']}" for item in wrong[:3])
        return problem("invalid", f"{told}. /v1/openapi.json says what is expected.", request_id(request), errors=wrong)

    @app.exception_handler(HTTPException)
    async def by_status(request: Request, error: HTTPException) -> Response:
        details = {
            404: ("not-found", f"There is no address {request.url.path!r}. /v1/openapi.json lists all of them."),
            405: ("method-not-allowed", f"{request.method} is not a method of this address. See /v1/openapi.json."),
            413: ("too-large", str(error.detail)),
        }
        kind, detail = details.get(
            error.status_code, ("bad-request", f"The request cannot be understood: {error.detail}.")
        )
        return problem(kind, detail, request_id(request), error.headers)


def request_id(request: Request) -> str | None:
    """The id that the gate gave a request."""
    return getattr(request.state, "request_id", None)
