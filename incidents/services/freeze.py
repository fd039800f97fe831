"""Pauses runs and lets them go on (DESIGN section 7): a freeze stops new effects at once, and says who made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from incidents.actions.catalogue import CATALOGUE
from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.people import FREEZE_EVERYONE
from incidents.domain.runs import Phase
from incidents.engine import bell
from incidents.engine.freezes import runs_under
from incidents.engine.grants import holds, holds_everywhere
from incidents.engine.news import show_news_to
from incidents.models import Freeze, HandBack, Organization, Person, Run
from incidents.models.clock import database_now
from incidents.services.reasons import need

WHY = "Write why runs are paused. The customers read it."
WHY_LIFTED = "Write why runs may go on. It is kept in the audit log."


@dataclass(frozen=True, slots=True)
class Over:
    """What a freeze is over. Everyone is said in so many words; nothing never means everything."""

    scope: Freeze.Scope
    organization: Organization | None = None
    action: str = ""

    def as_json(self) -> JsonObject:
        return {"scope": str(self.scope), "action": self.action}


def set_freeze(person: Person, over: Over, because: str) -> Freeze:
    """No run that it covers has a new effect from now on; live ones end as stopped, what goes back by itself waits.

    Raises:
        NotAllowed: the person may not freeze this.
        Refused: no reason, an unknown action, or it is frozen already.
    """
    must_freeze(person, over)
    because = need(because, WHY)
    if over.scope is Freeze.Scope.ACTION and over.action not in CATALOGUE:
        raise Refused("There is no such action.")
    try:
        with recorded():
            row = Freeze.objects.create(
                scope=over.scope,
                organization=over.organization,
                action=over.action,
                by=person,
                since=database_now(),
                because=because,
            )
            _tell(person, row, "freeze.set", {"because": because}, _wake_runs)
    except IntegrityError as twice:
        raise Refused("This is paused already. Nothing was changed.") from twice
    return row


def lift(person: Person, freeze: Freeze, because: str) -> None:
    """Runs may go on; what waited to go back by itself is tried at once. Harmless when repeated.

    Raises:
        NotAllowed: the person may not lift it.
        Refused: no reason.
    """
    must_freeze(person, over_of(freeze))
    because = need(because, WHY_LIFTED)
    with recorded():
        live = Freeze.objects.filter(pk=freeze.pk, lifted_at=None)
        if live.update(lifted_at=database_now(), lifted_by=person, lifted_because=because):
            _tell(person, freeze, "freeze.lifted", {"because": because, "was": freeze.because}, _try_hand_backs)


def must_freeze(person: Person, over: Over) -> None:
    """Raises NotAllowed where the person may not freeze this, or let it go on."""
    if over.scope is Freeze.Scope.ORGANIZATION and over.organization is not None:
        allowed = holds(person, "support_organization", over.organization)
    else:
        allowed = over.scope is not Freeze.Scope.ORGANIZATION and holds_everywhere(person, FREEZE_EVERYONE)
    if not allowed:
        raise NotAllowed("You may not pause this.")


def over_of(freeze: Freeze) -> Over:
    return Over(Freeze.Scope(freeze.scope), freeze.organization, freeze.action)


def _tell(person: Person, freeze: Freeze, event: str, data: JsonObject, then: Callable[[QuerySet[Run]], None]) -> None:
    """Pages, the audit log, and whatever the runs under it have to do."""
    over = over_of(freeze)
    seen_by = Organization.objects.all() if over.organization is None else Organization.objects.filter(freezes=freeze)
    show_news_to(seen_by)
    slug = over.organization.slug if over.organization else ""
    append(Entry(event, actor_of(person), slug, data={**over.as_json(), **data}))
    then(runs_under(over.scope, over.organization, over.action))


def _wake_runs(runs: QuerySet[Run]) -> None:
    """Live runs ask the guards in their next pass, and find that they may go no further."""
    live = runs.exclude(phase=Phase.ENDED)
    keys = list(live.values_list("pk", flat=True))
    Run.objects.filter(pk__in=keys).update(version=F("version") + 1, wake_at=Now())
    for key in keys:
        transaction.on_commit(partial(bell.wake, key), robust=True)


def _try_hand_backs(runs: QuerySet[Run]) -> None:
    waiting = HandBack.objects.filter(run__in=runs.values("pk"), ended_at=None, because="guard.freeze")
    waiting.update(try_at=Now(), tries=0)
