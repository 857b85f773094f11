"""How the description of the API tells of server-sent events."""

from typing import Any

MEDIA_TYPE = "text/event-stream"


def events(*names: str) -> dict[str, Any]:
    """The content of an answer that is a stream of events of these names, each with one JSON document.

    `itemSchema` is of OpenAPI 3.2, and FastAPI writes it for its own streams too: what 3.1 calls `schema` is read by some as of
    the stream and by others as of each event.
    """
    item = {
        "type": "object",
        "properties": {
            "event": {"type": "string", "enum": list(names)},
            "data": {"type": "string", "contentMediaType": "application/json"},
        },
        "required": ["event", "data"],
    }
    return {MEDIA_TYPE: {"itemSchema": item}}
