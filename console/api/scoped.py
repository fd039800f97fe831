"""How an operation says which scope it takes, and that it takes a key; the document tells both."""

from __future__ import annotations

from typing import Any, TypedDict

from console.api.bearer import PROPOSE, READ, RUN, Token
from console.api.keys import PARAMETER


class Extra(TypedDict):
    """Arguments of an operation of django-ninja."""

    auth: Token
    openapi_extra: dict[str, Any]


def reads() -> Extra:
    return _scoped(READ)


def proposes() -> Extra:
    return _scoped(PROPOSE)


def runs() -> Extra:
    """It acts, so it is done once under a key."""
    extra = _scoped(RUN)
    extra["openapi_extra"]["parameters"] = [PARAMETER]
    return extra


def _scoped(token: Token) -> Extra:
    return {"auth": token, "openapi_extra": {"x-scope": str(token.scope)}}
