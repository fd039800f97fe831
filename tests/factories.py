"""Rows for tests, made directly: what the inventory, the poller and a run would have written."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.utils import timezone
from guardian.shortcuts import assign_perm

from incidents.actions.base import Resolved
from incidents.actions.catalogue import CATALOGUE
from incidents.audit.log import ENGINE
from incidents.domain.canonical import JsonObject, digest
from incidents.domain.changes import Change, State
from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.domain.people import ACTING, group_of, rights_of
from incidents.domain.runs import Outcome, Phase
from incidents.domain.terms import Terms, Window
from incidents.domain.verdicts import Mark, Proof
from incidents.engine.seals import seal_preapproval, seal_run
from incidents.models import (
    Backend,
    Binding,
    Diagnosis,
    EngineerEntry,
    Incident,
    Location,
    Look,
    Measurement,
    Observation,
    Organization,
    Person,
    Plan,
    Point,
    Preapproval,
    Probe,
    Resource,
    Run,
    Snapshot,
)
from incidents.services.inventory_apply import grant_platform_rights
from incidents.services.propose import store_plan

ACTION = "readvertise_prefix"
PASSWORD = "correct horse battery staple"
TITLES = ("Amsterdam", "Frankfurt", "Singapore")
REGISTRY = "registry"
GONE: State = {"advertised": False}
_numbers = itertools.count(1)


def good_route(asn: int = 64496) -> State:
    return {
        "advertised": True,
        "next_hop": "198.18.255.1",
        "as_path": [asn],
        "origin": "igp",
        "communities": [f"{asn}:100"],
        "large_communities": [],
        "med": None,
        "local_pref": None,
    }


def make_locations(titles: Sequence[str] = TITLES) -> list[Location]:
    """The locations, each with a router; the registry; the two probes. The same again gives the same."""
    for position, title in enumerate(titles):
        slug = f"edge-{chr(97 + position)}"
        Location.objects.get_or_create(slug=slug, defaults={"title": title, "zone": "z", "position": position})
        _backend(f"router-{slug}")
    _backend(REGISTRY)
    for kind in ("route", "tcp"):
        slug = "collector" if kind == "route" else kind
        Probe.objects.get_or_create(slug=slug, defaults={"kind": kind, "budget_ms": 1000})
    return list(Location.objects.all())


def _backend(slug: str) -> Backend:
    return Backend.objects.get_or_create(slug=slug, defaults={"kind": "simulated", "budget_ms": 300, "slots": 4})[0]


def make_organization(slug: str = "example-shop", title: str = "Example Shop") -> Organization:
    """An organization with the groups that hold something on it, as the inventory makes them."""
    organization = Organization.objects.create(slug=slug, title=title)
    for name, grant in rights_of(slug):
        group, _ = Group.objects.get_or_create(name=name)
        assign_perm(f"incidents.{grant}", group, organization)
    grant_platform_rights(ENGINE)
    return organization


def make_person(name: str, *groups: str, title: str = "") -> Person:
    """Somebody with the password PASSWORD, in groups such as `example-shop/operators`."""
    person = Person(username=name, title=title or name)
    person.set_password(PASSWORD)
    person.save()
    person.groups.set(Group.objects.filter(name__in=groups))
    return person


def make_terms(*, tier: int = 1, tolerate: int = 0, most_resources: int = 300, break_glass: bool = False) -> Terms:
    return Terms(
        tier=tier,
        stages=("1", "100%"),
        steps=(10, 50, 100),
        minimum_percent=50,
        most_resources=most_resources,
        tolerate=tolerate,
        expire=timedelta(minutes=15),
        usual=(timedelta(seconds=1), timedelta(seconds=30)),
        snapshot_age=timedelta(days=30),
        organization_window=Window(2000, 60),
        platform_window=Window(20000, 60),
        flap=timedelta(minutes=15),
        rpki="",
        probes=("collector", "tcp"),
        proof=Proof(in_a_row=2),
        break_glass=break_glass,
    )


def seal_of(row: Preapproval) -> str:
    """What the inventory command would have sealed it with."""
    return seal_preapproval(row.slug, row.action, row.organization.slug, row.terms, row.digest)


def agree_on(row: Preapproval, terms: JsonObject) -> None:
    """The review has agreed on other terms, and the inventory was applied."""
    row.terms, row.digest = terms, digest(terms)
    row.seal = seal_of(row)
    row.save()


def make_preapproval(
    organization: Organization, resources: Sequence[Resource] = (), *, terms: Terms | None = None
) -> Preapproval:
    """One for its operators, over these resources or all that there are."""
    value = (terms or make_terms()).as_json()
    row = Preapproval(
        slug=f"{organization.slug}-readvertise",
        action=ACTION,
        organization=organization,
        terms=value,
        digest=digest(value),
    )
    row.seal = seal_of(row)
    row.save()
    row.resources.set(resources or organization.resources.all())
    let_act(row)
    return row


def let_act(row: Preapproval) -> None:
    """Owners and operators of its organization may use it and agree to its use; support may agree."""
    for role in ACTING:
        group = Group.objects.get(name=group_of(row.organization.slug, role))
        assign_perm("incidents.use_preapproval", group, row)
        assign_perm("incidents.approve_preapproval", group, row)
    assign_perm("incidents.approve_preapproval", Group.objects.get(name="support"), row)


def make_prefix(
    organization: Organization,
    name: str = "",
    *,
    title: str = "shop and checkout",
    withdrawn: Sequence[str] = (),
    unbound: Sequence[str] = (),
    damage: Damage | None = None,
    since: datetime | None = None,
) -> Resource:
    """A prefix with a route and a service at every location, seen just now, proven good before, and diagnosed.

    Args:
        withdrawn, unbound: slugs of locations where it has lost its route, or its service settings.
        damage: the diagnosis, when it is not what follows from them.
    """
    number = next(_numbers)
    made = Resource.objects.create(
        organization=organization,
        kind=Kind.PREFIX,
        name=name or f"10.{number // 256}.{number % 256}.0/24",
        title=title,
        settings={"origins": [64496]},
        position=number,
    )
    since = since or timezone.now() - timedelta(minutes=11)
    for location in make_locations():
        route = GONE if location.slug in withdrawn else good_route()
        _bind(made, location, f"router-{location.slug}", "route", route, good_route(), since)
        service: State = {"bound": location.slug not in unbound}
        _bind(made, location, REGISTRY, "service", service, {"bound": True}, since)
        reachable = location.slug not in withdrawn and location.slug not in unbound
        for probe in Probe.objects.all():
            point = Point.objects.create(probe=probe, resource=made, location=location)
            mark = Mark.PASS if reachable else Mark.FAIL
            Measurement.objects.create(point=point, mark=mark, milliseconds=2 if reachable else -1, since=since)
    make_diagnosis(made, withdrawn, unbound, damage, since)
    return made


def _bind(
    resource: Resource, location: Location, backend: str, aspect: str, now: State, good: State, since: datetime
) -> None:
    key = resource.name if aspect == "route" else f"{location.slug}/{resource.name}"
    row = Binding.objects.create(
        resource=resource, location=location, backend=Backend.objects.get(slug=backend), aspect=aspect, key=key
    )
    row.seen = Observation.objects.create(binding=row, state=now, at=since, source="poller")
    row.good = Snapshot.objects.create(
        binding=row,
        state=good,
        digest=digest(good),
        proven_at=since - timedelta(days=1),
        proven_until=since,
        proof=["collector", "tcp"],
    )
    row.save(update_fields=("seen", "good"))


def make_diagnosis(
    resource: Resource,
    withdrawn: Sequence[str] = (),
    unbound: Sequence[str] = (),
    damage: Damage | None = None,
    since: datetime | None = None,
) -> Diagnosis:
    """The open diagnosis, replacing the one before; with its engineers' entry when it needs one."""
    since = since or timezone.now()
    if damage is None:
        damage = Damage.WITHDRAWN_UNBOUND if unbound else Damage.WITHDRAWN if withdrawn else Damage.HEALTHY
    repairable = sorted(set(withdrawn) - set(unbound))
    bad = sorted(set(withdrawn) | set(unbound))
    Diagnosis.objects.filter(resource=resource, until=None).update(until=since)
    if damage is Damage.WITHDRAWN_UNBOUND:
        EngineerEntry.objects.create(resource=resource, damage=damage, opened_at=since)
    return Diagnosis.objects.create(
        resource=resource,
        damage=damage,
        repair=ACTION if repairable else "",
        repairable=repairable,
        affected=bad,
        unseen=[],
        unreachable=bad,
        since=since,
    )


