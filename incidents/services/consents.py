"""A caller's consent: by it, and only by it, somebody of the operator may act for a customer (DESIGN section 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from incidents.actions.catalogue import CATALOGUE
from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import EmptySelector, NotAllowed, Refused
from incidents.domain.people import Recognised
from incidents.domain.runs import Phase
from incidents.engine import bell
from incidents.engine.behalf import told
from incidents.engine.callers import end_over
from incidents.engine.grants import holds
from incidents.engine.news import show_news
from incidents.models import CallerConsent, ConsentedAction, Organization, Person, Preapproval, Run
from incidents.models.clock import database_now
from incidents.services.reasons import need

# Long enough for an incident that is being worked on; a longer one asks the caller again.
LONGEST = timedelta(hours=4)
SHORTEST = timedelta(minutes=5)
LONGEST_NAME, LONGEST_AGREED = 100, 500
WHO = "Write who asked."
HOW = "Say how you recognised the caller."
BY_WHAT = "Write which number, where the word is kept, or who confirmed it."
AGREED = "Write what the caller agreed to."
NOTHING = "Choose what the caller agreed to. A consent to nothing allows nothing."
Because = CallerConsent.Because


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller said, and how they were recognised. Nothing of it has a default.

    Args:
        caller: who asked, as they gave their name.
        caller_person: the same, where they are known to us; None where they are not.
        recognised: one of `Recognised`; `recognised_by` which number, where the word is kept, who.
        agreed: what they agreed to, in their words.
        actions: names in the catalogue of what may be run for them.
        lasts: for how long.
    """

    caller: str
    caller_person: Person | None
    recognised: str
    recognised_by: str
    agreed: str
    actions: Sequence[str]
    lasts: timedelta


def record(staff: Person, organization: Organization, said: Said) -> CallerConsent:
    """Writes the consent down; from now on the member of staff may run these actions for the organization.

    Raises:
        NotAllowed: they do not support this organization.
        EmptySelector: no action; nothing never means everything.
        Refused: something is missing or too long, an action is not approved for this organization, the caller may not
            agree to it, or there is a consent of theirs already.
    """
    if not holds(staff, "support_organization", organization):
        raise NotAllowed("You do not support this organization.")
    words = _checked(organization, said)
    _check_caller(staff, organization, said.caller_person)
    actions = _checked_actions(organization, said.actions)
    end_over(database_now())
    try:
        with recorded():
            now = database_now()
            consent = CallerConsent.objects.create(
                organization=organization,
                staff=staff,
                caller_person=said.caller_person,
                recognised=said.recognised,
                began_at=now,
                expires_at=now + said.lasts,
                **words,
            )
            ConsentedAction.objects.bulk_create([ConsentedAction(consent=consent, action=name) for name in actions])
            show_news(organization.pk)
            append(_recorded(consent, actions))
    except IntegrityError as twice:
        raise Refused("You act for this customer already. End that consent before you record another one.") from twice
    return consent


def end(person: Person, consent: CallerConsent) -> None:
    """Nothing more is done by this consent: the next effect of a run under it is refused. Harmless when repeated.

    The customer may end it (whoever may act for the organization), the member of staff, and anybody of the support.

    Raises NotAllowed.
    """
    because = _by_whom(person, consent)
    with recorded():
        open_row = CallerConsent.objects.filter(pk=consent.pk, ended_at=None)
        if not open_row.update(ended_at=database_now(), ended_by=person, ended_because=because):
            return
        show_news(consent.organization_id)
        live = Run.objects.filter(plan__consent=consent).exclude(phase=Phase.ENDED)
        runs = list(live.values_list("pk", flat=True))
        # Their next pass asks the guards, and finds that it may go no further.
        live.update(version=F("version") + 1, wake_at=Now())
        data = {"because": str(because), "staff": consent.staff.username}
        append(_entry("consent.ended", person, consent, data))
        for run in runs:
            transaction.on_commit(partial(bell.wake, run), robust=True)


def _by_whom(person: Person, consent: CallerConsent) -> CallerConsent.Because:
    organization = consent.organization
    if person.pk != consent.staff_id and holds(person, "act_for_organization", organization):
        return Because.CUSTOMER
    if person.pk == consent.staff_id or holds(person, "support_organization", organization):
        return Because.STAFF
    raise NotAllowed("You can see this but not end it.")


def _checked(organization: Organization, said: Said) -> dict[str, str]:
    if said.recognised not in list(Recognised):
        raise Refused(HOW)
    if not SHORTEST <= said.lasts <= LONGEST:
        raise Refused("Choose for how long they agreed: 5 minutes to 4 hours.")
    return {
        "caller": need(said.caller, WHO, LONGEST_NAME),
        "recognised_by": need(said.recognised_by, BY_WHAT),
        "agreed": need(said.agreed, AGREED, LONGEST_AGREED),
    }


def _check_caller(staff: Person, organization: Organization, caller: Person | None) -> None:
    """Somebody who may not act themselves cannot let others act."""
    if caller is None:
        return
    if caller.pk == staff.pk:
        raise Refused("You cannot be the caller yourself.")
    if not holds(caller, "act_for_organization", organization):
        raise Refused(
            "This person may not act for the organization, so they cannot agree to it. Ask for somebody else."
        )


def _checked_actions(organization: Organization, names: Sequence[str]) -> list[str]:
    wanted = sorted(set(names))
    if not wanted:
        raise EmptySelector(NOTHING)
    rows = Preapproval.objects.filter(organization=organization, action__in=wanted).exclude(digest="")
    approved = set(rows.values_list("action", flat=True)) & CATALOGUE.keys()
    if missing := [name for name in wanted if name not in approved]:
        raise Refused(f"Not approved for this organization, so nobody can agree to it: {', '.join(missing)[:100]}.")
    return wanted


def _recorded(consent: CallerConsent, actions: Sequence[str]) -> Entry:
    caller = consent.caller_person
    return _entry(
        "consent.recorded",
        consent.staff,
        consent,
        {
            "caller_person": caller.username if caller else "",
            "recognised": consent.recognised,
            "recognised_by": consent.recognised_by,
            "agreed": consent.agreed,
            "actions": list(actions),
            "expires_at": consent.expires_at.isoformat(),
        },
    )


def _entry(event: str, person: Person, consent: CallerConsent, data: JsonObject) -> Entry:
    slug = consent.organization.slug
    return Entry(event, actor_of(person), slug, data={**data, **told(consent, slug)})
