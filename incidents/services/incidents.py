"""Declares and closes an incident. The first run opens one as well; only people close it."""

from __future__ import annotations

from django.db import IntegrityError

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.runs import Phase
from incidents.engine.grants import holds
from incidents.engine.news import show_news
from incidents.models import Incident, Organization, Person, Run
from incidents.models.clock import database_now
from incidents.services.reasons import need

WHY = "Write what is going on. It is kept in the audit log."
WHY_CLOSED = "Write why it is over. It is kept in the audit log."


def declare(person: Person, organization: Organization, because: str) -> Incident:
    """Opens the incident of an organization.

    Raises:
        NotAllowed: neither support of the organization nor one of its owners.
        Refused: no reason, or one is open already.
    """
    _must_manage(person, organization)
    because = need(because, WHY)
    try:
        with recorded():
            incident = Incident.objects.create(
                organization=organization, opened_at=database_now(), declared_by=person, because=because
            )
            _changed(person, incident, "incident.declared", {"because": because})
    except IntegrityError as twice:
        raise Refused("An incident is open already. Nothing was changed.") from twice
    return incident


def close(person: Person, organization: Organization, because: str) -> Incident:
    """Closes the open incident of an organization.

    Raises:
        NotAllowed: neither support of the organization nor one of its owners.
        Refused: no reason, none is open, or a run is under way.
    """
    _must_manage(person, organization)
    because = need(because, WHY_CLOSED)
    with recorded():
        incident = Incident.objects.filter(organization=organization, closed_at=None).first()
        if incident is None:
            raise Refused("No incident is open. Nothing was changed.")
        live = Run.objects.filter(organization=organization).exclude(phase=Phase.ENDED).first()
        if live is not None:
            raise Refused(
                f"{live.reference} is still under way. Wait until it ends, or stop it; then close the incident."
            )
        incident.closed_at, incident.closed_by, incident.closed_because = database_now(), person, because
        incident.save(update_fields=("closed_at", "closed_by", "closed_because"))
        _changed(person, incident, "incident.closed", {"because": because})
    return incident


def _must_manage(person: Person, organization: Organization) -> None:
    if not holds(person, "support_organization", organization) and not holds(person, "manage_people", organization):
        raise NotAllowed("Only an owner of the organization, or our support, opens and closes an incident.")


def _changed(person: Person, incident: Incident, event: str, data: JsonObject) -> None:
    organization = incident.organization
    show_news(organization.pk)
    append(Entry(event, actor_of(person), organization.slug, data={"incident": incident.reference, **data}))
