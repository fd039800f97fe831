"""Opens the incident of an organization when something of it stays broken, closes it when everything stays well.

Called with every round of the poller, whoever watches. A person closes an incident at any time (`services.incidents`);
what was broken then opens no other one, what breaks afterwards does.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import F, Q

from incidents.audit.log import ENGINE, Entry, append
from incidents.domain.canonical import JsonObject
from incidents.domain.diagnosis import SERIOUS, Damage
from incidents.domain.runs import Phase
from incidents.engine.freshness import FRESH
from incidents.engine.news import show_news
from incidents.models import Diagnosis, Incident, Look, Reopening, Run

# So many of them are named when an incident is opened for them.
NAMED = 3


class Broken(NamedTuple):
    """A resource that is seriously broken, and since when."""

    name: str
    since: datetime


def follow(now: datetime) -> None:
    """Opens, reopens and closes what measurements say. Call it inside `recorded`; three reads where nothing is new."""
    broken = _broken()
    open_ones = {row.organization_id: row for row in Incident.objects.filter(closed_at=None)}
    for organization, things in broken.items():
        if organization in open_ones:
            _still_broken(open_ones[organization])
        else:
            _begin(organization, things, now)
    well = [row for organization, row in open_ones.items() if organization not in broken]
    if well:
        _stay_well(well, now)


def well_for() -> timedelta:
    """How long everything must stay well; also, how soon damage must return to belong to the same incident."""
    return timedelta(minutes=settings.INCIDENT_WELL_MINUTES)


def _broken() -> Mapping[uuid.UUID, list[Broken]]:
    rows = Diagnosis.objects.filter(until=None, damage__in=[str(damage) for damage in SERIOUS]).order_by("since", "pk")
    found: dict[uuid.UUID, list[Broken]] = defaultdict(list)
    for organization, name, since in rows.values_list("resource__organization_id", "resource__name", "since"):
        found[organization].append(Broken(name, since))
    return found


def _still_broken(incident: Incident) -> None:
    if not incident.damaged or incident.well_since is not None:
        Incident.objects.filter(pk=incident.pk).update(damaged=True, well_since=None)


def _begin(organization: uuid.UUID, things: list[Broken], now: datetime) -> None:
    """What has been broken for long enough, and was not when the last incident was closed, opens one or goes on."""
    long = [one for one in things if one.since <= now - timedelta(seconds=settings.INCIDENT_AFTER_SECONDS)]
    if not long:
        return
    last = Incident.objects.filter(organization=organization).order_by("-closed_at").first()
    closed_at = last.closed_at if last is not None else None
    new = [one for one in long if closed_at is None or one.since > closed_at]
    if not new:
        return
    because = _because(new)
    if last is not None and closed_at is not None and new[0].since <= closed_at + well_for():
        _reopen(last, closed_at, because, now)
        return
    made = Incident.objects.create(organization_id=organization, opened_at=now, because=because, damaged=True)
    _tell("incident.opened", made, {"because": because, "by": "measurements"})


def _reopen(incident: Incident, closed_at: datetime, because: str, now: datetime) -> None:
    Reopening.objects.create(
        incident=incident,
        closed_at=closed_at,
        closed_by_id=incident.closed_by_id,
        closed_because=incident.closed_because,
        at=now,
        because=because,
    )
    incident.closed_at = incident.closed_by = incident.well_since = None
    incident.closed_because, incident.damaged = "", True
    incident.save(update_fields=("closed_at", "closed_by", "closed_because", "well_since", "damaged"))
    _tell("incident.reopened", incident, {"because": because, "by": "measurements"})


def _stay_well(incidents: list[Incident], now: datetime) -> None:
    """Counts since when everything is well, and closes what has been for long enough.

    Time in which nobody looked, or a run was under way, does not count; nor does an incident that a person declared of
    something that measurements have never seen.
    """
    busy = _busy(incidents)
    seen_at = Look.objects.filter(at__lt=now).order_by("-at").values_list("at", flat=True).first()
    blind = seen_at is None or now - seen_at > FRESH
    for row in incidents:
        if row.organization_id in busy:
            if row.well_since is not None:
                Incident.objects.filter(pk=row.pk).update(well_since=None)
        elif row.well_since is None or blind:
            Incident.objects.filter(pk=row.pk).update(well_since=now)
        elif row.well_since <= now - well_for() and (row.damaged or row.declared_by_id is None):
            _close(row, now)


def _busy(incidents: list[Incident]) -> set[uuid.UUID]:
    """Organizations with a run under way, or with something that nobody knows about since the incident began."""
    theirs = [row.organization_id for row in incidents]
    runs = Run.objects.filter(organization__in=theirs).exclude(phase=Phase.ENDED)
    unsure = Diagnosis.objects.filter(
        Q(damage=Damage.UNKNOWN) | Q(damage=Damage.DRIFTED),
        until=None,
        resource__organization__in=theirs,
        since__gte=F("resource__organization__incidents__opened_at"),
        resource__organization__incidents__closed_at=None,
    )
    return {
        *runs.order_by().values_list("organization_id", flat=True),
        *unsure.values_list("resource__organization_id", flat=True),
    }


def _close(incident: Incident, now: datetime) -> None:
    because = f"Everything stayed well for {settings.INCIDENT_WELL_MINUTES} minutes."
    Incident.objects.filter(pk=incident.pk, closed_at=None).update(closed_at=now, closed_because=because)
    _tell("incident.closed", incident, {"because": because, "by": "measurements"})


def _because(things: list[Broken]) -> str:
    named = ", ".join(one.name for one in things[:NAMED])
    more = f" and {len(things) - NAMED} more" if len(things) > NAMED else ""
    return f"Broken: {named}{more}"[:300]


def _tell(event: str, incident: Incident, data: JsonObject) -> None:
    show_news(incident.organization_id)
    slug = incident.organization.slug
    append(Entry(event, ENGINE, slug, data={"incident": incident.reference, **data}))
