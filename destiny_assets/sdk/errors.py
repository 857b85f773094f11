"""What a client raises. Every message is a sentence for a person; the server's own where there is one."""

from collections.abc import Mapping
from typing import Any


class DestinyClientError(Exception):
    """Anything the client could not do."""


class UnreachableError(DestinyClientError):
    """The server did not answer, also when asked again."""


class CircuitOpenError(UnreachableError):
    """The server failed several times in a row, so for some seconds it is not asked at all."""


class ProblemError(DestinyClientError):
    """The server refused, and said why.

    `kind` names the problem for programs (``not-found``, ``conflict``, …), `status` is HTTP's, `request_id` is in the server's log.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or f"The server answered {status}."))
        self.status = status
        self.kind = str(problem.get("type", "")).rpartition(":")[2]
        self.request_id = problem.get("request_id")
        self.problem = dict(problem)


class NotFoundError(ProblemError):
    """There is no such project, generation or item, or it is not yours to read."""


class NotAllowedError(ProblemError):
    """The key is not valid, or does not open this."""


class ConflictError(ProblemError):
    """The request contradicts what is there."""


class InvalidRequestError(ProblemError):
    """Parts of the request are wrong."""


_BY_STATUS: Mapping[int, type[ProblemError]] = {
    400: InvalidRequestError,
    401: NotAllowedError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    422: InvalidRequestError,
}


def problem_error(status: int, problem: Mapping[str, Any]) -> ProblemError:
    """The error that a refusal is."""
    return _BY_STATUS.get(status, ProblemError)(status, problem)
