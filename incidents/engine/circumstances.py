"""Finds out what the guards ask: who may, what is busy, what was changed lately, when it was announced."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Max

from incidents.domain.changes import Change, is_up
from incidents.domain.circumstances import CallersConsent, Circumstances, Frozen, Proposal
from incidents.domain.findings import Finding
from incidents.domain.guards import check
from incidents.engine import on_call
from incidents.engine.breakers import open_breaker
from incidents.engine.changed_lately import cooling, lately, zones
from incidents.engine.freezes import freezes_on
from incidents.engine.grants import holds, may_use_by_right
from incidents.engine.seals import preapproval_is_sealed, run_is_as_recorded, run_is_sealed
from incidents.models import Attempt, CallerConsent, Incident, Person, Preapproval, ResourceLock, Run


def ask_guards(
    proposal: Proposal,
    preapproval: Preapproval | None,
    person: Person,
    run: Run | None,
    now: datetime,
    *,
    agreed: bool = False,
    approval: str = "",
) -> tuple[Finding, ...]:
    """Every guard's answer at this moment.

    Args:
        preapproval: the row as it is now; None when it is gone.
        run: the run that asks, whose own locks and attempts do not count against it; None before there is one.
        agreed: whether it was agreed to beforehand, with the run that it hands back.
        approval: what is missing of a second person's consent (`engine.approving`); empty when nothing is.
    """
    resources = frozenset(uuid.UUID(key) for key in proposal.resources)
    known = Circumstances(
        allowed=_allowed(person, preapproval, proposal.consent),
        preapproval=preapproval.digest if preapproval else "",
        covered=_covered(preapproval, resources),
        busy=_busy(resources, run),
        lately=lately(proposal, preapproval, now),
        zone_of=zones() if proposal.terms.zone_window else {},
        cooling=cooling(proposal, run, now),
        breaker=open_breaker(proposal.actions, rescue=proposal.rescue),
        announced_at=_announced(proposal.changes, warn=run is None),
        agreed=agreed,
        sealed=_sealed(run, preapproval),
        approval=approval,
        incident_open=proposal.terms.in_incident and _incident_open(preapproval),
        on_call=on_call.now(proposal.terms.on_call, person, now),
        consent=_consent(person, proposal, now),
        freezes=_freezes(proposal),
    )
    return check(proposal, known, now)


def _sealed(run: Run | None, preapproval: Preapproval | None) -> bool:
    """A preapproval that is gone, or withdrawn, is another guard's business."""
    rules = preapproval is None or not preapproval.digest or preapproval_is_sealed(preapproval)
    return rules and (run is None or (run_is_sealed(run) and run_is_as_recorded(run)))


def _incident_open(preapproval: Preapproval | None) -> bool:
    return (
        preapproval is not None
        and Incident.objects.filter(organization=preapproval.organization_id, closed_at=None).exists()
    )


def _allowed(person: Person, preapproval: Preapproval | None, consent: str) -> bool:
    """With a consent the guard of that name asks whether it holds; here, whether the person may still lean on one."""
    if preapproval is None:
        return False
    if consent:
        return holds(person, "support_organization", preapproval.organization)
    return may_use_by_right(person, preapproval)


def _consent(person: Person, proposal: Proposal, now: datetime) -> CallersConsent | None:
    if not proposal.consent:
        return None
    rows = CallerConsent.objects.filter(
        pk=uuid.UUID(proposal.consent),
        staff=person,
        organization__slug=proposal.organization,
        allowed__action=proposal.action,
    )
    row = rows.select_related("ended_by").first()
    if row is None:
        return CallersConsent("")
    ended_by = str(row.ended_by) if row.ended_by else ""
    return CallersConsent(row.caller, ended_by, over=row.ended_at is not None or now >= row.expires_at)


def _freezes(proposal: Proposal) -> tuple[Frozen, ...]:
    rows = freezes_on(proposal.organization, proposal.actions)
    return tuple(Frozen(str(row.by), row.since, row.because) for row in rows)


def _covered(preapproval: Preapproval | None, resources: frozenset[uuid.UUID]) -> frozenset[str]:
    if preapproval is None:
        return frozenset()
    rows = preapproval.resources.filter(pk__in=resources).values_list("pk", flat=True)
    return frozenset(str(pk) for pk in rows)


def _busy(resources: frozenset[uuid.UUID], run: Run | None) -> dict[str, str]:
    locks = ResourceLock.objects.filter(live=True, resource__in=resources)
    if run is not None:
        locks = locks.exclude(run=run)
    return {str(resource): reference for resource, reference in locks.values_list("resource_id", "run__reference")}


def _announced(changes: tuple[Change, ...], *, warn: bool) -> dict[str, datetime]:
    """When we announced each binding last, as far as attempts remember.

    With `warn`, at the preview, also of those that would be announced again; before an effect only of those that
    would be withdrawn, for nothing else is held up by it.
    """
    asked = {
        int(change.binding) for change in changes if change.aspect == "route" and (warn or not is_up(change.after))
    }
    if not asked:
        return {}
    # A withdrawal's own attempts announce nothing.
    done = Attempt.objects.filter(target__binding__in=asked, target__up=True)
    return {
        str(binding): at for binding, at in done.values_list("target__binding_id").annotate(at=Max("at")).order_by()
    }
