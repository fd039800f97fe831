"""The environment of the demo: a secret key of its own, everything under one folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def prepare(var: Path) -> None:
    """Sets what is not set yet, for this process and those that it starts."""
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
        "POLL_SECONDS": "2",
        # A demo has no minute to wait until a state counts as known good.
        "SNAPSHOT_AFTER_SECONDS": "1",
        "LOG_LEVEL": "WARNING",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
