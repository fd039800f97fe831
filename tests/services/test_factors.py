"""Second factors: used once, kept sealed, never lost by accident, and told in the audit log."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import decrypt
from cryptography.fernet import Fernet, InvalidToken
from django.db import connection
from pytest_django import Settings

from incidents.domain.errors import Limited, Refused
from incidents.domain.networks import Origin
from incidents.models import AuditEntry, Person, UsedCode
from incidents.selectors.factors import read_factors
from incidents.services import factors
from tests.codes import code_of, settle
from tests.factories import make_person

pytestmark = pytest.mark.django_db
HERE = Origin("192.0.2.0/24")


@pytest.fixture
def person() -> Person:
    return make_person("shop-operator")


def enrol(person: Person) -> str:
    """Adds an app, with the code before this one, so that the code of now is unused. Gives its secret."""
    settle()
    secret: str = generate_totp_secret()
    factors.add_totp(person, secret, code_of(secret, -1))
    return secret


def events() -> list[str]:
    return list(AuditEntry.objects.values_list("event", flat=True))


def test_a_code_is_good_once(person: Person) -> None:
    code = code_of(enrol(person))

    assert factors.check_code(person, f" {code[:3]} {code[3:]} ", HERE) == "totp"
    assert factors.check_code(person, code, HERE) is None


def test_the_code_of_the_set_up_is_used_as_well(person: Person) -> None:
    settle()
    secret = generate_totp_secret()
    factors.add_totp(person, secret, code_of(secret))

    assert factors.check_code(person, code_of(secret), HERE) is None


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_of_another_minute_is_not_good(person: Person, steps: int) -> None:
    secret = enrol(person)

    assert factors.check_code(person, code_of(secret, steps), HERE) is None


@pytest.mark.parametrize("text", ["", "abcdef", "12345", "1234567", "٠١٢٣٤٥", "\0" * 6, "9" * 90])
def test_what_is_no_code_is_refused(person: Person, text: str) -> None:
    enrol(person)

    assert factors.check_code(person, text, HERE) is None


def test_a_recovery_code_is_good_once_and_is_told(person: Person) -> None:
    enrol(person)
    factors.renew_recovery_codes(person)
    code = read_factors(person).codes[3]

    assert factors.check_code(person, f"{code[:5]}-{code[5:]}", HERE) == "recovery_codes"
    assert factors.check_code(person, code, HERE) is None
    assert read_factors(person).codes_left == 9
    assert events().count("recovery-code.used") == 1


def test_new_recovery_codes_end_the_old_ones(person: Person) -> None:
    enrol(person)
    factors.renew_recovery_codes(person)
    old = read_factors(person).codes[0]
    factors.renew_recovery_codes(person)

    assert factors.check_code(person, old, HERE) is None


def test_recovery_codes_are_shown_until_somebody_has_them(person: Person) -> None:
    enrol(person)
    factors.renew_recovery_codes(person)
    assert len(read_factors(person).codes) == 10

    factors.note_seen(person)

    assert (read_factors(person).codes, read_factors(person).codes_left) == ((), 10)


def test_guesses_end_after_five_from_one_network(person: Person) -> None:
    code = code_of(enrol(person))
    for _ in range(5):
        factors.check_code(person, "000000", HERE)

    with pytest.raises(Limited):
        factors.check_code(person, code, HERE)
    assert factors.check_code(person, code, Origin("198.51.100.0/24")) == "totp"


def test_guesses_end_after_twenty_an_hour_from_everywhere(person: Person) -> None:
    for number in range(20):
        factors.check_code(person, "000000", Origin(f"198.51.{number}.0/24"))

    with pytest.raises(Limited) as limited:
        factors.check_code(person, "000000", Origin("203.0.113.0/24"))
    assert limited.value.minutes == 60


def test_the_last_factor_stays(person: Person) -> None:
    enrol(person)
    row = Authenticator.objects.get(type="totp")

    with pytest.raises(Refused, match="your last way"):
        factors.remove(person, row.pk, keep_one=True)
    factors.remove(person, row.pk, keep_one=False)

    assert not read_factors(person).any
    assert events() == ["factor.added", "factor.removed"]


def test_recovery_codes_go_with_the_last_factor(person: Person) -> None:
    enrol(person)
    factors.renew_recovery_codes(person)
    code = read_factors(person).codes[0]

    factors.remove(person, Authenticator.objects.get(type="totp").pk, keep_one=False)

    assert factors.check_code(person, code, HERE) is None


def test_nobody_removes_what_is_another_persons(person: Person) -> None:
    enrol(person)
    other = make_person("bank-operator")
    enrol(other)

    factors.remove(person, Authenticator.objects.get(user=other).pk, keep_one=False)

    assert Authenticator.objects.filter(user=other).exists()


def test_a_wrong_code_adds_no_app_and_a_second_app_is_refused(person: Person) -> None:
    with pytest.raises(Refused, match="clock of the phone"):
        factors.add_totp(person, generate_totp_secret(), "000000")
    enrol(person)
    with pytest.raises(Refused, match="already"):
        enrol(person)
    assert Authenticator.objects.count() == 1


def test_the_tables_hold_no_secret_in_the_clear(person: Person) -> None:
    secret = enrol(person)
    factors.renew_recovery_codes(person)
    seed = decrypt(Authenticator.objects.get(type="recovery_codes").data["seed"])
    codes = read_factors(person).codes
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        dump = json.dumps(cursor.fetchall(), default=str)

    for hidden in (secret, seed, *codes):
        assert hidden not in dump
    assert "gAAAA" in dump  # there is something to find: what Fernet made of them


def test_a_new_key_goes_first_and_the_old_one_still_reads(person: Person, settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FACTOR_KEYS = [old]
    code = code_of(enrol(person))

    settings.FACTOR_KEYS = [new, old]
    factors.renew_recovery_codes(person)
    assert factors.check_code(person, code, HERE) == "totp"

    settings.FACTOR_KEYS = [new]
    assert len(RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()) == 10
    with pytest.raises(InvalidToken):
        decrypt(Authenticator.objects.get(type="totp").data["secret"])


def test_old_used_codes_are_forgotten(person: Person) -> None:
    secret = enrol(person)
    UsedCode.objects.create(person=person, counter=1)

    factors.check_code(person, code_of(secret), HERE)

    assert UsedCode.objects.count() == 2
