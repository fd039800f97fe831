"""The words of notices: what, where, and in which state it is, short enough for a lock screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.domain.notices import SUBJECT, About, one_line

# Names that a notice lists; the page lists all.
LISTED = 10
MANY = {
    Kind.PREFIX: "prefixes",
    Kind.SERVICE: "services",
    Kind.POOL: "pools",
    Kind.POLICY: "policies",
    Kind.RECORD: "records",
    Kind.KEYS: "key sets",
}
# What became of a run, after its action.
RUNS = {
    About.STARTED: "started",
    About.SUCCEEDED: "succeeded",
    About.FAILED: "failed",
    About.ERRORED: "ended by a fault of ours",
    About.STOPPED: "was stopped",
    About.EXPIRED: "ran out of time",
    About.WAITS: "waits for a person",
    About.APPROVAL: "waits for a second person",
    About.BREAK_GLASS: "started by one alone",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One resource in a notice.

    Args:
        damage: what it has; of one that is well again, what it had.
        bad: locations from which it is not as it should be; 0 for one that is well again.
        of: its locations.
        lost: whether it cannot (or could not) be reached from there.
    """

    name: str
    kind: Kind
    damage: Damage
    organization: str
    bad: int
    of: int
    lost: bool


def damaged(pieces: Sequence[Piece]) -> str:
    """The subject of what is broken now; at least one piece."""
    if len(pieces) > 1:
        return _many(pieces, _state(pieces))
    [one] = pieces
    state = _state(pieces)
    where = f"{one.bad} of {one.of} locations"
    if state == "no data":
        return _fit(one.name, f": no data from {where}")
    return _fit(one.name, f" {state} {'from' if state == 'not reachable' else 'at'} {where}")


def healthy(pieces: Sequence[Piece], still: int) -> str:
    """The subject of what is well again.

    Args:
        pieces: with the damage that they had; at least one.
        still: how many others are broken yet.
    """
    state = "reachable again" if _state(pieces) == "not reachable" else "as it should be again"
    if len(pieces) > 1:
        state = state.replace("it should", "they should")
        return _many(pieces, state) + (f", {still:,} still not" if still else "")
    [one] = pieces
    where = "from" if state == "reachable again" else "at"
    return _fit(one.name, f" {state} {where} {one.of} of {one.of} locations")


def listed(pieces: Sequence[Piece], titles: bool) -> list[str]:
    """Lines that name the first of them; with `titles` whose they are."""
    lines = [f"- {one.name}" + (f" ({one.organization})" if titles else "") for one in pieces[:LISTED]]
    return lines + ([f"- and {len(pieces) - LISTED:,} more"] if len(pieces) > LISTED else [])


def of_run(about: About, names: Sequence[str], count: int, action: str) -> str:
    """The subject of what a run did.

    Args:
        names: of its resources; the first is enough where there is one.
        count: of them.
        action: name in the catalogue.
    """
    what = names[0] if count == 1 and names else f"{count:,} resources"
    return _fit(what, f": {action_words(action)} {RUNS[about]}")


def together(counts: Mapping[str, int]) -> str:
    """The subject of a notice that stands for many, by how many there are of each kind; the most frequent first."""
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    # "run-failed" as a person reads it; how many of it goes without saying where there is nothing else.
    words = [(kind.replace("-", " "), count) for kind, count in ordered]
    parts = [kind if len(words) == 1 else f"{count:,} {kind}" for kind, count in words]
    return one_line(f"{sum(counts.values()):,} notices: {', '.join(parts)}")


def action_words(action: str) -> str:
    """`readvertise_prefix` as a person reads it."""
    return action.replace("_", " ")


def _state(pieces: Sequence[Piece]) -> str:
    if all(one.damage is Damage.UNKNOWN for one in pieces):
        return "no data"
    return "not reachable" if all(one.lost for one in pieces) else "not as it should be"


def _many(pieces: Sequence[Piece], state: str) -> str:
    kinds = {one.kind for one in pieces}
    what = MANY[kinds.pop()] if len(kinds) == 1 else "resources"
    if state == "no data":
        return f"No data about {len(pieces):,} {what}"
    if state == "not as it should be":
        state = "not as they should be"
    return f"{len(pieces):,} {what} {state}"


def _fit(name: str, rest: str) -> str:
    """The name gives way where both are too long, for the state is what counts."""
    room = max(12, SUBJECT - len(rest))
    return one_line(one_line(name, room) + rest)
