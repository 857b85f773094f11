"""`Destiny`: the client for ordinary code."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar

import httpx

from destiny_assets.sdk import endpoints, oversight
from destiny_assets.sdk.calls import Call
from destiny_assets.sdk.errors import CircuitOpenError, DestinyClientError, UnreachableError
from destiny_assets.sdk.records import Answer, Ingest
from destiny_assets.sdk.resilience import AGAIN, Circuit, Patience
from destiny_assets.sdk.wire import USER_AGENT, Events, answer_of, request_of

P = ParamSpec("P")
T = TypeVar("T")


class _Method(Generic[P, T]):
    """An endpoint as a method of `Destiny`."""

    def __init__(self, endpoint: Callable[P, Call[T]]) -> None:
        self._endpoint = endpoint
        self.__doc__ = endpoint.__doc__

    def __get__(self, client: "Destiny", owner: type["Destiny"]) -> Callable[P, T]:
        def called(*arguments: P.args, **named: P.kwargs) -> T:
            return client.send(self._endpoint(*arguments, **named))

        return called


class Destiny:
    """A client of one server, with one key. Threads may share it. Close it, or use it as a context manager.

    Every call raises `ProblemError` (by status `NotFoundError`, `NotAllowedError`, `ConflictError`, `InvalidRequestError`) when the
    server refuses, `UnreachableError` when it does not answer after several attempts.
    """

    def __init__(self, url: str, key: str, *, timeout_s: float = 30.0, patience: Patience | None = None) -> None:
        """`url` without ``/v1``; `timeout_s` is for each attempt."""
        self._patience = patience or Patience()
        self._circuit = Circuit(self._patience)
        headers = {"Authorization": f"Bearer {key}", "User-Agent": USER_AGENT}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)

    def send(self, call: Call[T]) -> T:
        """Send a request, again where that may help. Writes carry an idempotency key, so they happen once."""
        for attempt in range(1, self._patience.attempts + 1):
            if rest := self._circuit.rest():
                raise CircuitOpenError(
                    f"{self._http.base_url} failed several times; it is asked again in {rest:.1f} s."
                )
            last = attempt == self._patience.attempts
            try:
                response = self._http.send(request_of(self._http, call))
            except httpx.TransportError as error:
                self._circuit.note(False)
                if last:
                    raise UnreachableError(
                        f"{self._http.base_url} does not answer ({type(error).__name__})."
                    ) from error
                time.sleep(self._patience.wait(attempt, {}))
                continue
            self._circuit.note(response.status_code not in AGAIN or response.status_code == 429)
            if response.status_code in AGAIN and not last:
                time.sleep(self._patience.wait(attempt, response.headers))
                continue
            return answer_of(call, response)
        raise DestinyClientError(
            "A client that may make no attempt can ask nothing: give Patience(attempts=1) or more."
        )

    def ask_aloud(
        self, project: str, question: str, *, as_of: datetime | None = None, generation: int | None = None
    ) -> Iterator[str | Answer]:
        """The pieces of an answer while it is made, then the whole, which holds whatever the pieces were; never asked again by itself."""
        return self._told(endpoints.ask_aloud(project, question, as_of=as_of, generation=generation))

    def follow(self, ingest: Ingest) -> Iterator[Ingest]:
        """An ingest whenever something of it moved, the last time when it has ended."""
        return (one for one in self._told(endpoints.follow(ingest.project, ingest.id)) if not isinstance(one, str))

    def _told(self, call: Call[T]) -> Iterator[str | T]:
        try:
            response = self._http.send(request_of(self._http, call), stream=True)
            try:
                if not response.is_success:
                    response.read()
                    answer_of(call, response)
                events = Events(call)
                for line in response.iter_lines():
                    if (told := events.feed(line)) is not None:
                        yield told
            finally:
                response.close()
        except httpx.TransportError as error:
            raise UnreachableError(f"{self._http.base_url} does not answer ({type(error).__name__}).") from error

    def wait_for(self, ingest: Ingest, *, timeout_s: float = 3_600.0, look_s: float = 1.0) -> Ingest:
        """Wait until an ingest has ended; raises `DestinyClientError` when that takes longer than `timeout_s`."""
        until = time.monotonic() + timeout_s
        while not ingest.ended:
            if time.monotonic() > until:
                raise DestinyClientError(f"Ingest {ingest.id} is still {ingest.state} after {timeout_s:g} s.")
            time.sleep(look_s)
            ingest = self.ingest(ingest.project, ingest.id)
        return ingest

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    me = _Method(endpoints.me)
    projects = _Method(endpoints.projects)
    project = _Method(endpoints.project)
    create_project = _Method(endpoints.create_project)
    remove_project = _Method(endpoints.remove_project)
    search = _Method(endpoints.search)
    context = _Method(endpoints.context)
    ask = _Method(endpoints.ask)
    push = _Method(endpoints.push)
    forget = _Method(endpoints.forget)
    documents = _Method(endpoints.documents)
    document = _Method(endpoints.document)
    text = _Method(endpoints.text)
    original = _Method(endpoints.original)
    explain_trust = _Method(endpoints.explain_trust)
    entities = _Method(endpoints.entities)
    neighbourhood = _Method(endpoints.neighbourhood)
    decisions = _Method(endpoints.decisions)
    decision_history = _Method(endpoints.decision_history)
    generations = _Method(endpoints.generations)
    rollback = _Method(endpoints.rollback)
    start_ingest = _Method(endpoints.start_ingest)
    ingest = _Method(endpoints.ingest)
    doctor = _Method(endpoints.doctor)
    claims = _Method(oversight.claims)
    explain_claim = _Method(oversight.explain_claim)
    labels = _Method(oversight.labels)
    label = _Method(oversight.label)
    take_label_back = _Method(oversight.take_label_back)
    suggest_labels = _Method(oversight.suggest_labels)
    calibration = _Method(oversight.calibration)
    entity = _Method(oversight.entity)
    choices = _Method(oversight.choices)
    report = _Method(oversight.report)
    runs = _Method(oversight.runs)
    changes = _Method(oversight.changes)
    benchmarks = _Method(oversight.benchmarks)
    benchmark_curves = _Method(oversight.benchmark_curves)
    compare_benchmarks = _Method(oversight.compare_benchmarks)
    sources = _Method(oversight.sources)
    add_source = _Method(oversight.add_source)
    remove_source = _Method(oversight.remove_source)
    ingests = _Method(oversight.ingests)
    audit = _Method(oversight.audit)
    readiness = _Method(oversight.readiness)
    metrics = _Method(oversight.metrics)
