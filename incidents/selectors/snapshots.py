"""Known-good states as they are kept: listed, found by name, compared; and what was running at a moment."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from incidents.domain.canonical import JsonObject
from incidents.domain.changes import State, settings_of, status_of
from incidents.domain.known_good import digest_now
from incidents.engine.history import Was, was_at
from incidents.models import Snapshot
from incidents.selectors.chosen import Chosen

# A digest may be shortened to so many digits.
SHORTEST_DIGEST = 8
LONGEST_ID = 18
DOCUMENT = "document"
COLUMNS = (
    "pk",
    "binding__resource__organization__slug",
    "binding__resource__name",
    "binding__location__slug",
    "binding__aspect",
    "state",
    "digest",
    "proven_at",
    "proven_until",
    "proof",
    "binding__good_id",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One known-good state with its papers.

    Args:
        proof: the probes that were green, through its location.
        newest: id of the one that is the known-good state of the same binding now; None where it has none.
    """

    id: int
    organization: str
    resource: str
    location: str
    aspect: str
    state: State
    digest: str
    proven_at: datetime
    proven_until: datetime
    proof: Sequence[str]
    newest: int | None

    @property
    def damaged(self) -> bool:
        return digest_now(self.state) != self.digest

    @property
    def current(self) -> bool:
        return self.id == self.newest

    def as_json(self) -> JsonObject:
        """`digest` is the SHA-256 of the canonical JSON (RFC 8785) of `state` without its `status`."""
        return {
            "id": self.id,
            "organization": self.organization,
            "resource": self.resource,
            "location": self.location,
            "aspect": self.aspect,
            "state": self.state,
            "digest": self.digest,
            "proven_at": self.proven_at.isoformat(),
            "proven_until": self.proven_until.isoformat(),
            "proof": list(self.proof),
        }


@dataclass(frozen=True, slots=True)
class Then:
    """One binding at a moment that has passed; `title` is the name of its location."""

    organization: str
    resource: str
    location: str
    title: str
    aspect: str
    was: Was


def read_snapshots(chosen: Chosen) -> Iterator[Kept]:
    """All of them, the newest of each binding first, read as they are asked for. One query."""
    found = Snapshot.objects.filter(binding__in=chosen.bindings().order_by().values("pk"))
    places = [f"binding__{name}" for name in ("resource__organization__slug", "resource__position", "resource__name")]
    return _read(found.order_by(*places, "binding__location__position", "binding__aspect", "-proven_at", "-pk"))


def find_snapshots(name: str) -> Sequence[Kept]:
    """By id, or by the first digits of the digest: the newest first.

    One digest may be that of several: the same state at several locations, or proven again later.
    """
    if name.isascii() and name.isdecimal() and len(name) <= LONGEST_ID:
        found = list(_read(Snapshot.objects.filter(pk=int(name))))
        if found:
            return found
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}", name):
        return ()
    return list(_read(Snapshot.objects.filter(digest__startswith=name).order_by("-proven_at", "-pk")))


def read_moment(chosen: Chosen, moment: datetime) -> Sequence[Then]:
    """What was running where, in the order of the pages. Seven queries."""
    bindings = chosen.bindings()
    found = was_at(bindings, moment)
    columns = ("resource__organization__slug", "resource__name", "location__slug", "location__title", "aspect")
    rows = bindings.values_list("pk", *columns)
    return [
        Then(organization, resource, location, title, aspect, found[pk])
        for pk, organization, resource, location, title, aspect in rows
        if pk in found
    ]


def compare(one: Kept, other: Kept) -> Sequence[str]:
    """A unified diff, line by line; empty where the settings are the same."""
    return list(
        difflib.unified_diff(lines_of(one.state), lines_of(other.state), _called(one), _called(other), lineterm="", n=3)
    )


def lines_of(state: State) -> list[str]:
    """The settings as people read them: pretty JSON, then the text of the document where there is one."""
    settings = dict(settings_of(state))
    text = status_of(state).get("text")
    if isinstance(settings.get(DOCUMENT), str):
        text = settings.pop(DOCUMENT)
    lines = json.dumps(settings, indent=2, sort_keys=True).splitlines() if settings or not text else []
    return [*lines, *text.splitlines()] if isinstance(text, str) else lines


def _called(one: Kept) -> str:
    return f"{one.id} {one.resource} {one.location} {one.aspect} proven {one.proven_at:%Y-%m-%d %H:%M:%S} UTC"


def _read(found: QuerySet[Snapshot]) -> Iterator[Kept]:
    for values in found.values_list(*COLUMNS).iterator(chunk_size=1000):
        yield Kept(*values)
