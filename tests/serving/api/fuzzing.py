"""Asking an operation of the API what its description allows, and what it does not, made up by schemathesis."""

from functools import lru_cache
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.api.compatibility import current

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@lru_cache(maxsize=1)
def _schema() -> Any:
    return schemathesis.openapi.from_dict(current())


@lru_cache(maxsize=1)
def operations() -> list[str]:
    """Every operation, as ``GET /v1/me``, but for the stream of events, which ends when its ingest does."""
    found = [f"{method.upper()} {path}" for path, item in current()["paths"].items() for method in item]
    return [name for name in found if not name.endswith("/events")]


def fuzz(url: str, key: str, project: str, operation: str, *, examples: int, ids: tuple[str, ...] = ()) -> int:
    """So many requests that fit the description and as many that do not, in a real project; how many were answered well.

    `ids` are those of things that are there, half of all ids asked for.
    """
    method, _, path = operation.partition(" ")
    described = _schema()[path][method]
    answered = 0

    def ask(case: Any, known: str | None) -> None:
        nonlocal answered
        if "project" in case.path_parameters:
            case.path_parameters["project"] = project
        if known and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        response = case.call(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        case.validate_response(response, checks=_CHECKS)
        # What does not fit may come without a key.
        answered += response.status_code != 401

    some = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        some(given(case=described.as_strategy(generation_mode=mode), known=st.sampled_from([None, *ids]))(ask))()
    return answered
