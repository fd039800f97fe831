"""manage.py factors: the way back for somebody who has lost everything, and new keys."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from incidents.domain.networks import Origin
from incidents.models import AuditEntry
from incidents.selectors.factors import read_factors
from incidents.services import factors
from tests.codes import code_of
from tests.console.conftest import Shop
from tests.console.test_second_factor import enrol
from tests.factories import PASSWORD

GOOD = {"username": "shop-operator", "password": PASSWORD}
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("factors", *arguments, stdout=said)
    return said.getvalue()


def test_reset_leads_the_person_to_adding_a_new_one(shop: Shop, client: Client, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    enrol(shop.operator)
    enrol(shop.viewer)

    assert "shop-operator had 2 factors and has none" in run("reset", "shop-operator", "--reason", "lost bag; known")

    assert Authenticator.objects.filter(user=shop.viewer).count() == 2
    assert client.post("/sign-in", GOOD)["Location"] == "/"
    assert client.get("/")["Location"] == "/me/first"
    [entry] = AuditEntry.objects.filter(event="factor.reset")
    said = json.loads(bytes(entry.body))
    assert said["actor"]["kind"] == "command"
    assert said["data"] == {"person": "shop-operator", "count": 2, "reason": "lost bag; known"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("reset", "nobody-here", "--reason", "x"), "There is no person nobody-here. Nothing was changed."),
        (("reset", "shop-operator", "--reason", " "), "Write the reason."),
    ],
)
def test_what_cannot_be_is_said(shop: Shop, arguments: tuple[str, ...], says: str) -> None:
    enrol(shop.operator)

    with pytest.raises(CommandError, match=says):
        run(*arguments)
    assert Authenticator.objects.count() == 2


def test_a_key_can_be_taken_out_after_everything_is_sealed_anew(shop: Shop, settings: Settings) -> None:
    """From the key that SECRET_KEY gives, to one of its own, to another one."""
    secret = enrol(shop.operator)
    codes = sorted(RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes())
    for keys in ([OLD], [NEW, OLD]):
        settings.FACTOR_KEYS = keys
        assert "2 secrets are encrypted with the first key" in run("reseal")
    settings.FACTOR_KEYS, settings.SECRET_KEY = [NEW], "another secret key altogether"

    assert sorted(read_factors(shop.operator).codes) == codes
    assert factors.check_code(shop.operator, code_of(secret), Origin("192.0.2.0/24")) == "totp"


def test_a_new_secret_key_locks_nobody_out_while_the_old_one_is_a_fallback(
    shop: Shop, client: Client, settings: Settings
) -> None:
    secret = enrol(shop.operator)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the next secret key"

    client.post("/sign-in", GOOD)
    assert client.post("/sign-in/code", {"code": code_of(secret)}).status_code == 303

    assert "2 secrets are encrypted with the first key" in run("reseal")
    codes = read_factors(shop.operator).codes
    settings.SECRET_KEY_FALLBACKS = []
    assert read_factors(shop.operator).codes == codes
    assert factors.check_code(shop.operator, codes[0], Origin("192.0.2.0/24")) == "recovery_codes"


def test_secrets_that_no_key_reads_are_counted_and_left(shop: Shop, settings: Settings) -> None:
    settings.FACTOR_KEYS = [OLD]
    enrol(shop.operator)
    before = list(Authenticator.objects.values_list("data", flat=True))
    settings.FACTOR_KEYS = [NEW]

    with pytest.raises(CommandError, match="2 more could not be read"):
        run("reseal")
    assert list(Authenticator.objects.values_list("data", flat=True)) == before


def test_without_the_key_codes_are_refused_and_pages_still_answer(
    shop: Shop, client: Client, operator: Client, settings: Settings
) -> None:
    """A passkey needs no key, so it still signs in; nothing must break on the way to it."""
    settings.FACTOR_KEYS = [OLD]
    secret = enrol(shop.operator)
    settings.FACTOR_KEYS = [NEW]
    client.post("/sign-in", GOOD)

    assert client.get("/sign-in/code").status_code == 200
    assert client.post("/sign-in/code", {"code": code_of(secret)}).status_code == 422
    assert client.post("/sign-in/code", {"code": "1234567890"}).status_code == 422
    assert "0 left" in operator.get("/me").text
