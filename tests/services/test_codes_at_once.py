"""Two processes are given the same code in the same moment. One of them takes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings

from incidents.selectors.factors import read_factors
from incidents.services import factors
from tests.codes import STEP, code_of, settle
from tests.factories import make_person
from tests.processes import ROOT, database_url

# Each round begins at a moment that both were told, with a network of its own so that no limit is in the way.
USE = """
import json, sys, time
import django
django.setup()
from incidents.domain.networks import Origin
from incidents.models import Person
from incidents.services.factors import check_code
person = Person.objects.get()
print("ready", flush=True)
start = float(sys.stdin.readline())
won = []
for number, code in enumerate(json.loads(sys.argv[1])):
    while time.time() < start + number * 0.3:
        pass
    won.append(check_code(person, code, Origin(f"192.0.{number}.0/24")) is not None)
print(json.dumps(won), flush=True)
"""


def compete(codes: list[str]) -> list[int]:
    """How many of two processes took each code."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": database_url(),
    }
    both = [
        subprocess.Popen(
            [sys.executable, "-c", USE, json.dumps(codes)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    start = f"{time.time() + 0.2}\n"
    won = [json.loads(one.communicate(start, timeout=60)[0]) for one in both]
    return [sum(each) for each in zip(*won, strict=True)]


@pytest.mark.usefixtures("committed")
def test_a_code_of_the_app_is_taken_once() -> None:
    person = make_person("shop-operator")
    secret = generate_totp_secret()
    settle(STEP / 2)
    factors.add_totp(person, secret, code_of(secret, -1))

    # The code of now, and the one of the next step, which a fast clock shows already.
    assert compete([code_of(secret), code_of(secret, 1)]) == [1, 1]


@pytest.mark.usefixtures("committed")
def test_a_recovery_code_is_taken_once() -> None:
    person = make_person("shop-operator")
    secret = generate_totp_secret()
    settle()
    factors.add_totp(person, secret, code_of(secret))
    factors.renew_recovery_codes(person)

    assert compete(list(read_factors(person).codes)) == [1] * 10
