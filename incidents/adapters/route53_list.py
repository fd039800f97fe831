"""Reads the record sets of one zone: whole groups, of exactly the names and types that are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from incidents.adapters.route53_api import MOST_PAGES, Api, Broken
from incidents.adapters.route53_keys import Key, plain
from incidents.adapters.route53_members import Member, closed_state, state_of
from incidents.adapters.route53_xml import Row
from incidents.domain.changes import State
from incidents.wire.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Sight:
    """What is there of one key. `other` is why it is not ours to change; `members` as Route 53 has them, else empty."""

    state: State
    members: Sequence[Member] = ()
    other: str = ""


def read(api: Api, zone: str, keys: Iterable[Key], deadline: Deadline) -> Mapping[Key, Sight]:
    """What is there of each key.

    A page holds what comes after the name that was asked for too. So a name that has been seen whole on the way is not
    asked for again, and names of one zone that stand near each other share a call.

    Raises what `Api` raises.
    """
    found: dict[Key, Sequence[Row]] = {}
    wanted = sorted(set(keys), key=lambda key: key.order)
    for key in wanted:
        if key not in found:
            found |= _from(api, zone, key, deadline)
    return {key: _sight(api, key, found[key]) for key in wanted}


def absent(key: Key, why: str) -> Sight:
    """What cannot be there, for the end of a sentence."""
    return Sight(closed_state(key.type, why), other=why)


def _from(api: Api, zone: str, key: Key, deadline: Deadline) -> Mapping[Key, Sequence[Row]]:
    """The groups that are whole in the pages from this key on, until its own is; it is always among them."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list, {key.place: []})
    start = {"name": key.name, "type": key.type}
    for _ in range(MOST_PAGES):
        page = api.records(zone, start, deadline)
        for row in page.rows:
            groups[row.name, row.type].append(row)
        then = (plain(page.next["name"]), page.next["type"]) if page.next else None
        if then != key.place:
            return {Key(zone, *place): rows for place, rows in groups.items() if place != then}
        if page.next == start:
            break
        start = page.next
    raise Broken(f"{api.name} did not give its whole list")


def _sight(api: Api, key: Key, rows: Sequence[Row]) -> Sight:
    others = [row.other for row in rows if row.other]
    if others:
        return absent(key, others[0])
    members = [row.member for row in rows]
    if len({one.id for one in members}) < len(members):
        raise Broken(f"{api.name} gave a member of {key} twice")
    return Sight(state_of(key.type, members), members)
