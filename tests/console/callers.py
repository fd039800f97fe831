"""A program with a token, for tests of the API."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.test import Client

from incidents.domain.tokens import Scope
from incidents.models import Organization, Person
from incidents.services import tokens

EVERY = tuple(Scope)
_keys = itertools.count(1)


def new_key() -> str:
    return f"key-of-a-program-{next(_keys)}"


@dataclass(frozen=True)
class Caller:
    """Sends JSON with a token; `secret` may be anything."""

    secret: str
    client: Client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self._headers(headers))

    def post(self, path: str, body: object = None, *, key: str = "", **headers: str) -> Any:
        return self.send(path, "" if body is None else json.dumps(body), key=key, **headers)

    def send(self, path: str, text: str | bytes, *, key: str = "", kind: str = "application/json", **more: str) -> Any:
        """Whatever the text is."""
        headers = self._headers({"Idempotency-Key": key} if key else {}) | more
        return self.client.post(f"/api/v1{path}", data=text, content_type=kind, headers=headers)

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", **more}


def caller(person: Person, organization: Organization, scopes: Sequence[Scope] = EVERY) -> Caller:
    """A program of that person."""
    made = tokens.make(person, tokens.Asked(organization, "a program", scopes, 30))
    return Caller(made.secret, Client(raise_request_exception=False))
