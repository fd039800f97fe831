"""The audit log in words: who, what happened, how it ended, and the facts of an entry as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from console.words import CODES, sentence
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.happenings import EVENTS, Outcome, sentence_of
from incidents.selectors.audit import Line

# What a group of events is about: the first part of their names.
EVENT_GROUPS = {
    "access": "Looking where one may not",
    "approval": "A second person",
    "audit": "This log",
    "breaker": "Stops for everybody",
    "company": "The company's sign-in",
    "consent": "Consents of callers",
    "diagnosis": "What is seen of resources",
    "engineer-entry": "Repairs by engineers",
    "factor": "Ways to sign in",
    "freeze": "Pauses",
    "guard": "Checks that were overridden",
    "hand-back": "What comes back by itself",
    "incident": "Incidents",
    "inventory": "The inventory",
    "invitation": "Invitations withdrawn",
    "notice": "Notices",
    "password": "Passwords",
    "person": "People and roles",
    "recovery-code": "Recovery codes",
    "review": "Reviews",
    "run": "Runs",
    "session": "Sign-ins",
    "stage": "Stages of runs",
    "target": "Changes at locations",
    "token": "Tokens of programs",
    "verdict": "Proofs from outside",
}
# Sign, word and class: colour is never the only message.
OUTCOMES: dict[str, tuple[str, str, str]] = {
    Outcome.DONE: ("✓", "Done", "good"),
    Outcome.FAILED: ("✕", "Failed", "bad"),
    Outcome.REFUSED: ("✕", "Refused or stopped", "warn"),
    Outcome.UNKNOWN: ("?", "Not known", "none"),
}
SYSTEM = {"engine": "The console", "sign-in": "Somebody"}


def who(actor: Mapping[str, str]) -> str:
    """Who did it: a person by their name for signing in, a process by what it is."""
    name = actor.get("name", "")
    if actor.get("kind") == "system":
        return SYSTEM.get(name, name)
    return f"{name} (by a command on the host)" if actor.get("kind") == "command" else name


def happened(line: Line) -> str:
    """The entry in one sentence; codes in it are spelled out."""
    because = line.data.get("because")
    facts = {**line.data, "because": sentence(because)} if isinstance(because, str) and because else line.data
    told = sentence_of(line.event, who(line.actor), line.organization, facts)
    return f"{told[:-2]}." if told.endswith("..") else told


def facts(data: JsonObject) -> list[tuple[str, str]]:
    """(name, value) of every fact, as text; what lies deeper has a name of several parts."""
    return list(_facts("", data))


def _facts(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _facts(f"{name}, {_readable(key)}" if name else _readable(key), item)
    elif isinstance(value, (list, tuple)):
        if all(not isinstance(item, (Mapping, list, tuple)) for item in value):
            yield name, ", ".join(map(_text, value)) or "none"
        else:
            for number, item in enumerate(value, 1):
                yield from _facts(f"{name} {number}", item)
    else:
        yield name, _text(value)


def _readable(key: str) -> str:
    """Our own names are words with underscores; those of things stay as they are."""
    return key.replace("_", " ") if key.islower() and "." not in key else key


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    return f"{CODES[value]} ({value})" if isinstance(value, str) and value in CODES else str(value)


def event_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, its events), for a list to choose from."""
    by_group: dict[str, list[tuple[str, str]]] = {group: [(group, f"All: {group}")] for group in EVENT_GROUPS}
    for event in sorted(EVENTS):
        by_group[event.partition(".")[0]].append((event, event))
    return [(EVENT_GROUPS[group], events) for group, events in by_group.items()]
