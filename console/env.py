"""Reads the environment, and says plainly what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def secret(name: str, default: str | None = None) -> str:
    """The value of NAME, or the text of the file that NAME_FILE points at (without the last line end).

    Raises ImproperlyConfigured when neither is set and there is no default, or the file cannot be read.
    """
    path = env.str(f"{name}_FILE", default="")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error
    value: str = env.str(name, default=default or "")
    if not value and default is None:
        raise ImproperlyConfigured(f"Set {name}, or {name}_FILE to the path of a file that holds it.")
    return value


def database(url: str) -> dict[str, object]:
    """Django's settings for one database URL (postgresql://… or sqlite:///PATH)."""
    settings: dict[str, object] = dict(environ.Env.db_url_config(url))
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        settings["OPTIONS"] = {
            # The lock is taken when a transaction begins, so that two of them never wait for each other in a circle.
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            # FULL: a commit that was answered survives a power cut. recursive_triggers: without it INSERT OR REPLACE
            # passes by the fence around the audit log.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;",
        }
    else:
        settings["CONN_MAX_AGE"] = 60
        settings["CONN_HEALTH_CHECKS"] = True
        settings["OPTIONS"] = {
            "connect_timeout": 3,
            # A frozen database must not freeze us: the kernel gives the connection up.
            "tcp_user_timeout": 5000,
            "options": "-c statement_timeout=10000 -c lock_timeout=3000",
        }
    return settings
