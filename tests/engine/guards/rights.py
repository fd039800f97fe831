"""Scenes for the guards that ask whether this may be: by whom, by which rules, at this moment.

In most of them all is well when the run starts, and is no longer when it would have its first effect.
"""

from __future__ import annotations

from datetime import timedelta

from incidents.models import Freeze, Incident, Person, Preapproval, Rota, Run
from incidents.models.clock import database_now
from incidents.services.consents import end
from incidents.services.freeze import Over, set_freeze
from incidents.services.propose import propose
from incidents.services.start import start
from tests.consents import record_consent
from tests.engine.guards.acts import Case, allow, announced, attempt, leave, lose, rules
from tests.scene import Scene, consent

ROTA = "shop-on-call"


def desk() -> Person:
    return Person.objects.get(username="support-desk")


def terms_edited_by_sql(scene: Scene) -> list[str]:
    """Two people are asked for; somebody writes into the database that one is enough, and goes alone."""
    allow(tier=3)
    lose(scene)
    row = rules()
    Preapproval.objects.filter(pk=row.pk).update(terms={**row.terms, "tier": 1})
    return attempt(scene, scene.start)


def customer_ends_their_consent(scene: Scene) -> list[str]:
    lose(scene)
    agreed = record_consent(desk(), scene.organization)
    plan = propose(desk(), scene.organization, "readvertise_prefix", [scene.resource()])
    return attempt(
        scene,
        lambda: start(desk(), scene.organization, consent(plan)),
        lambda run: end(scene.operator, agreed),
    )


def everything_shall_stand_still(scene: Scene) -> list[str]:
    lose(scene)
    over = Over(Freeze.Scope.EVERYONE)
    return attempt(scene, scene.start, lambda run: set_freeze(desk(), over, "We look at the routers"))


def somebody_is_let_go(scene: Scene) -> list[str]:
    lose(scene)
    return attempt(scene, scene.start, lambda run: leave(scene.operator, "example-shop/operators"))


def rules_grow_stricter(scene: Scene) -> list[str]:
    """The review decides that this takes two, while a run of one person waits."""
    lose(scene)
    return attempt(scene, scene.start, lambda run: allow(tier=3))


def resource_is_no_longer_covered(scene: Scene) -> list[str]:
    """Only its row goes. Where the inventory takes it out the digest changes too, and guard.preapproval speaks."""
    lose(scene)
    return attempt(scene, scene.start, lambda run: rules().resources.remove(scene.resource()))


def one_person_alone(scene: Scene) -> list[str]:
    allow(tier=3)
    lose(scene)
    return attempt(scene, scene.start)


def incident_is_over(scene: Scene) -> list[str]:
    allow(in_incident=True)
    lose(scene)
    row = Incident.objects.create(organization=scene.organization, opened_at=database_now())

    def close(run: Run) -> None:
        Incident.objects.filter(pk=row.pk).update(closed_at=database_now())

    return attempt(scene, scene.start, close)


def shift_is_over(scene: Scene) -> list[str]:
    Rota.objects.create(slug=ROTA, turns=turn_of("shop-operator"))
    allow(on_call=ROTA)
    lose(scene)
    return attempt(scene, scene.start, lambda run: Rota.objects.update(turns=turn_of("shop-owner")))


def turn_of(name: str) -> dict[str, object]:
    since = (database_now() - timedelta(minutes=30)).isoformat()
    return {"people": [name], "since": since, "hours": 1}


CASES = (
    Case("guard.seal", terms_edited_by_sql, announced),
    Case("guard.consent", customer_ends_their_consent, announced),
    Case("guard.freeze", everything_shall_stand_still, announced),
    Case("guard.permission", somebody_is_let_go, announced),
    Case("guard.preapproval", rules_grow_stricter, announced),
    Case("guard.not-covered", resource_is_no_longer_covered, announced),
    Case("guard.second-person", one_person_alone, announced),
    Case("guard.incident", incident_is_over, announced),
    Case("guard.on-call", shift_is_over, announced),
)
