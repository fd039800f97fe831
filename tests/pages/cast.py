"""Everything that there is to look at, made by the services as people would, and the session of each person."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from incidents.domain.people import Recognised
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.tokens import Scope
from incidents.models import (
    Approval,
    Breaker,
    CallerConsent,
    EngineerEntry,
    Freeze,
    Incident,
    Invitation,
    Notice,
    Organization,
    Person,
    Review,
    Run,
)
from incidents.services import approvals, consents, factors, tokens
from incidents.services.freeze import Over, set_freeze
from incidents.services.incident_notes import write
from incidents.services.invitations import invite
from incidents.services.propose import propose
from incidents.services.start import Consent, start
from tests.codes import code_of, settle
from tests.console.conftest import put, sign_in
from tests.notices.routes import make_channel, write_delivery
from tests.scene import Scene

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
# Broken before the page is looked at; the first four are repaired, or are being repaired.
DAMAGE = ("policy_blocks", "traffic_stuck", "bad_deploy", "record_wrong", "keys_wrong", "withdrawn", "takes_two")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who and what is on the stage."""

    scene: Scene
    people: dict[str, Person]
    shop: Organization
    bank: Organization

    def propose(self, name: str, action: str, *resources: str) -> Consent:
        """What the form of a preview would send."""
        person = self.people[name]
        organization = self.bank if name.startswith("bank") else self.shop
        plan = propose(person, organization, action, [self.scene.resource(one) for one in resources])
        return Consent(plan.digest, str(uuid.uuid4()), "Nobody can buy anything", True, "SERIOUS")

    def begin(self, action: str, resource: str) -> Run:
        return start(self.people["shop-operator"], self.shop, self.propose("shop-operator", action, resource))


def build(scene: Scene) -> dict[str, Any]:
    """Gives `ids`, by the parameter of an address or `page.parameter`; and `sessions`, cookies by name."""
    people = {person.username: person for person in Person.objects.all()}
    cast = Cast(scene, people, scene.organization, Organization.objects.get(slug="example-bank"))
    for scenario in DAMAGE:
        scene.break_(scenario)
    ids = {**_runs(cast), **_agreed(cast), **_people(cast)}
    scene.break_("withdrawn_unbound")
    entry = EngineerEntry.objects.get()
    resource, gate, bank = scene.resource("203.0.113.0/24"), scene.resource("shop-gate"), cast.bank
    ids |= {
        "slug": "example-shop",
        "bank_slug": "example-bank",
        "action": "readvertise_prefix",
        "policy_action": "roll_back_policy",
        "all_action": "restore_to",
        "resource_id": str(resource.pk),
        "healthy": str(gate.pk),
        "unrepairable": str(scene.resource("198.51.100.0/24").pk),
        "bank": str(bank.resources.get(name="198.18.20.0/24").pk),
        "entry_id": entry.pk,
        **_written(cast, scene.organization.incidents.get(closed_at=None)),
    }
    _told()
    return {"ids": ids, "sessions": _sessions(cast), "password": _password(scene, "shop-operator")}


def _told() -> None:
    """What was sent outside: taken, not yet, and given up."""
    make_channel()
    write_delivery("203.0.113.0/24 reachable again from 3 of 3 locations")
    write_delivery("checkout: revert deploy waits for a person", state="waiting", tries=2)
    write_delivery("Runs are paused: restore record", "", "given-up", tries=9)


