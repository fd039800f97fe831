"""The environment of the demo: a secret key of its own, everything under one folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "environment"
REMEMBERED = (
    "VAR_DIR",
    "SECRET_KEY_FILE",
    "SECURE",
    "SECOND_FACTOR",
    "DATABASE_URL",
    "REDIS_URL",
    "POLL_SECONDS",
    "SNAPSHOT_AFTER_SECONDS",
    "SNAPSHOT_SOURCE_AFTER_SECONDS",
    "LOG_LEVEL",
    "LOG_FORMAT",
)


def prepare(var: Path) -> None:
    """Sets what is not set yet, for this process and those that it starts."""
    # What lies here are password hashes and session keys.
    os.umask(0o077)
    var.mkdir(parents=True, exist_ok=True)
    key = var / "secret-key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(48))
    defaults = {
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "VAR_DIR": str(var),
        "SECRET_KEY_FILE": str(key),
        "SECURE": "false",
        # Nobody has to set a second factor up to look at a demo.
        "SECOND_FACTOR": "optional",
        "POLL_SECONDS": "2",
        # A demo has no minute to wait until a state counts as known good.
        "SNAPSHOT_AFTER_SECONDS": "1",
        "SNAPSHOT_SOURCE_AFTER_SECONDS": "3",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "console",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def remember(var: Path) -> None:
    """Writes down how this demo is reached, so that `manage.py` in another shell speaks to the same one."""
    lines = [f"{name}={os.environ[name]}" for name in REMEMBERED if name in os.environ]
    (var / FILE).write_text("\n".join(lines) + "\n")


def adopt(var: Path) -> None:
    """Takes on the environment of the demo in this folder where nobody has set another; nothing without a demo."""
    file = var / FILE
    if "SECRET_KEY" in os.environ or "SECRET_KEY_FILE" in os.environ or not file.exists():
        return
    for line in file.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)