def make_looks(at: datetime | None = None) -> None:
    """Every backend and probe answered, just now or at that time."""
    at = at or timezone.now()
    rows = [Look(backend=row, at=at, answered=True, looked_at=1, changed=0) for row in Backend.objects.all()]
    rows += [Look(probe=row, at=at, answered=True, looked_at=1, changed=0) for row in Probe.objects.all()]
    Look.objects.bulk_create(rows)


def make_plan(person: Person, preapproval: Preapproval, resources: Sequence[Resource]) -> Plan:
    """A stored plan that restores every route of these resources that is gone, by what was seen last."""
    rows = (
        Binding.objects.filter(resource__in=resources, aspect="route", seen__state__advertised=False)
        .select_related("resource", "location", "backend", "seen", "good")
        .order_by("resource__position", "location__position")
    )
    changes = tuple(_change(row) for row in rows)
    return store_plan(person, preapproval, CATALOGUE[ACTION], Resolved(changes, ()), timezone.now())


def _change(row: Binding) -> Change:
    if row.seen is None or row.good is None:
        raise ValueError("a binding of make_prefix has both")
    return Change(
        resource=str(row.resource_id),
        name=row.resource.name,
        location=row.location.slug,
        backend=row.backend.slug,
        binding=str(row.pk),
        aspect=row.aspect,
        key=row.key,
        before=row.seen.state,
        after=row.good.state,
    )


def make_ended_run(plan: Plan, ended_at: datetime, *, took: timedelta = timedelta(seconds=2)) -> Run:
    """A run of that plan that has succeeded."""
    person = plan.proposed_by
    incident = Incident.objects.get_or_create(
        organization=plan.organization, closed_at=None, defaults={"opened_at": ended_at}
    )[0]
    accepted_at = ended_at - took
    run = Run(
        reference=f"RUN-TEST-{next(_numbers):02d}",
        organization=plan.organization,
        incident=incident,
        plan=plan,
        action=plan.action,
        started_by=person,
        idempotency_key=plan.digest,
        request_digest=plan.digest,
        phase=Phase.ENDED,
        outcome=Outcome.SUCCEEDED,
        stage_began_at=accepted_at,
        accepted_at=accepted_at,
        ended_at=ended_at,
        deadline_at=ended_at + timedelta(minutes=15),
        wake_at=accepted_at,
        lease_until=accepted_at,
    )
    run.seal = seal_run(run)
    run.save(force_insert=True)
    return run
