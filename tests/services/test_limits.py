"""Limits of sign-in: they stop a spray, cost nothing once reached, and lock nobody out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from incidents.domain.errors import Limited
from incidents.domain.networks import Origin, origin_of
from incidents.models import AuditEntry, Tally
from incidents.services import limits
from incidents.services.sign_in import check_password
from tests.factories import PASSWORD, make_person
from tests.hashers import CountingArgon2

pytestmark = pytest.mark.django_db
HERE, THERE = Origin("192.0.2.0/24"), Origin("198.51.100.0/24")
KNOWN = Origin("203.0.113.0/24", known=True)


@pytest.fixture
def hasher(settings: Settings) -> type[CountingArgon2]:
    settings.PASSWORD_HASHERS = ["tests.hashers.CountingArgon2"]
    CountingArgon2.worked = 0
    return CountingArgon2


def wrong(name: str, origin: Origin, times: int) -> None:
    for _ in range(times):
        assert check_password(name, "wrong", origin) is None


def test_the_sixth_wrong_password_for_a_name_from_a_network_is_not_looked_at(hasher: type[CountingArgon2]) -> None:
    make_person("shop-operator")
    wrong("shop-operator", HERE, 5)
    worked, rows, entries = hasher.worked, Tally.objects.count(), AuditEntry.objects.count()

    with pytest.raises(Limited) as limited:
        check_password("shop-operator", PASSWORD, HERE)

    assert limited.value.minutes == 5
    assert (hasher.worked, Tally.objects.count(), AuditEntry.objects.count()) == (worked, rows, entries)


def test_it_does_not_hold_the_person_up_elsewhere() -> None:
    person = make_person("shop-operator")
    wrong("shop-operator", HERE, 5)

    assert check_password("shop-operator", PASSWORD, THERE) == person


def test_it_does_not_hold_their_neighbours_up() -> None:
    """Whoever goes on after their own limit uses nothing up of what the network has."""
    neighbour = make_person("shop-viewer")
    wrong("shop-operator", HERE, 5)
    for _ in range(40):
        with pytest.raises(Limited):
            check_password("shop-operator", "wrong", HERE)

    assert check_password("shop-viewer", PASSWORD, HERE) == neighbour


def test_it_ends_by_itself() -> None:
    person = make_person("shop-operator")
    wrong("shop-operator", HERE, 5)
    Tally.objects.update(until=timezone.now() - timedelta(seconds=1))

    assert check_password("shop-operator", PASSWORD, HERE) == person


def test_a_right_password_does_not_count() -> None:
    person = make_person("shop-operator")
    for _ in range(40):
        assert check_password("shop-operator", PASSWORD, HERE) == person


def test_names_without_end_make_no_rows_without_end() -> None:
    for number in range(30):
        wrong(f"name-{number}", HERE, 1)
    rows = Tally.objects.count()

    for number in range(100, 150):
        with pytest.raises(Limited):
            check_password(f"name-{number}", "wrong", HERE)

    assert Tally.objects.count() == rows


def test_a_known_network_has_no_limit_over_all_names() -> None:
    for number in range(60):
        wrong(f"name-{number}", KNOWN, 1)
    wrong("shop-operator", KNOWN, 20)

    with pytest.raises(Limited):
        check_password("shop-operator", "wrong", KNOWN)


def test_a_spray_of_passwords_leaves_passkeys_and_codes_open() -> None:
    person = make_person("shop-operator")
    wrong("shop-operator", HERE, 5)
    for number in range(25):
        wrong(f"name-{number}", HERE, 1)

    limits.take_passkey(HERE)
    limits.take_code(person.pk, HERE)


def test_passkeys_have_a_limit_of_their_own_which_known_networks_do_not_have() -> None:
    for _ in range(60):
        limits.take_passkey(HERE)
        limits.take_passkey(KNOWN)
    with pytest.raises(Limited):
        limits.take_passkey(HERE)
    limits.take_passkey(KNOWN)


def test_asking_for_a_passkey_uses_up_nothing_of_what_answers_have_and_is_bounded_too() -> None:
    for _ in range(300):
        limits.take_passkey_question(HERE)
    limits.take_passkey(HERE)
    with pytest.raises(Limited):
        limits.take_passkey_question(HERE)
    limits.take_passkey_question(KNOWN)
    limits.take_passkey_question(THERE)


def test_a_passkey_that_was_accepted_does_not_count() -> None:
    for _ in range(61):
        limits.take_passkey(HERE)
        limits.give_back_passkey(HERE)


def test_an_unknown_name_costs_as_much_as_a_wrong_password(hasher: type[CountingArgon2]) -> None:
    make_person("shop-operator")
    before = hasher.worked
    wrong("shop-operator", HERE, 1)
    known = hasher.worked - before
    wrong("who", HERE, 1)

    assert hasher.worked - before - known == known > 0


def test_the_audit_log_tells_of_a_burst_once_and_of_no_name_that_nobody_has() -> None:
    make_person("shop-operator")
    wrong("shop-operator", HERE, 4)
    wrong("hunter2-typed-into-the-wrong-field", HERE, 4)
    wrong("shop-operator", THERE, 2)

    entries = AuditEntry.objects.filter(event="session.refused")

    assert sorted(entries.values_list("actor", flat=True)) == ["shop-operator", "shop-operator", "sign-in"]
    assert not any(b"hunter2" in bytes(entry.body) for entry in entries)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("nonsense", ""),
    ],
)
def test_a_network_is_what_one_person_can_change_within(address: str, network: str) -> None:
    assert origin_of(address).network == network


def test_known_networks_are_those_of_the_setting() -> None:
    known = ["203.0.113.0/25", "2001:db8::/32"]
    assert origin_of("203.0.113.9", known).known
    assert origin_of("2001:db8::9", known).known
    assert not origin_of("203.0.113.200", known).known
