"""Keys and states of PowerDNS: one record set of a zone, and what speaks against a change of it.

    example.com./www.example.com./A   {"type": "A", "ttl": 300, "records": ["192.0.2.1", "192.0.2.2"]}

`records` are those that the world gets, as the server writes them, sorted and each once. Where there are records that
are switched off, they stand under `disabled` in the same way; the field is left out where there are none. A set that is
not there is `{"type": "A", "ttl": 0, "records": []}`: it may be seen, and is never asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import STATUS, State, same, settings_of, status_of
from incidents.domain.errors import BackendRefused, InventoryFault

# Neither SOA and the types of DNSSEC, which the server keeps itself, nor LUA, which is a program that it runs.
TYPES = re.compile("A|AAAA|ALIAS|CAA|CNAME|DNAME|HTTPS|LOC|MX|NAPTR|NS|PTR|SPF|SRV|SSHFP|SVCB|TLSA|TXT|URI")
ZONE = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+")
# The set at `*` is one set like any other (RFC 4592), and no pattern for us.
NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9_-]{1,63}\.)+")
LONGEST_NAME = 254  # RFC 1035 section 2.3.4: 255 octets on the wire, which is a final dot more than this
LARGEST_TTL = 2**31 - 1  # RFC 2181 section 8; PowerDNS 4.7 takes -1 and anything else, and serves something odd

CONTROLS = re.compile(r"[\x00-\x1f\x7f]")

FIELDS = frozenset({"type", "ttl", "records"})
# Kinds of zones whose records are ours to change; the others are copied from another server.
OUR_KINDS = frozenset({"Native", "Master", "Primary", "Producer"})
NO_ZONE = "the server has no such zone"
CAPITALS = "its name is stored in capital letters, and a change would stand beside it instead of replacing it"

MOST_SHOWN = 3
LONGEST_SHOWN = 60

Place: TypeAlias = tuple[str, str]  # name and type


@dataclass(frozen=True, slots=True)
class Key:
    """One record set, in its one form: names absolute and in small letters, the type in capital letters."""

    zone: str
    name: str
    type: str

    @property
    def place(self) -> Place:
        return self.name, self.type


@dataclass(frozen=True, slots=True)
class Reading:
    """What a zone held when it was looked at.

    Args:
        there: whether the server has the zone.
        locked: why nothing in it can be changed, for the end of a sentence; empty where it can.
        sets: by name and type, with what is told of them besides.
    """

    there: bool
    locked: str
    sets: Mapping[Place, State]

    def state(self, key: Key) -> State:
        """What this set is; told as not there where it is not listed."""
        if not self.there:
            # No snapshot is made of it: a server that was named wrongly has no zone of ours either.
            gone: State = {"label": label([]), "locked": NO_ZONE, "settled": False, "problem": NO_ZONE}
            return {**_absent(key), STATUS: gone}
        state = self.sets.get(key.place) or {**_absent(key), STATUS: {"label": label([])}}
        return {**state, STATUS: {**status_of(state), "locked": self.locked}} if self.locked else state


NOT_THERE = Reading(there=False, locked=NO_ZONE, sets={})


def parse_key(key: str) -> Key:
    """`ZONE/NAME/TYPE`. Raises InventoryFault for anything that is not exactly one record set."""
    parts = key.split("/")
    if len(parts) != 3 or not key.isascii():
        raise InventoryFault(f"{key!r} must be ZONE/NAME/TYPE, such as example.com./www.example.com./A")
    zone, name = (part.lower().removesuffix(".") + "." for part in parts[:2])
    kind = parts[2].upper()
    for pattern, text in ((ZONE, zone), (NAME, name)):
        if not pattern.fullmatch(text) or len(text) > LONGEST_NAME:
            raise InventoryFault(f"{key!r} holds something that is no name of the DNS")
    if name != zone and not name.endswith(f".{zone}"):
        raise InventoryFault(f"{key!r} has a name that is not in its zone")
    if not TYPES.fullmatch(kind):
        raise InventoryFault(f"{key!r} must end with one of the types {TYPES.pattern.replace('|', ', ')}")
    return Key(zone, name, kind)


def normalize_key(key: str) -> str:
    """The one form of a key. Raises InventoryFault."""
    parsed = parse_key(key)
    return f"{parsed.zone}/{parsed.name}/{parsed.type}"


def read_zone(zone: str, body: JsonObject) -> Reading:
    """What the answer to a look at a zone says. Raises BackendRefused where it is no such answer."""
    rows = body.get("rrsets")
    if str(body.get("name")).lower() != zone or not isinstance(rows, list):
        raise BackendRefused(f"the answer does not hold the zone {zone}")
    sets: dict[Place, State] = {}
    for row in rows:
        name, kind = (row.get("name"), row.get("type")) if isinstance(row, Mapping) else (None, None)
        if not isinstance(row, Mapping) or not isinstance(name, str) or not isinstance(kind, str):
            raise BackendRefused(f"the answer for {zone} holds an entry that is no record set")
        place = name.lower(), kind
        if place in sets:
            raise BackendRefused(f"the answer holds {name} {kind} more than once, so nobody can tell what it is")
        sets[place] = _state(kind, row, CAPITALS if name != name.lower() else "")
    kind = str(body.get("kind"))
    copied = "" if kind in OUR_KINDS else f"its zone is copied from another server ({kind}), which would undo it"
    return Reading(there=True, locked=copied, sets=sets)


def not_writable(key: Key, after: State) -> str:
    """Why no server is ever asked to make this set so, as a sentence; empty where one may be."""
    wanted = settings_of(after)
    title = f"{key.name} {key.type}"
    if set(wanted) - {"disabled"} != FIELDS or wanted["type"] != key.type:
        return f"{title} was to become something that is no state of this record set; nothing was sent."
    if wanted["records"] == []:
        return f"{title} was to become empty, which takes it away from the world; that is never done from here."
    ttl, on, off = wanted["ttl"], _contents(wanted, "records"), _contents(wanted, "disabled")
    if not isinstance(ttl, int) or isinstance(ttl, bool) or not 0 <= ttl <= LARGEST_TTL:
        return f"{title} needs a TTL from 0 to {LARGEST_TTL} seconds; nothing was sent."
    if on is None or off is None or set(on) & set(off):
        return f"The records of {title} must be texts of one line, sorted and each once; nothing was sent."
    return ""


def refusal(key: Key, after: State, reading: Reading) -> tuple[str, str]:
    """Why this set is not to be brought to `after`, as (code, sentence); two empty texts where it is."""
    title, now = f"{key.name} {key.type}", reading.state(key)
    unfit = not_writable(key, after)
    if unfit:
        return "backend.not-writable", unfit
    if same(now, after):
        return "", ""
    if not reading.there:
        return "backend.no-such-key", f"{title} cannot be changed: {NO_ZONE}, {key.zone}"
    locked = status_of(now).get("locked")
    if locked:
        return "backend.locked", f"{title} cannot be changed: {locked}."
    others = {kind for (name, kind), state in reading.sets.items() if name == key.name and state["records"]} - {
        key.type
    }
    if others and "CNAME" in {key.type, *others}:
        text = f"{title} cannot stand beside {', '.join(sorted(others))}: a CNAME is alone at its name."
        return "backend.conflict", text
    return "", ""


def replacement(key: Key, after: State) -> JsonObject:
    """What PATCH is told of one set. Comments are not named, so the server leaves them as they are.

    Raises ValueError for what must never be sent, whoever asks: REPLACE without records deletes the set.
    """
    unfit = not_writable(key, after)
    if unfit:
        raise ValueError(unfit)
    records: list[Json] = [
        {"content": content, "disabled": field == "disabled"}
        for field in ("records", "disabled")
        for content in _contents(after, field) or []
    ]
    return {"name": key.name, "type": key.type, "ttl": after["ttl"], "changetype": "REPLACE", "records": records}


def label(records: Iterable[str]) -> str:
    """What people call a set: its first records, and how many more there are."""
    texts = [text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…" for text in records]
    more = f" and {len(texts) - MOST_SHOWN} more" if len(texts) > MOST_SHOWN else ""
    return ", ".join(texts[:MOST_SHOWN]) + more if texts else "no records"


def _absent(key: Key) -> State:
    return {"type": key.type, "ttl": 0, "records": []}


def _state(kind: str, row: JsonObject, locked: str) -> State:
    ttl, listed = row.get("ttl"), row.get("records")
    if not isinstance(ttl, int) or not isinstance(listed, list):
        raise BackendRefused(f"the answer holds {row.get('name')} {kind} without a TTL or a list of records")
    contents: dict[bool, set[str]] = {False: set(), True: set()}
    for record in listed:
        content = record.get("content") if isinstance(record, Mapping) else None
        if not isinstance(record, Mapping) or not isinstance(content, str):
            raise BackendRefused(f"the answer holds {row.get('name')} {kind} with an entry that is no record")
        contents[record.get("disabled") is True].add(content)
    # The server lists what was doubled in its database twice; in the DNS it is one record (RFC 2181 section 5).
    on, off = sorted(contents[False]), sorted(contents[True] - contents[False])
    disabled: dict[str, Json] = {"disabled": [*off]} if off else {}
    status: dict[str, Json] = {"label": label(on), **({"locked": locked} if locked else {})}
    # A set that has nothing but comments is listed too.
    return {"type": kind, "ttl": ttl if on or off else 0, "records": [*on], **disabled, STATUS: status}


def _contents(state: State, field: str) -> list[str] | None:
    """What this list holds, and nothing where the field is left out; None where it is not in its one form."""
    if field not in state:
        return []
    value = state[field]
    listed = value if isinstance(value, list) else []
    texts = [text for text in listed if isinstance(text, str) and text.strip() and not CONTROLS.search(text)]
    return texts if texts and texts == listed == sorted(set(texts)) else None
