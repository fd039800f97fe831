"""The matrix: each cell is one request, answered as the table says, and with nothing about what others have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern
from pytest_django import DjangoDbBlocker

from console.urls import urlpatterns
from incidents.domain.changes import State
from incidents.engine import looking
from incidents.models import AuditEntry, Binding
from tests.matrix.rows import METHODS, ROLES, ROWS, SAFE, SEE, Row
from tests.matrix.world import Things, World, build

NAMES = [str(pattern.name) for pattern in urlpatterns]
PARAMS = {str(pattern.name): tuple(pattern.pattern.converters) for pattern in urlpatterns}
# What a page that let somebody in may answer: here it is, go on there, the form was wrong, another run is at it; and
# /readyz, while these tests themselves hold the database locked.
IN = {200, 204, 302, 303, 400, 409, 422, 503}
CELLS: dict[str, int] = {}

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Built once for all cells, and gone afterwards; every request is taken back by a savepoint."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("incidents.engine.looking.look", _look)
        block = transaction.atomic()
        block._from_testcase = True  # type: ignore[attr-defined]  # as Django's own TestCase lets durable blocks in
        with block:
            yield build()
            transaction.set_rollback(True)


def _look(bindings: list[tuple[int, str, str]]) -> looking.Sighted:
    """A look at the network finds what was seen last."""
    rows = Binding.objects.filter(pk__in=[pk for pk, _, _ in bindings])
    states: dict[int, State] = dict(rows.values_list("pk", "seen__state"))
    return looking.Sighted(states, {})


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert all(isinstance(pattern, URLPattern) for pattern in urlpatterns), "an include would hide addresses"
    assert sorted(ROWS) == sorted(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_matrix(world: World, name: str) -> None:
    row, params = ROWS[name], PARAMS[name]
    shown = "slug" in params or bool(params)
    wrong = [
        message
        for where in ((world.own, world.other) if shown else (world.own,))
        for role in ROLES
        for method in METHODS
        for message in _cell(world, row, where, role, method, name, params)
    ]
    if "slug" in params and len(params) > 1:
        mixed = world.own.with_ids_of(world.other)
        wrong += [
            message
            for role in ROLES
            for method in ("GET", "POST")
            # A GET of where a form is sent to only leads back.
            if method == "POST" or row.methods == SAFE
            for message in _cell(world, row, mixed, role, method, name, params)
        ]
    assert not wrong, "\n".join(wrong)


def test_it_is_large(world: World) -> None:
    """Printed with `-s`: how many cells there are."""
    total = sum(CELLS.values())
    print(f"\nmatrix: {len(set(NAMES))} addresses, {len(METHODS)} methods, {len(ROLES)} roles: {total} cells")
    assert total > 5000 or len(CELLS) < len(set(NAMES))


def _cell(
    world: World, row: Row, where: Things, role: str, method: str, name: str, params: tuple[str, ...]
) -> list[str]:
    """Sends one request; says what is wrong with the answer."""
    CELLS[name] = CELLS.get(name, 0) + 1
    address = where.address(name, params)
    expected = _expected(world, row, where, role, method)
    before = AuditEntry.objects.count()
    point = transaction.savepoint()
    try:
        posted = where.body(name, world.people.get(role)) if method == "POST" else {}
        answer = _send(world.client(role), method, address, posted)
        denials = AuditEntry.objects.filter(index__gte=before, event="access.denied").count()
        nowhere = _send(world.client(role), method, "/made-up", {}) if expected == "nothing" else answer
    finally:
        transaction.savepoint_rollback(point)
    told = f"{method} {address} as {role}: {answer.status_code}"
    if expected == "no such method":
        return [] if answer.status_code == 405 else [f"{told}, not 405"]
    if expected == "token":
        return [] if answer.status_code == 401 and not denials else [f"{told}, not 401"]
    if expected == "closed":
        return [] if answer.status_code == 404 else [f"{told}, not 404"]
    if expected == "in" and method == "POST" and row.done:
        return [] if answer.status_code == 303 else [f"{told}, but it was not done"]
    if expected == "in":
        return [] if answer.status_code in IN and not _to_sign_in(answer) else [f"{told}, not let in"]
    if expected == "sign in":
        right = answer.status_code == 401 if row.fragment else _to_sign_in(answer)
        return [] if right and not denials else [f"{told}, not sent to the sign-in"]
    if answer.status_code != 404:
        return [f"{told}, not 404"]
    if not denials:
        return [f"{told}, but nobody wrote it down"]
    sees = role == "stranger" if where is world.other else role in SEE
    return [] if sees or _body(answer) == _body(nowhere) else [f"{told}, but it tells that something is there"]


def _expected(world: World, row: Row, where: Things, role: str, method: str) -> str:
    if method not in row.methods:
        return "no such method"
    if row.token:
        return "token"
    if row.closed:
        return "closed"
    allowed = row.post if method == "POST" else row.get
    if where is not world.own and not row.open:
        # The owner of the other organization is there what the owner of this one is here.
        also = row.heard if method == "POST" else row.elsewhere
        theirs = frozenset({"stranger"}) if "owner" in allowed and where is world.other else frozenset()
        allowed = theirs | (allowed & also)
    elif not row.open and allowed != frozenset(ROLES) - {"anonymous"}:
        allowed = allowed - {"stranger"}
    if role in allowed:
        return "in"
    return "sign in" if role == "anonymous" else "nothing"


def _send(client: Client, method: str, address: str, posted: Mapping[str, str]) -> HttpResponse:
    kind = "application/x-www-form-urlencoded"
    answer: Any = client.generic(method, address, urlencode(posted) if method == "POST" else "", kind)
    return answer  # type: ignore[no-any-return]


def _to_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/sign-in?next=")


def _body(answer: HttpResponse) -> bytes:
    """What arrives, but for the form token, which is another one in every answer."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", answer.content)
