"""Settings that cannot be used are said when the console starts, without the secret that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from tests.processes import ROOT

KEY = Fernet.generate_key().decode()


def check(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "VAR_DIR")}
    given = {"SECRET_KEY": "x" * 50 + "0123456789", **environment}
    command = [sys.executable, "manage.py", "check", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**kept, **given}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SECOND_FACTOR": "off"}, "SECOND_FACTOR is 'off'; it must be one of: required, optional."),
        ({"FACTOR_KEYS": f"{KEY},hunter2"}, "FACTOR_KEYS: part 2 of 2 cannot be used: a key is 32 random bytes"),
        ({"KNOWN_NETWORKS": "192.0.2.1/24"}, "KNOWN_NETWORKS: part 1 of 1 cannot be used: write networks such as"),
        ({"KNOWN_NETWORKS": "office"}, "KNOWN_NETWORKS: part 1 of 1 cannot be used: write networks such as"),
        ({"SNAPSHOT_KEEP_DAYS": "29"}, "SNAPSHOT_KEEP_DAYS is 29; it must be a number of days from 30 to 36500."),
        ({"OBSERVATION_KEEP_DAYS": "0"}, "OBSERVATION_KEEP_DAYS is 0; it must be a number of days from 30"),
        ({"OBSERVATION_KEEP_DAYS": "99999999"}, "OBSERVATION_KEEP_DAYS is 99999999; it must be a number of days"),
        ({"MAIL_URL": "smtp://u:hunter2@h:x", "MAIL_FROM": "a@example.net"}, "MAIL_URL must be smtp+starttls://"),
        (
            {"MAIL_URL": "imap://u:hunter2@mail.example", "MAIL_FROM": "a@example.net"},
            "MAIL_URL must be smtp+starttls://",
        ),
        ({"MAIL_URL": "smtp://u:hunter2@mail.example"}, "Set MAIL_FROM to the address that mail is from"),
        ({"MAIL_URL": "smtp://mail.example", "MAIL_FROM": "Console <a@example.net>"}, "Set MAIL_FROM to the address"),
        ({"CONSOLE_URL": "console.example.net"}, "CONSOLE_URL must be the address of the console"),
        ({"CONSOLE_URL": "https://console.example.net/x"}, "CONSOLE_URL must be the address of the console"),
        ({"NOTICE_NETWORKS": "10.0.0.1/8"}, "NOTICE_NETWORKS: part 1 of 1 cannot be used: write networks such as"),
        ({"OIDC_ISSUER": "https://id.example"}, "Set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET together"),
        (
            {"OIDC_ISSUER": "http://id.example", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "hunter2"},
            "OIDC_ISSUER must begin with https://",
        ),
    ],
)
def test_it_is_said_what_is_wrong(environment: dict[str, str], says: str) -> None:
    done = check(**environment)

    assert done.returncode != 0
    assert says in done.stderr
    assert "hunter2" not in done.stderr


def test_an_optional_second_factor_is_a_warning_for_production() -> None:
    strict = ("--deploy", "--fail-level", "WARNING")

    assert check(*strict).returncode == 0
    assert "handrail.W001" in check(*strict, SECOND_FACTOR="optional").stderr
