"""A call as an HTTP request, and an HTTP response as its answer or an error."""

import json
from typing import Generic, TypeVar

import httpx

from destiny_assets.sdk.calls import Call
from destiny_assets.sdk.errors import problem_error

T = TypeVar("T")
USER_AGENT = "destiny-python/1"


def request_of(http: httpx.Client | httpx.AsyncClient, call: Call[T]) -> httpx.Request:
    """The request, with the client's address, key and time limit."""
    return http.build_request(
        call.method, call.path, params=call.parameters, json=call.json, content=call.content, headers=call.headers
    )


def answer_of(call: Call[T], response: httpx.Response) -> T:
    """The answer; raises `ProblemError`."""
    if response.is_success:
        return call.read(response.content if call.raw else response.json())
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    raise problem_error(response.status_code, problem if isinstance(problem, dict) else {})


class Events(Generic[T]):
    """Reads server-sent events line by line; `feed` gives the value of each that a line completes."""

    def __init__(self, call: Call[T]) -> None:
        self._call = call
        self._kind = ""

    def feed(self, line: str) -> str | T | None:
        """A piece of text or, last, the answer; raises `ProblemError` for a problem."""
        if line.startswith("event: "):
            self._kind = line.removeprefix("event: ")
        if not line.startswith("data: "):
            return None
        said = json.loads(line.removeprefix("data: "))
        if self._kind == "text":
            return str(said["text"])
        if self._kind == "problem":
            raise problem_error(int(said["status"]), said)
        return self._call.read(said)
