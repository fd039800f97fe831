"""Reads the environment, and says plainly what is wrong with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from incidents.domain.notices import is_mail_address

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


# How the connection to a mail server is kept private, by the scheme of its address, and its usual port.
MAIL_SCHEMES = {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}


def mail_server(url: str, sender: str) -> dict[str, str | int]:
    """What `MAIL_URL` says of the mail server; empty where it is empty.

    Raises ImproperlyConfigured, without the address: it may hold a password.
    """
    if not url:
        return {}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in MAIL_SCHEMES or not parts.hostname or parts.path.strip("/"):
        raise ImproperlyConfigured("MAIL_URL must be smtp+starttls://USER:PASSWORD@HOST:PORT, smtps://… or smtp://….")
    if not is_mail_address(sender):
        raise ImproperlyConfigured("Set MAIL_FROM to the address that mail is from, such as console@example.net.")
    tls, usual = MAIL_SCHEMES[parts.scheme]
    return {
        "host": parts.hostname,
        "port": port or usual,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "tls": tls,
        "sender": sender,
    }


def address_of_console(url: str) -> str:
    """The address without a slash at its end; empty where it is empty. Raises ImproperlyConfigured."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise ImproperlyConfigured(
            "CONSOLE_URL must be the address of the console, such as https://console.example.net."
        )
    return url.rstrip("/")


def passwords_of(databases: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The passwords of the databases: an error of one may repeat how it was asked for."""
    return [str(settings["PASSWORD"]) for settings in databases.values() if settings.get("PASSWORD")]
