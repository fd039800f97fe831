"""Moves the time at which something comes back by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from incidents.actions.shift_traffic_away import LONGEST, SHORTEST
from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.errors import NotAllowed, Refused
from incidents.engine.grants import may_use_by_right
from incidents.engine.news import show_news
from incidents.models import HandBack, Person, Run
from incidents.models.clock import database_now

HOW_LONG = "Choose for how long from now: 1 minute to 72 hours."


def extend(person: Person, run: Run, minutes: int) -> None:
    """What this run moved comes back so many minutes from now, earlier or later than before.

    Raises:
        NotAllowed: the person may not use what approved the run.
        Refused: no time that is allowed; or it has come back, or is coming back just now.
    """
    # A caller's consent is to what they asked for, not to more of it later.
    if not may_use_by_right(person, run.plan.preapproval):
        raise NotAllowed("You can see this run but not change it.")
    if not SHORTEST <= minutes <= LONGEST:
        raise Refused(HOW_LONG)
    now = database_now()
    _keep_to_what_two_agreed(run, now + timedelta(minutes=minutes))
    due_at = now + timedelta(minutes=minutes)
    with recorded():
        still_away = HandBack.objects.filter(run=run, ended_at=None).exclude(
            done_by__isnull=False, done_by__ended_at=None
        )
        if not still_away.update(
            due_at=due_at, try_at=due_at, tries=0, because="", detail="", done_by=None, extended_by=person
        ):
            raise Refused("It has come back already, or is coming back just now.")
        show_news(run.organization_id)
        Run.objects.filter(pk=run.pk).update(version=F("version") + 1)
        append(
            Entry(
                "hand-back.extended",
                actor_of(person),
                run.organization.slug,
                str(run.pk),
                {"reference": run.reference, "minutes": minutes, "due_at": due_at.isoformat()},
            )
        )


def _keep_to_what_two_agreed(run: Run, due_at: datetime) -> None:
    """One person may bring it back sooner than two have agreed, not later."""
    plan = run.plan.thaw()
    agreed = run.accepted_at + timedelta(seconds=plan.hand_back)
    if plan.second_person and due_at > agreed:
        raise Refused(f"Two people agreed on {agreed:%H:%M} UTC. For longer than that, ask for it anew.")
