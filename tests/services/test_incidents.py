"""Incidents are declared and closed by people, each with a reason, one at a time."""

from __future__ import annotations

import pytest

from incidents.domain.errors import NotAllowed, Refused
from incidents.models import AuditEntry, Incident, Organization, Person
from incidents.services.control import stop
from incidents.services.incidents import close, declare
from tests import factories
from tests.scene import Scene

MANAGE = [("support",), ("example-shop/owners",)]


@pytest.fixture
def shop(db: None) -> Organization:
    factories.make_organization("example-bank", "Example Bank")
    return factories.make_organization()


@pytest.mark.parametrize("groups", MANAGE)
def test_who_may_opens_and_closes_it(shop: Organization, groups: tuple[str, ...]) -> None:
    person = factories.make_person("somebody", *groups)
    incident = declare(person, shop, " The shop is slow ")
    assert (incident.declared_by, incident.because) == (person, "The shop is slow")
    with pytest.raises(Refused, match="open already"):
        declare(person, shop, "once more")
    close(person, shop, "It is quick again")
    incident.refresh_from_db()
    assert (incident.closed_by, incident.closed_because) == (person, "It is quick again")
    assert incident.closed_at is not None
    with pytest.raises(Refused, match="No incident is open"):
        close(person, shop, "once more")
    assert declare(person, shop, "again").pk != incident.pk
    events = AuditEntry.objects.filter(event__startswith="incident.").order_by("index")
    assert [(row.event, row.actor, row.organization) for row in events] == [
        (f"incident.{event}", "somebody", "example-shop") for event in ("declared", "closed", "declared")
    ]


@pytest.mark.parametrize(
    "groups", [("example-shop/operators",), ("example-shop/viewers",), ("example-bank/owners",), ("engineers",), ()]
)
def test_nobody_else_may(shop: Organization, groups: tuple[str, ...]) -> None:
    person = factories.make_person("somebody", *groups)
    with pytest.raises(NotAllowed):
        declare(person, shop, "why not")
    declare(factories.make_person("desk", "support"), shop, "it is broken")
    with pytest.raises(NotAllowed):
        close(person, shop, "why not")
    assert Incident.objects.get().closed_at is None


@pytest.mark.parametrize("because", ["", "  ", "x" * 301])
def test_each_needs_a_reason(shop: Organization, because: str) -> None:
    desk = factories.make_person("desk", "support")
    with pytest.raises(Refused, match="Write what is going on"):
        declare(desk, shop, because)
    declare(desk, shop, "it is broken")
    with pytest.raises(Refused, match="Write why it is over"):
        close(desk, shop, because)
    assert Incident.objects.get().closed_at is None


def test_it_is_not_closed_while_a_run_is_under_way(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    owner = Person.objects.get(username="shop-owner")
    with pytest.raises(Refused, match=f"{run.reference} is still under way"):
        close(owner, scene.organization, "It is well")
    stop(scene.operator, run)
    scene.carry_on(run)
    assert close(owner, scene.organization, "It is well") == run.incident
