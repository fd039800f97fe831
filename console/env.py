"""Reads the environment, and says plainly what is wrong with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
# A hundred years: dates that much earlier can still be reckoned with.
MOST_DAYS = 36_500


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


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """The value. Raises ImproperlyConfigured when it is none of those that are allowed."""
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of: {', '.join(allowed)}.")
    return value


def listed(name: str, text: str, check: Callable[[str], object]) -> list[str]:
    """The parts of a text with commas or line ends between them.

    Raises ImproperlyConfigured when `check` raises ValueError for one of them; the text itself, which may be a secret,
    is not told.
    """
    parts = [part for part in (piece.strip() for piece in text.replace("\n", ",").split(",")) if part]
    for number, part in enumerate(parts, 1):
        try:
            check(part)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: part {number} of {len(parts)} cannot be used: {error}") from None
    return parts


def days(name: str, value: int, least: int) -> int:
    """The value. Raises ImproperlyConfigured when it is less than `least`, or more days than a calendar has."""
    if not least <= value <= MOST_DAYS:
        raise ImproperlyConfigured(f"{name} is {value}; it must be a number of days from {least} to {MOST_DAYS}.")
    return value


def check_fernet_key(text: str) -> None:
    """Raises ValueError for what is no key of Fernet."""
    try:
        Fernet(text)
    except ValueError:
        raise ValueError("a key is 32 random bytes in URL-safe base64; docs/sign-in.md makes one") from None


def check_network(text: str) -> None:
    """Raises ValueError for what is no network such as 192.0.2.0/24."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("write networks such as 192.0.2.0/24 or 2001:db8::/48") from None


def check_company(issuer: str, client: str, client_secret: str, *, plain: bool) -> bool:
    """Whether company sign-in is set up.

    Args:
        plain: whether its address may be http, as in a demo on loopback.

    Raises ImproperlyConfigured when only a part of it is set, or its address cannot be used.
    """
    given = [bool(issuer), bool(client), bool(client_secret)]
    if any(given) and not all(given):
        raise ImproperlyConfigured("Set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET together, or none of them.")
    if issuer and not issuer.startswith(("https://", "http://") if plain else "https://"):
        raise ImproperlyConfigured("OIDC_ISSUER must begin with https://, as the provider itself writes it.")
    return all(given)


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


def whole(name: str, value: int, least: int, most: int) -> int:
    """A whole number within its limits. Raises ImproperlyConfigured."""
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must be from {least} to {most}; it is {value}.")
    return value
