"""Two organizations with one of everything each, and one person a role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.domain.diagnosis import Damage
from incidents.domain.people import PLATFORM_ROLES, Recognised
from incidents.domain.tokens import Scope
from incidents.models import (
    AuditEntry,
    Breaker,
    CallerConsent,
    EngineerEntry,
    Freeze,
    Invitation,
    Notice,
    Organization,
    OrganizationGroupObjectPermission,
    Person,
    Preapproval,
    PreapprovalGroupObjectPermission,
    Resource,
    Review,
)
from incidents.services import approvals, consents, tokens
from incidents.services.start import Consent, start
from tests import factories
from tests.console.conftest import sign_in
from tests.matrix.rows import ROLES, SIGNED_IN

GROUPS = {
    "viewer": "example-shop/viewers",
    "operator": "example-shop/operators",
    "owner": "example-shop/owners",
    "support": "support",
    "acting": "support",
    "reviewer": "reviewers",
    "engineer": "engineers",
    "stranger": "example-bank/owners",
}


@dataclass(frozen=True, slots=True)
class Things:
    """One of everything that belongs to one organization; `ids` by the parameter of an address."""

    organization: Organization
    ids: dict[str, object]
    posted: dict[str, str]
    preapproval: Preapproval
    broken: Resource

    def body(self, name: str, person: Person | None) -> dict[str, str]:
        """What a page of this person's own would post. What is frozen is lifted where that is not the point."""
        if name in ("preview", "approval-agree"):
            Freeze.objects.update(lifted_at=timezone.now())
        if name != "preview" or person is None:
            return self.posted
        return {**self.posted, "digest": factories.make_plan(person, self.preapproval, [self.broken]).digest}

    def with_ids_of(self, other: Things) -> Things:
        """The address of this organization, and in it what is the other's."""
        return replace(self, ids={**other.ids, "slug": self.ids["slug"]}, posted=other.posted)

    def address(self, name: str, params: tuple[str, ...]) -> str:
        """Of the page of that name: each of its parameters as for every page, or as for this one."""
        found = reverse(name, kwargs={param: self.ids.get(f"{name}.{param}", self.ids[param]) for param in params})
        return f"{found}?target={self.ids['resource_id']}" if name == "preview" else found


@dataclass(frozen=True, slots=True)
class World:
    """The organization of the roles, the other one, and the session of each role."""

    own: Things
    other: Things
    sessions: dict[str, str]
    people: dict[str, Person]

    def client(self, role: str) -> Client:
        """A browser of its own for one request."""
        client = Client(raise_request_exception=False)
        if role != "anonymous":
            client.cookies["session"] = self.sessions[role]
        # The cookie of the form token, which otherwise comes with the first page.
        client.cookies["csrf"] = "c" * 32
        return client


def build() -> World:
    shop, bank = factories.make_organization(), factories.make_organization("example-bank", "Example Bank")
    people = {role: factories.make_person(role, GROUPS.get(role, "")) for role in SIGNED_IN}
    people["bank-operator"] = factories.make_person("bank-operator", "example-bank/operators")
    own = _things(shop, people, people["operator"])
    other = _things(bank, people, people["bank-operator"])
    # The operator's people have nothing to do with the other organization.
    for model, rows in (
        (OrganizationGroupObjectPermission, OrganizationGroupObjectPermission.objects.filter(content_object=bank)),
        (
            PreapprovalGroupObjectPermission,
            PreapprovalGroupObjectPermission.objects.filter(content_object__organization=bank),
        ),
    ):
        model._default_manager.filter(pk__in=rows.filter(group__name__in=list(PLATFORM_ROLES)).values("pk")).delete()
    factories.make_looks()
    sessions = {role: str(sign_in(people[role]).cookies["session"].value) for role in ROLES if role != "anonymous"}
    return World(own, other, sessions, people)


def _things(organization: Organization, people: dict[str, Person], operator: Person) -> Things:
    gone = ("edge-a", "edge-b", "edge-c")
    broken = [factories.make_prefix(organization, withdrawn=gone) for _ in range(5)]
    preapproval = factories.make_preapproval(organization)
    consent = _consent(organization, people["acting"], operator)
    live = start(operator, organization, _posted(operator, preapproval, broken[0]))
    now = timezone.now()
    ended = factories.make_ended_run(factories.make_plan(operator, preapproval, [broken[1]]), now)
    factories.agree_on(preapproval, factories.make_terms(tier=3, break_glass=True).as_json())
    approval = approvals.ask(operator, organization, _posted(operator, preapproval, broken[2]))
    entry = EngineerEntry.objects.create(resource=broken[3], damage=Damage.WITHDRAWN_UNBOUND, opened_at=now)
    freeze = Freeze.objects.create(
        scope=Freeze.Scope.ORGANIZATION, organization=organization, by=people["support"], since=now, because="a test"
    )
    # Closed already, so that it stops nothing of what the others try.
    breaker = Breaker.objects.create(
        action=factories.ACTION, rescue=False, opened_at=now, because="a test", run=ended, closed_at=now
    )
    member = factories.make_person(f"member-of-{organization.slug}", f"{organization.slug}/viewers")
    invitation = Invitation.objects.create(
        person=factories.make_person(f"invited-to-{organization.slug}"),
        organization=organization,
        role="viewers",
        token_hash=organization.slug,
        invited_by=operator,
        invited_at=now,
        expires_at=now + timedelta(hours=1),
    )
    # Somebody else's.
    factor = Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={})
    token = tokens.make(member, tokens.Asked(organization, "theirs", [Scope.READ], 30)).token
    review = Review.objects.create(run=ended, opened_at=now)
    notice = Notice.objects.create(person=operator, at=now, text="something", link="/")
    return Things(
        organization,
        {
            "slug": organization.slug,
            "resource_id": broken[3].pk,
            "action": factories.ACTION,
            "approval_id": approval.pk,
            "reference": live.reference,
            "run-undo.reference": ended.reference,
            "run-extend.reference": ended.reference,
            "consent_id": consent.pk,
            "person_id": member.pk,
            "invitation_id": invitation.pk,
            "freeze_id": freeze.pk,
            "breaker_id": breaker.pk,
            "entry_id": entry.pk,
            "review_id": review.pk,
            "number": AuditEntry.objects.filter(organization=organization.slug).order_by("index")[0].pk,
            "notice_id": notice.pk,
            "pk": factor.pk,
            "token_id": token.pk,
            "incident": live.incident.reference,
            "token": "made-up",
            "digest": approval.plan_id,
            "code": "guard.freeze",
        },
        {"digest": approval.plan_id, "words": "no", "key": "key-of-a-form", "reason": "it is down", "word": "SERIOUS",
         "role": "operators", "name": "newcomer", "title": "somebody new", "found": "right", "minutes": "60",
         "text": "we are looking at it"},
        preapproval,
        broken[4],
    )  # fmt: skip


def _consent(organization: Organization, staff: Person, caller: Person) -> CallerConsent:
    said = consents.Said(
        caller="somebody of theirs",
        caller_person=caller,
        recognised=Recognised.CALLED_BACK,
        recognised_by="the number on file",
        agreed="bring it back",
        actions=[factories.ACTION],
        lasts=timedelta(hours=1),
    )
    return consents.record(staff, organization, said)


def _posted(operator: Person, preapproval: Preapproval, resource: Resource) -> Consent:
    plan = factories.make_plan(operator, preapproval, [resource])
    return Consent(plan.digest, f"key-of-{resource.pk}", "it is down", word="SERIOUS")