def _runs(cast: Cast) -> dict[str, Any]:
    """One of each kind of end that a run has, or has not yet."""
    ended = cast.scene.carry_on(cast.begin("roll_back_policy", "shop-gate"))
    away = cast.scene.carry_on(cast.begin("shift_traffic_back", "shop-web"))
    assert [one.outcome for one in (ended, away)] == [Outcome.SUCCEEDED] * 2, (ended.because, away.because)
    paused, failed = cast.begin("revert_deploy", "checkout"), cast.begin("restore_record", "shop-www")
    put(paused, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.inconclusive")
    put(failed, Step.FAILED, "backend.refused", phase=Phase.ENDED, outcome=Outcome.FAILED, because="run.target-failed")
    live = cast.begin("restore_keys", "shop-sign-in")
    now = timezone.now()
    breaker = Breaker.objects.create(
        action="revert_deploy", rescue=True, opened_at=now, because="5 of 6 runs did not work.", run=failed
    )
    review = Review.objects.create(run=ended, opened_at=now)
    return {
        "reference": live.reference,
        "ended": ended.reference,
        "away": away.reference,
        "paused": paused.reference,
        "failed": failed.reference,
        "breaker_id": breaker.pk,
        "review_id": review.pk,
        "incident": live.incident.reference,
        "note": _notes(cast, live.incident),
    }


def _notes(cast: Cast, incident: Incident) -> int:
    """Two notes, of which one stands in the place of another; the id of the newest."""
    person = cast.people["shop-operator"]
    first = write(person, incident, "It is the router in Amsterdam.", "first")
    write(person, incident, "It is the cable to Amsterdam; somebody is on the way.", "second", first)
    return write(person, incident, "The shop sells again through Frankfurt.", "third").pk


def _agreed(cast: Cast) -> dict[str, Any]:
    """What waits for a second person, what a caller has consented to, and what is frozen."""
    asked = cast.propose("bank-operator", "readvertise_prefix", "198.18.20.0/24")
    approval: Approval = approvals.ask(cast.people["bank-operator"], cast.bank, asked)
    said = consents.Said(
        caller="somebody of theirs",
        caller_person=cast.people["shop-operator"],
        recognised=Recognised.CALLED_BACK,
        recognised_by="the number in the contract",
        agreed="Advertise the shop again",
        actions=["readvertise_prefix"],
        lasts=timedelta(hours=1),
    )
    consent: CallerConsent = consents.record(cast.people["support-desk"], cast.shop, said)
    over = Over(Freeze.Scope.ACTION, action="restore_record")
    freeze = set_freeze(cast.people["support-desk"], over, "We look at the name servers")
    notice = Notice.objects.create(
        person=cast.people["shop-operator"], at=timezone.now(), text="Somebody went on alone.", link="/"
    )
    return {
        "approval_id": str(approval.pk),
        "consent_id": str(consent.pk),
        "freeze_id": freeze.pk,
        "notice_id": notice.pk,
    }


def _people(cast: Cast) -> dict[str, Any]:
    """Somebody invited, and somebody with a second factor."""
    invited = invite(
        cast.people["shop-owner"], cast.shop, name="night-shift", title="the night shift", role="operators"
    )
    waiting: Invitation = invited.invitation
    viewer = cast.people["shop-viewer"]
    settle()
    factors.add_totp(viewer, SECRET, code_of(SECRET, -1))
    factors.renew_recovery_codes(viewer)
    factor = Authenticator.objects.get(user=viewer, type=Authenticator.Type.TOTP)
    return {"token": invited.token, "invitation_id": str(waiting.pk), "person_id": str(viewer.pk), "pk": factor.pk}


def _written(cast: Cast, incident: Incident) -> dict[str, Any]:
    """A note and its correction, an entry of the audit log, and a token of a program."""
    operator = cast.people["shop-operator"]
    asked = tokens.Asked(cast.shop, "nagios", frozenset({Scope.READ}), 30)
    token = tokens.make(operator, asked).token
    return {"incident": incident.reference, "number": 1, "token_id": str(token.pk)}


def _sessions(cast: Cast) -> dict[str, str]:
    sessions = {name: str(sign_in(person).cookies["session"].value) for name, person in cast.people.items()}
    half_way = Client(headers={"host": "127.0.0.1"})
    answer = half_way.post("/sign-in", {"username": "shop-viewer", "password": _password(cast.scene, "shop-viewer")})
    assert answer["Location"] == "/sign-in/code"
    return {**sessions, "half-way": str(half_way.cookies["session"].value)}


def _password(scene: Scene, name: str) -> str:
    return (scene.lab.directory / "passwords" / name).read_text().strip()
