"""Who somebody is, by name and password; and what the audit log says of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.utils import timezone

from incidents.audit.log import Actor, Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.networks import Origin
from incidents.models import Person
from incidents.services import limits

# Whoever is nobody yet keeps a question open for this long, and no row for longer.
OPEN_SECONDS = 600
NOBODY = Actor("system", "sign-in", "sign-in")


def check_password(name: str, password: str, origin: Origin) -> Person | None:
    """The person with this name and password; None when there is none, or they may not sign in any more.

    A wrong name costs the same time as a wrong password.

    Raises:
        Limited: too many tries; the password was not looked at.
    """
    limits.take_password(name, origin)
    person = Person.objects.filter(username=name).first()
    if person is None:
        make_password(password)
    elif person.check_password(password) and person.is_active:
        limits.give_back_password(name, origin)
        return person
    note_refusal(person, "password", origin)
    return None


def note_refusal(person: Person | None, what: str, origin: Origin) -> None:
    """A `session.refused` entry, at most one a minute for one name and network.

    A name that nobody has is not written down: it may be a password, typed into the wrong field.
    """
    name = person.username if person else ""
    if limits.may_tell_refusal(name, origin):
        actor = actor_of(person) if person else NOBODY
        _write("session.refused", actor, {"what": what, "network": origin.network})


def note_limit(what: str, origin: Origin) -> None:
    """A `session.limited` entry, at most one a minute for one network."""
    if limits.may_tell_refusal("limited", origin):
        _write("session.limited", NOBODY, {"what": what, "network": origin.network})


def begin(person: Person, methods: Sequence[str], origin: Origin) -> None:
    """A `session.began` entry.

    Args:
        methods: how they showed who they are, such as `password` and `totp`.
    """
    with recorded():
        append(Entry("session.began", actor_of(person), data={"with": list(methods), "network": origin.network}))


def end(person: Person, why: str) -> None:
    """A `session.ended` entry. `why` is `sign-out`, `idle` or `age`."""
    _write("session.ended", actor_of(person), {"why": why})


def sessions_of(person: Person, keep: str = "") -> list[str]:
    """Keys of the sessions of a person. Ask before `recorded`: it reads those of everybody, and the log must not wait.

    Args:
        keep: key of the session that goes on.
    """
    # What a session holds is signed text, so each one is opened; there are as many as people at work. Those that hold a
    # question only are left closed: a person's session that is as near to its end has rested for too long already.
    lasting = Session.objects.filter(expire_date__gt=timezone.now() + timedelta(seconds=OPEN_SECONDS))
    rows = lasting.exclude(session_key=keep)
    return [row.session_key for row in rows if row.get_decoded().get(SESSION_KEY) == str(person.pk)]


def end_all(person: Person, why: str, keys: Sequence[str]) -> list[Entry]:
    """Ends these sessions of a person inside the caller's transaction, and gives the entry that tells of it, if any.

    Args:
        why: `factor-removed` or `factor-reset`.
        keys: from `sessions_of`.
    """
    count = Session.objects.filter(session_key__in=keys).delete()[0]
    data: JsonObject = {"why": why, "person": person.username, "count": count}
    return [Entry("session.ended", actor_of(person), data=data)] if count else []


def confirm(person: Person, method: str, origin: Origin) -> None:
    """A `session.confirmed` entry: they showed once more who they are."""
    _write("session.confirmed", actor_of(person), {"with": method, "network": origin.network})


def find_by_company_id(subject: str) -> Person | None:
    """The person whom the company's sign-in calls so; nobody for the empty name, or one that two people have."""
    if not subject:
        return None
    found = list(Person.objects.filter(company_id=subject, is_active=True)[:2])
    return found[0] if len(found) == 1 else None


def note_company(event: str, data: JsonObject) -> None:
    """What the company's sign-in did that it should not, at most once a minute."""
    if limits.may_tell_refusal(event, Origin("")):
        _write(event, NOBODY, data)


def _write(event: str, actor: Actor, data: JsonObject) -> None:
    with recorded():
        append(Entry(event, actor, data=data))
