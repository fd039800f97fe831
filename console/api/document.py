"""The OpenAPI document: made from the code, kept in docs/openapi.json, served as it is."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja import Schema
from pydantic import ConfigDict, Field

from console.api.problems import MEDIA_TYPE
from console.api.service import PREFIX, api

# 405 stands nowhere: whoever goes by the document never meets it.
READS = {
    400: "The request cannot be read",
    401: "No token, or none that is good",
    403: "The token, or what came with it, is not enough for this",
    404: "There is none, or this person may not see it or do it",
    409: "Something speaks against it now",
    422: "Something that was sent is missing or will not do",
    429: "Too many tries; wait as Retry-After says",
    500: "Our own software failed",
}
WRITES = {
    **READS,
    413: "The body is too large",
    415: "The body is not said to be JSON",
}


class Problem(Schema):
    """RFC 9457. `code` is stable and dotted, and the same as on the pages and in the audit log."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str


@cache
def document() -> str:
    """The document as text, with every no that there is."""
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX)))
    made["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    body = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in made["paths"].values():
        for method, operation in operations.items():
            for status, means in (READS if method == "get" else WRITES).items():
                operation["responses"].setdefault(str(status), {"description": means, "content": body})
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


@require_safe
def serve(request: HttpRequest) -> HttpResponse:
    """Open to all: it says nothing about what anybody has."""
    return HttpResponse(document(), content_type="application/json")
