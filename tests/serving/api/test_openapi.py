"""The API is what docs/openapi.json says, and may only grow."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tests.serving.api.compatibility import SNAPSHOT, Document, broken, current, written

TODAY = date(2026, 11, 25)


def test_the_api_is_the_one_that_is_written_down() -> None:
    now = current()
    problems = broken(json.loads(SNAPSHOT.read_text("utf-8")), now, datetime.now(UTC).date())
    assert problems == [], (
        "This breaks clients of /v1. Keep what was there beside what is new, or deprecate it: docs/api.md, What may change."
    )
    assert SNAPSHOT.read_text("utf-8") == written(now), "The API grew. Write it down with: make openapi"


def test_it_is_served_to_whoever_has_a_key(reader: httpx.Client) -> None:
    assert reader.get("/v1/openapi.json").json() == json.loads(SNAPSHOT.read_text("utf-8"))


SEARCH = "/v1/projects/{project}/search"
BREAKING: dict[str, Callable[[Any], Any]] = {
    f"GET {SEARCH} is gone": lambda d: d["paths"].pop(SEARCH),
    f"GET {SEARCH}: parameter k is gone": lambda d: d["paths"][SEARCH]["get"]["parameters"].remove(
        next(p for p in d["paths"][SEARCH]["get"]["parameters"] if p["name"] == "k")
    ),
    f"GET {SEARCH}: parameter k became required": lambda d: next(
        p for p in d["paths"][SEARCH]["get"]["parameters"] if p["name"] == "k"
    ).update(required=True),
    f"GET {SEARCH}: new parameter tone is required": lambda d: d["paths"][SEARCH]["get"]["parameters"].append(
        {"in": "query", "name": "tone", "required": True}
    ),
    "Hit: trust is gone": lambda d: d["components"]["schemas"]["Hit"]["properties"].pop("trust"),
    "Hit: score may be missing now": lambda d: d["components"]["schemas"]["Hit"]["required"].remove("score"),
    "NewProject: colour became required": lambda d: d["components"]["schemas"]["NewProject"]["required"].append(
        "colour"
    ),
    "Mode: takes no strict any more": lambda d: d["components"]["schemas"]["Mode"]["enum"].remove("strict"),
    "POST /v1/projects: no longer answers 201": lambda d: d["paths"]["/v1/projects"]["post"]["responses"].pop("201"),
}


@pytest.mark.parametrize("told", sorted(BREAKING))
def test_what_breaks_clients_is_noticed(told: str) -> None:
    old, new = current(), copy.deepcopy(current())
    BREAKING[told](new)
    assert told in broken(old, new, TODAY)


def test_what_only_adds_breaks_nobody() -> None:
    old, new = current(), copy.deepcopy(current())
    new["paths"]["/v1/more"] = copy.deepcopy(new["paths"]["/v1/me"])
    new["paths"][SEARCH]["get"]["parameters"].append({"in": "query", "name": "tone", "required": False})
    new["components"]["schemas"]["Hit"]["properties"]["colour"] = {"type": "string"}
    assert broken(old, new, TODAY) == []


@pytest.mark.parametrize(("until", "problems"), [("2026-11-24", 0), ("2026-11-25", 1), ("2027-11-24", 1)])
def test_what_was_deprecated_goes_when_its_day_has_passed(until: str, problems: int) -> None:
    old: Document = current()
    old["paths"]["/v1/me"]["get"] |= {"deprecated": True, "x-removed-after": until}
    new = copy.deepcopy(old)
    del new["paths"]["/v1/me"]
    assert len(broken(old, new, TODAY)) == problems


def test_every_operation_and_parameter_says_what_it_is_for() -> None:
    for path, operations in current()["paths"].items():
        for method, operation in operations.items():
            assert len(operation["description"].split()) >= 2, (method, path)
            for parameter in operation.get("parameters", ()):
                assert parameter.get("description"), (method, path, parameter["name"])
