"""People are the fixture: an operator, a viewer, the operator of another organization, and nobody in particular."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm
from pytest_django import Settings

from incidents.domain.changes import State
from incidents.domain.runs import Phase, Step
from incidents.engine import looking
from incidents.models import Binding, Organization, Person, Preapproval, Resource, Run, Target
from incidents.services.start import Consent, start
from tests import factories


@dataclass
class Shop:
    """Example Shop: one prefix withdrawn everywhere, two that work; and its people, who are signed in."""

    organization: Organization
    broken: Resource
    well: list[Resource]
    preapproval: Preapproval
    operator: Person
    viewer: Person
    stranger: Person
    nobody: Person
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def home(self) -> str:
        return f"/c/{self.organization.slug}"

    def preview(self, *resources: Resource) -> str:
        query = "&".join(f"target={resource.pk}" for resource in resources or (self.broken,))
        return f"{self.home}/actions/{factories.ACTION}?{query}"


@pytest.fixture(autouse=True)
def static_files(settings: Settings) -> None:
    """Static files are read where they lie; nobody has collected them."""
    settings.WHITENOISE_AUTOREFRESH = True


def sign_in(person: Person) -> Client:
    """A browser as a sign-in by password leaves it."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    note_shown(client, person, "password")
    return client


def note_shown(client: Client, person: Person, method: str, ago: float = 0.0) -> None:
    """Notes in an open session that its person showed who they are, so many seconds ago; nothing before that counts."""
    session = client.session
    at = time.time() - ago
    session["account_authentication_methods"] = [{"method": method, "at": at}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.update({"began": int(at), "seen": int(time.time())})
    session.save()


@pytest.fixture
def shop(db: None) -> Shop:
    organization = factories.make_organization()
    factories.make_organization("example-bank", "Example Bank")
    broken = factories.make_prefix(organization, "203.0.113.0/24", withdrawn=("edge-a", "edge-b", "edge-c"))
    well = [factories.make_prefix(organization) for _ in range(2)]
    made = Shop(
        organization=organization,
        broken=broken,
        well=well,
        preapproval=factories.make_preapproval(organization),
        operator=factories.make_person("shop-operator", "example-shop/operators", title="Robin of Example Shop"),
        viewer=factories.make_person("shop-viewer", "example-shop/viewers"),
        stranger=factories.make_person("bank-operator", "example-bank/operators"),
        nobody=factories.make_person("nobody"),
    )
    factories.make_looks()
    for role in ("operator", "viewer", "stranger", "nobody"):
        made.clients[role] = sign_in(getattr(made, role))
    return made


@pytest.fixture
def operator(shop: Shop) -> Client:
    return shop.clients["operator"]


@pytest.fixture
def viewer(shop: Shop) -> Client:
    return shop.clients["viewer"]


@pytest.fixture
def stranger(shop: Shop) -> Client:
    return shop.clients["stranger"]


@pytest.fixture
def nobody(shop: Shop) -> Client:
    return shop.clients["nobody"]


@pytest.fixture
def still_world(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A look at the network finds what was seen last. Called with the slug of a backend, that one is silent."""
    silent: dict[str, str] = {}

    def look(bindings: list[tuple[int, str, str]]) -> looking.Sighted:
        asked = [(pk, backend) for pk, backend, _ in bindings if backend not in silent]
        rows = Binding.objects.filter(pk__in=[pk for pk, _ in asked])
        states: dict[int, State] = dict(rows.values_list("pk", "seen__state"))
        return looking.Sighted(states, dict(silent))

    monkeypatch.setattr("incidents.engine.looking.look", look)
    return lambda backend: silent.update({backend: "no answer"})


@pytest.fixture
def run(shop: Shop) -> Run:
    """A run that the operator has just started for the broken prefix."""
    return start_run(shop, shop.broken)


def start_run(shop: Shop, *resources: Resource, key: str = "a key of a form", understood: bool = False) -> Run:
    plan = factories.make_plan(shop.operator, shop.preapproval, resources)
    return start(shop.operator, shop.organization, Consent(plan.digest, key, "shop is down", understood))


def page_of(run: Run) -> str:
    return f"/runs/{run.reference}"


def put(run: Run, step: Step = Step.WAITING, why: str = "", **fields: Any) -> None:
    """Writes what a pass of the engine would have written: step and code of every target, and fields of the run."""
    attempts = 0 if step in (Step.WAITING, Step.LEFT, Step.SKIPPED) else 1
    Target.objects.filter(run=run).update(step=step, because=why, attempts=attempts)
    if fields.get("phase") == Phase.ENDED:
        fields.setdefault("ended_at", timezone.now())
    Run.objects.filter(pk=run.pk).update(version=run.version + 1, **fields)
    run.refresh_from_db()


@pytest.fixture
def desk(shop: Shop) -> Client:
    """The support desk."""
    return sign_in(factories.make_person("desk", "support", title="the support desk"))


@pytest.fixture
def engineer(shop: Shop) -> Client:
    return sign_in(factories.make_person("engineer", "engineers", title="a platform engineer"))


@pytest.fixture
def owner(shop: Shop) -> Client:
    return sign_in(factories.make_person("owner", "example-shop/owners"))


def narrow(organization: Organization) -> Client:
    """Support of this organization alone, by a right of its own."""
    person = factories.make_person(f"only-{organization.slug}")
    for right in ("see_organization", "support_organization"):
        assign_perm(f"incidents.{right}", person, organization)
    return sign_in(person)
