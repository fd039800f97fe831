"""Consents: nothing of them is left out, nobody gets one who may not, and whoever is spoken for can end it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import F

from incidents.domain.errors import EmptySelector, NotAllowed, Refused
from incidents.engine.callers import end_over
from incidents.engine.grants import consents_of, holds, may_use, may_use_by_right
from incidents.models import AuditEntry, CallerConsent, Organization, Person, Preapproval
from incidents.models.clock import database_now
from incidents.services.consents import end
from tests import factories
from tests.consents import record_consent

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Organization:
    organization = factories.make_organization()
    factories.make_organization("example-bank", "Example Bank")
    factories.make_prefix(organization, "203.0.113.0/24", withdrawn=("edge-a",))
    factories.make_preapproval(organization)
    return organization


@pytest.fixture
def desk(shop: Organization) -> Person:
    return factories.make_person("desk", "support", title="the support desk")


def make_operator(name: str = "kim") -> Person:
    return factories.make_person(name, "example-shop/operators")


def entry(event: str) -> bytes:
    return bytes(AuditEntry.objects.get(event=event).body)


def test_it_is_written_down_whole_with_both_names(shop: Organization, desk: Person) -> None:
    kim = make_operator()
    version = Organization.objects.get(pk=shop.pk).version
    consent = record_consent(desk, shop, caller_person=kim)
    assert consent.expires_at - consent.began_at == timedelta(minutes=60)
    assert [row.action for row in consent.allowed.all()] == [factories.ACTION]
    assert Organization.objects.get(pk=shop.pk).version > version, "the customer's page must show it at once"
    body = entry("consent.recorded")
    for words in (b'"name":"desk"', b'"caller":"Kim of Example Shop"', b'"caller_person":"kim"', b"the number in the"):
        assert words in body


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"caller": "  "}, "who asked"),
        ({"caller": "x" * 101}, "at most 100"),
        ({"recognised": ""}, "how you recognised"),
        ({"recognised": "by their voice"}, "how you recognised"),
        ({"recognised_by": ""}, "which number"),
        ({"agreed": ""}, "agreed to"),
        ({"agreed": "x" * 501}, "at most 500"),
        ({"lasts": timedelta(0)}, "for how long"),
        ({"lasts": timedelta(hours=4, seconds=1)}, "for how long"),
        ({"actions": ("restore_the_moon",)}, "restore_the_moon"),
        ({"actions": (factories.ACTION, "revert_deploy")}, "revert_deploy"),
    ],
)
def test_nothing_of_it_may_be_missing(shop: Organization, desk: Person, missing: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        record_consent(desk, shop, **missing)
    assert not CallerConsent.objects.exists()
    assert not AuditEntry.objects.filter(event="consent.recorded").exists()


def test_a_consent_to_nothing_is_refused(shop: Organization, desk: Person) -> None:
    with pytest.raises(EmptySelector):
        record_consent(desk, shop, actions=())


@pytest.mark.parametrize("groups", [(), ("engineers",), ("reviewers",), ("example-shop/owners",)])
def test_only_support_may_record_one(shop: Organization, groups: tuple[str, ...]) -> None:
    with pytest.raises(NotAllowed):
        record_consent(factories.make_person("somebody", *groups), shop)


def test_the_caller_must_be_somebody_who_may_act(shop: Organization, desk: Person) -> None:
    for groups in (("example-shop/viewers",), ("example-bank/owners",)):
        person = factories.make_person(groups[0], *groups)
        with pytest.raises(Refused, match="may not act"):
            record_consent(desk, shop, caller_person=person)
    desk.groups.add(Group.objects.get(name="example-shop/operators"))
    with pytest.raises(Refused, match="yourself"):
        record_consent(desk, shop, caller_person=desk)


def test_there_is_one_at_a_time_for_one_member_of_staff(shop: Organization, desk: Person) -> None:
    first = record_consent(desk, shop)
    with pytest.raises(Refused, match="already"):
        record_consent(desk, shop)
    other = factories.make_person("other-desk", "support")
    record_consent(other, shop)
    end(desk, first)
    record_consent(desk, shop)
    assert CallerConsent.objects.filter(ended_at=None).count() == 2


def test_one_whose_time_is_over_is_in_nobodys_way(shop: Organization, desk: Person) -> None:
    first = record_consent(desk, shop)
    CallerConsent.objects.update(expires_at=database_now() - timedelta(seconds=1))
    record_consent(desk, shop)
    first.refresh_from_db()
    assert (first.ended_because, first.ended_by, first.ended_at) == ("over", None, first.expires_at)
    assert b'"because":"over"' in entry("consent.ended")


def test_the_end_of_its_time_is_told_once(shop: Organization, desk: Person) -> None:
    record_consent(desk, shop)
    assert end_over(database_now()) == 0
    CallerConsent.objects.update(expires_at=F("began_at"))
    version = Organization.objects.get(pk=shop.pk).version
    assert [end_over(database_now()) for _ in range(2)] == [1, 0]
    assert Organization.objects.get(pk=shop.pk).version == version + 1


@pytest.mark.parametrize(
    ("groups", "because"),
    [
        (("example-shop/operators",), "customer"),
        (("example-shop/owners",), "customer"),
        (("support",), "staff"),
        (("example-shop/viewers",), None),
        (("example-bank/owners",), None),
        (("engineers",), None),
        ((), None),
    ],
)
def test_who_may_end_it(shop: Organization, desk: Person, groups: tuple[str, ...], because: str | None) -> None:
    consent = record_consent(desk, shop)
    version = Organization.objects.get(pk=shop.pk).version
    person = factories.make_person("somebody", *groups, title="Sam of somewhere")
    if because is None:
        with pytest.raises(NotAllowed):
            end(person, consent)
        consent.refresh_from_db()
        assert consent.ended_at is None
        return
    end(person, consent)
    end(desk, consent)
    consent.refresh_from_db()
    assert (consent.ended_by, consent.ended_because) == (person, because)
    assert Organization.objects.get(pk=shop.pk).version == version + 1, "the customer's page must show it at once"
    body = entry("consent.ended")
    assert b'"name":"somebody"' in body
    assert b'"staff":"desk"' in body


def test_it_lets_support_use_what_it_names_and_only_while_it_holds(shop: Organization, desk: Person) -> None:
    preapproval = Preapproval.objects.get()
    other = Preapproval.objects.create(
        slug="other", action="revert_deploy", organization=shop, terms=preapproval.terms, digest="d" * 64
    )
    assert not may_use(desk, preapproval)
    consent = record_consent(desk, shop)
    assert may_use(desk, preapproval)
    assert not may_use_by_right(desk, preapproval)
    assert not may_use(desk, other), "the caller did not agree to this action"
    assert not holds(desk, "act_for_organization", shop)
    assert not may_use(factories.make_person("other-desk", "support"), preapproval), "it is not theirs"
    end(desk, consent)
    assert not may_use(desk, preapproval)


def test_it_is_of_no_use_when_its_time_is_over_or_its_staff_have_left(shop: Organization, desk: Person) -> None:
    preapproval = Preapproval.objects.get()
    consent = record_consent(desk, shop)
    desk.groups.clear()
    assert not may_use(desk, preapproval)
    desk.groups.add(Group.objects.get(name="support"))
    assert may_use(desk, preapproval)
    Person.objects.filter(pk=desk.pk).update(is_active=False)
    assert not may_use(desk, preapproval)
    assert not consents_of(desk).exists()
    Person.objects.filter(pk=desk.pk).update(is_active=True)
    CallerConsent.objects.filter(pk=consent.pk).update(expires_at=database_now())
    assert not may_use(desk, preapproval)


def test_it_is_of_no_use_for_another_organization(shop: Organization, desk: Person) -> None:
    bank = Organization.objects.get(slug="example-bank")
    factories.make_prefix(bank)
    record_consent(desk, shop)
    assert not may_use(desk, factories.make_preapproval(bank))
