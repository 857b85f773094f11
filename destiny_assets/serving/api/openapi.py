"""The OpenAPI document: FastAPI's, with problems as they are sent, the lock named, and the address it is read at."""

import json
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from destiny_assets.serving.api.doors import Recognised
from destiny_assets.serving.api.problems import MEDIA_TYPE, Problem

DESCRIPTION = (
    "Search, ask and keep a knowledge base in which every answer has its source and its trust. Send a key or a token as "
    "`Authorization: Bearer …`. Errors are problem details (RFC 9457)."
)
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def install(app: FastAPI) -> None:
    """Serve the document at ``/v1/openapi.json``."""
    body = json.dumps(document(app), ensure_ascii=False).encode()

    @app.get("/v1/openapi.json", include_in_schema=False, dependencies=[Depends(Recognised())])
    async def read_openapi() -> Response:
        return Response(body, media_type="application/json")


def document(app: FastAPI) -> dict[str, Any]:
    """What the API takes and answers."""
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    found["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, or a token of the identity provider.",
        }
    }
    found["security"] = [{"bearer": []}]
    for path in found["paths"].values():
        for method, operation in path.items():
            responses = operation["responses"]
            responses.pop("422", None)
            if method == "get" and any(parameter["name"] == "as_of" for parameter in operation.get("parameters", ())):
                responses["304"] = {"description": "What the entity tag in If-None-Match stands for is still true."}
            responses["4XX"] = {"description": "Refused, with what to do.", **_PROBLEM}
            responses["5XX"] = {"description": "Failed: a layer or a model does not answer.", **_PROBLEM}
    return found
