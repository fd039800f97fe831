"""This host and its settings, without any database: what is served, what is secret, and what is installed."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core import checks

from console.doctor.findings import Finding, broken, ok, warn
from incidents.selectors.health import broker_answers

LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}
# What SQLite, its journal and collected files need to go on for a while.
LEAST_FREE, LITTLE_FREE = 200 * 2**20, 2 * 2**30
MAIL_SECONDS = 3.0
SERVED = "console/console.css"
# Programs without which a part of the console does not work, and where one comes from.
GIT = "git"


def look_at_settings() -> Iterator[Finding]:
    """What Django's own checks for a deployment say, and ours; `SECURE=false` is told once and not eight times."""
    messages = checks.run_checks(include_deployment_checks=settings.SECURE)
    for message in messages:
        if message.is_silenced():
            continue
        hint = message.hint or "See docs/settings.md."
        found = broken if message.is_serious() else warn
        yield found("settings", f"{message.msg.strip()} ({message.id})", hint)
    if not settings.SECURE:
        text = "SECURE is false: cookies and pages go over plain HTTP, and anybody on the way can read them."
        yield warn("settings", text, "Leave SECURE out, except for a demo on loopback.")
    if "*" in settings.ALLOWED_HOSTS:
        yield warn(
            "settings", "ALLOWED_HOSTS is *: the console answers to any name.", "Set ALLOWED_HOSTS to its names."
        )
    elif settings.SECURE and not set(settings.ALLOWED_HOSTS) - LOOPBACK:
        text = f"The console answers to {', '.join(settings.ALLOWED_HOSTS) or 'no name at all'} only."
        yield broken("settings", text, "Set ALLOWED_HOSTS to the names under which people reach it.")
    if not messages and settings.SECURE:
        yield ok(
            "settings", f"The settings are fit for use; the console answers to {', '.join(settings.ALLOWED_HOSTS)}."
        )


def look_at_files() -> Iterator[Finding]:
    """Where files lie: room for them, and the files that pages need."""
    folder = _folder()
    if not folder.is_dir():
        yield broken("space", f"The folder {folder} is not there.", f"mkdir -p {folder}")
    elif not os.access(folder, os.W_OK):
        yield broken("space", f"The folder {folder} cannot be written to.", f"chown {_user()} {folder}")
    else:
        usage = shutil.disk_usage(folder)
        yield of_space(folder, usage.free)
    yield _static_files()


def of_space(folder: Path, free: int) -> Finding:
    """What so many free bytes mean."""
    text = f"{free / 2**30:.1f} GiB are free in {folder}"
    mend = "Make room, or move VAR_DIR. docs/snapshots.md says what is kept for how long."
    if free < LEAST_FREE:
        return broken("space", f"{text}; soon nothing can be written down, and then nothing is done.", mend)
    return warn("space", f"{text}.", mend) if free < LITTLE_FREE else ok("space", f"{text}.")


def _folder() -> Path:
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        return Path(str(database["NAME"])).parent
    return Path(settings.VAR_DIR)


def _user() -> str:
    return f"{os.geteuid()}:{os.getegid()}"


def _static_files() -> Finding:
    """Whether what pages refer to was collected, and not before the program changed."""
    manifest = getattr(staticfiles_storage, "manifest_name", "")
    if not manifest:
        return ok("static files", "They are served from where they lie.")
    mend = "python manage.py collectstatic --no-input"
    path = Path(settings.STATIC_ROOT) / manifest
    if not path.is_file() or SERVED not in getattr(staticfiles_storage, "hashed_files", {}):
        return broken(
            "static files", f"They were not collected into {settings.STATIC_ROOT}: no page can be shown.", mend
        )
    source = finders.find(SERVED)
    if isinstance(source, str) and Path(source).stat().st_mtime > path.stat().st_mtime:
        return warn("static files", "They were collected before the program changed.", mend)
    return ok("static files", f"They were collected into {settings.STATIC_ROOT}.")


def look_at_broker() -> Finding:
    """A warning at most: everything goes on by the sweep."""
    if broker_answers():
        return ok("broker", "It answers.")
    text = "It does not answer. Runs start by the sweep, up to 2 s later, and nothing is lost."
    return warn("broker", text, "Start it, or set REDIS_URL to where it is.")


def look_at_mail() -> Finding | None:
    """Whether the mail server of the notices can be reached; None where none is set."""
    server = getattr(settings, "MAIL_SERVER", {})
    if not server:
        return None
    address = (str(server["host"]), int(server["port"]))
    try:
        with socket.create_connection(address, MAIL_SECONDS):
            return ok("mail", f"{address[0]}:{address[1]} answers.")
    except OSError as error:
        why = error.strerror or type(error).__name__
        text = f"{address[0]}:{address[1]} does not answer ({why}): notices by mail wait. Runs do not."
        return warn("mail", text, "Start the mail server, or set MAIL_URL to where it is.")


def look_for_programs(kinds: frozenset[str]) -> Finding | None:
    """Programs of the system that backends of these kinds start; None where there is no such kind."""
    if GIT not in kinds:
        return None
    found = shutil.which(GIT)
    if found:
        return ok("programs", f"{found} is there.")
    return broken("programs", "There is no git on the PATH, and a backend needs it.", "apt-get install git")
