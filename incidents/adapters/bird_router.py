"""Questions to a BIRD router about our own protocols in it. Nothing here changes anything."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from incidents.adapters.bird_routes import Protocol, states_of, version_of
from incidents.adapters.bird_talk import Answer, Talk
from incidents.domain.changes import State
from incidents.domain.errors import BackendRefused

# Above this many prefixes of one family its whole protocol is read in one answer, which is then cheaper.
MOST_LOOKUPS = 16


@dataclass(frozen=True, slots=True)
class View:
    """What the router says about itself.

    Args:
        sessions: how many BGP sessions are established.
        present: those of our protocols that it has; none before the first change.
        closed: names of all protocols, ours and others, that are switched off.
        problem: why what we write would not be announced, for people; empty when nothing is in the way.
    """

    sessions: int
    present: tuple[Protocol, ...]
    closed: frozenset[str]
    problem: str


def view_of(talk: Talk, protocols: Sequence[Protocol]) -> View:
    """Raises BackendRefused: one of the names belongs to a protocol of another kind; and what `Talk` raises."""
    sessions, rows = 0, dict[str, list[str]]()
    # Columns: name, kind, table, state, since (which may hold a space), information.
    for words in map(str.split, _said(talk.ask("show protocols")).lines):
        if len(words) > 3:
            rows[words[0]] = words
            sessions += words[1] == "BGP" and "Established" in words[4:]
    present = tuple(protocol for protocol in protocols if protocol.name in rows)
    for protocol in present:
        if rows[protocol.name][1] != "Static":
            raise BackendRefused(f"{protocol.name} is a protocol of another kind in this router")
    closed = frozenset(name for name, words in rows.items() if words[3] == "down")
    off = " and ".join(protocol.name for protocol in present if protocol.name in closed)
    return View(sessions, present, closed, f"{off} is switched off in this router" if off else "")


def all_routes(talk: Talk, present: Iterable[Protocol]) -> dict[str, State]:
    """Everything that our protocols hold, by canonical prefix. Raises BackendRefused, and what `Talk` raises."""
    found: dict[str, State] = {}
    for protocol in present:
        found.update(states_of(_said(talk.ask(f"show route protocol {protocol.name} all")).lines))
    return found


def some_routes(talk: Talk, present: Iterable[Protocol], keys: Iterable[str]) -> Mapping[str, State]:
    """The same for some prefixes; others may be among what comes back. Raises ValueError for what is no prefix."""
    found: dict[str, State] = {}
    for protocol in present:
        mine = [str(ipaddress.ip_network(key)) for key in keys if version_of(key) == protocol.version]
        if len(mine) > MOST_LOOKUPS:
            found.update(all_routes(talk, [protocol]))
            continue
        for key in mine:
            found.update(states_of(_said(talk.ask(f"show route {key} protocol {protocol.name} all")).lines))
    return found


def _said(answer: Answer) -> Answer:
    if answer.refused:
        raise BackendRefused(f"the router refused to answer: {answer.words}")
    return answer
