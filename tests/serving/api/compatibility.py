"""Which changes of the API break who uses it; as a program, writes docs/openapi.json anew when none does."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

SNAPSHOT = Path(__file__).parents[3] / "docs" / "openapi.json"
EVENTS = "text/event-stream"
Document = dict[str, Any]


def current() -> Document:
    """The API as it is now."""
    from destiny_assets.serving.api.app import bare_app
    from destiny_assets.serving.api.openapi import document

    found: Document = json.loads(json.dumps(document(bare_app())))
    return found


def written(found: Document) -> str:
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def broken(old: Document, new: Document, today: date) -> list[str]:
    """What a client written for `old` can no longer rely on in `new`; what was deprecated until a day before `today` may go."""
    problems = []
    for path, operations in old["paths"].items():
        for method, before in operations.items():
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                if not _may_go(before, today):
                    problems.append(f"{name} is gone")
                continue
            problems += [f"{name}: {problem}" for problem in _operation(before, after, today)]
    old_schemas, new_schemas = old["components"]["schemas"], new["components"]["schemas"]
    asked, answered = _used(old, old_schemas)
    for name in sorted(asked | answered):
        if name in new_schemas:
            problems += [
                f"{name}: {p}"
                for p in _schema(old_schemas[name], new_schemas[name], asked=name in asked, answered=name in answered)
            ]
    return problems


def _may_go(item: Document, today: date) -> bool:
    until = item.get("x-removed-after")
    return bool(item.get("deprecated") and until and date.fromisoformat(until) < today)


def _operation(before: Document, after: Document, today: date) -> Iterator[str]:
    old = {(p["in"], p["name"]): p for p in before.get("parameters", ())}
    new = {(p["in"], p["name"]): p for p in after.get("parameters", ())}
    for key, parameter in old.items():
        if key not in new:
            if not _may_go(parameter, today):
                yield f"parameter {key[1]} is gone"
        elif new[key].get("required") and not parameter.get("required"):
            yield f"parameter {key[1]} became required"
    for key in new.keys() - old.keys():
        if new[key].get("required"):
            yield f"new parameter {key[1]} is required"
    if "requestBody" in after and after["requestBody"].get("required") and "requestBody" not in before:
        yield "a body became required"
    for status, response in before["responses"].items():
        if status.startswith("2"):
            if status not in after["responses"]:
                yield f"no longer answers {status}"
            elif _ref(response) != _ref(after["responses"][status]):
                yield f"answers {_ref(after['responses'][status])} instead of {_ref(response)}"


def _schema(old: Document, new: Document, *, asked: bool, answered: bool) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, value in before.items():
        if name not in after:
            yield f"{name} is gone"
        elif _kind(value) != _kind(after[name]):
            yield f"{name} is {_kind(after[name])} instead of {_kind(value)}"
    required = set(new.get("required", ()))
    if asked and (more := sorted(required - set(old.get("required", ())))):
        yield f"{', '.join(more)} became required"
    if answered and (fewer := sorted((set(old.get("required", ())) & after.keys()) - required)):
        yield f"{', '.join(fewer)} may be missing now"
    if asked and (gone := sorted(set(old.get("enum", ())) - set(new.get("enum", ())))):
        yield f"takes no {', '.join(gone)} any more"


def _kind(value: Document) -> str:
    kept = {k: v for k, v in value.items() if k in ("type", "$ref", "anyOf", "items", "format", "additionalProperties")}
    return json.dumps(kept, sort_keys=True)


def _ref(response: Document) -> str:
    # Of a stream its media type is the promise; that it is a string, as it once said, tells of no event.
    return json.dumps(
        {
            media: None if media == EVENTS else content.get("schema")
            for media, content in response.get("content", {}).items()
        },
        sort_keys=True,
    )


def _used(document: Document, schemas: Document) -> tuple[set[str], set[str]]:
    """The schemas that requests and that answers are made of."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    asked = [[operation.get("requestBody"), operation.get("parameters")] for operation in operations]
    return _reached(asked, schemas), _reached([operation["responses"] for operation in operations], schemas)


def _reached(item: Any, schemas: Document) -> set[str]:
    found: set[str] = set()
    left = [item]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name in schemas and name not in found:
                found.add(name)
                left.append(schemas[name])
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
    return found


def main() -> int:
    now = current()
    if SNAPSHOT.exists() and (
        problems := broken(json.loads(SNAPSHOT.read_text("utf-8")), now, datetime.now(UTC).date())
    ):
        print(
            "Nothing written: this breaks clients (docs/api.md, What may change).",
            *problems,
            sep="\n  ",
            file=sys.stderr,
        )
        return 1
    SNAPSHOT.write_text(written(now), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
