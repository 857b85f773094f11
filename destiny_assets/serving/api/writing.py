"""Writes: each is in the audit log before it happens, and one sent twice under the same idempotency key happens once."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.responses import Response

from destiny_assets.domain.access import Caller
from destiny_assets.errors import DestinyError
from destiny_assets.serving.api.doors import Doors, TheCaller, TheDoors
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.api.reading import as_json

_RETRY_SECONDS = "1"


class Writer:
    """Carries out one write of one caller."""

    def __init__(self, request: Request, doors: Doors, caller: Caller, key: str | None) -> None:
        """`key` is the idempotency key, if one came."""
        self._request, self._doors, self.caller, self._key = request, doors, caller, key

    def perform(
        self,
        action: str,
        project: str | None,
        detail: dict[str, Any],
        work: Callable[[], Any],
        shape: Any,
        *,
        status: int = 200,
        body: bytes = b"",
    ) -> Response:
        """Note the action, do the work, answer with what it returned as JSON of `shape`.

        `body` is what was sent, where `detail` does not tell all of it. Raises what `work` raises, and `RefusedError` for a key that
        came with another request or whose request is at work.
        """
        if self._key is None:
            return self._done(action, project, detail, work, shape, status)
        answers, actor = self._doors.ledger.kept_answers, self.caller.id
        told = f"{self._request.method} {self._request.url.path}?{self._request.url.query} {sorted(detail.items())}"
        digest = hashlib.sha256(told.encode("utf-8", "surrogateescape") + b"\0" + body).digest()
        kept = answers.begin(actor, self._key, digest)
        if kept is not None:
            if kept.request != digest:
                raise RefusedError(
                    "invalid", "This Idempotency-Key came with another request before. Make a new one for each request."
                )
            if kept.status is None:
                raise RefusedError(
                    "conflict",
                    "The request with this Idempotency-Key is at work. Send it again in a moment.",
                    {"Retry-After": _RETRY_SECONDS},
                )
            return Response(kept.body, kept.status, {"Idempotency-Replayed": "true"}, "application/json")
        done = False
        try:
            response = self._done(action, project, detail, work, shape, status)
            answers.keep(actor, self._key, response.status_code, bytes(response.body))
            done = True
        finally:
            if not done:
                answers.give_up(actor, self._key)
        return response

    def _done(
        self, action: str, project: str | None, detail: dict[str, Any], work: Callable[[], Any], shape: Any, status: int
    ) -> Response:
        audit, actor = self._doors.ledger.audit, self.caller.id
        told = {**detail, "name": self.caller.name}
        with audit.noting(actor, action, project, told, refusals=(DestinyError, RefusedError)):
            found = work()
        return as_json(found, shape, status)


async def _writer(
    request: Request,
    doors: TheDoors,
    caller: TheCaller,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Sent again with the same request within 24 hours, it gets the first one's answer and does nothing.",
        ),
    ] = None,
) -> Writer:
    return Writer(request, doors, caller, idempotency_key)


TheWriter = Annotated[Writer, Depends(_writer)]
