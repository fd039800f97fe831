"""The audit log as reviewers search and read it: by keys along an index, never by counting or skipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, OuterRef

from incidents.audit import index
from incidents.audit.index import END, Reach, Terms
from incidents.audit.log import plain
from incidents.domain.audit_terms import Facet, term, words_of
from incidents.domain.canonical import JsonObject, decode
from incidents.domain.happenings import EVENTS, Outcome, outcome_of
from incidents.engine.grants import on_organization
from incidents.models import AuditCheck, AuditEntry, AuditHead, Organization, Person, Review
from incidents.selectors.doors import supported_by

PAGE = 50
# The group of the operator's own reviewers.
REVIEWERS = "reviewers"
# `run` for every `run.accepted`, `run.failed` and so on.
GROUPS = frozenset(event.partition(".")[0] for event in EVENTS)


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the log a reviewer may read.

    Args:
        whole: everything, also what concerns no organization; for the operator's reviewers of every organization.
        organizations: title by slug of those that they review.
    """

    whole: bool
    organizations: Mapping[str, str]

    def holds(self, organization: str) -> bool:
        """Whether entries of that organization (a slug; empty for none) are theirs to read."""
        return self.whole or organization in self.organizations


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Everything that is not empty must hold.

    Args:
        since, until: from the one on, and before the other.
        action: an action of the catalogue, an event (`run.accepted`), or the first part of one (`run`).
        words: all of them must occur, see `domain.audit_terms`.
        typed: the form's own fields, for the link to the same search.
    """

    since: datetime | None = None
    until: datetime | None = None
    organization: str = ""
    person: str = ""
    action: str = ""
    resource: str = ""
    outcome: str = ""
    words: str = ""
    typed: tuple[tuple[str, str], ...] = ()

    def link(self, **more: object) -> str:
        """The query of an address that shows the same again."""
        return urlencode([*self.typed, *more.items()])

    def as_json(self) -> JsonObject:
        """What was looked for, for the entry that tells of it."""
        return dict(self.typed)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry, as it stands in its own bytes; `way` is by what the actor came, where it was no page."""

    index: int
    at: datetime
    event: str
    actor: Mapping[str, str]
    way: JsonObject
    organization: str
    run: str
    data: JsonObject
    outcome: Outcome
    body: bytes
    leaf: str


@dataclass(frozen=True, slots=True)
class Found:
    """A page of lines, the newest first; `before` and `after` lead on, None where nothing more is known to be."""

    lines: tuple[Line, ...]
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """The log as a whole: how many entries since when, and what the newest reading of all of it has found."""

    size: int
    first_at: datetime | None
    check: AuditCheck | None

    @property
    def unread(self) -> int:
        """Entries since that reading."""
        return self.size - self.check.size if self.check else self.size


def scope_of(person: Person) -> Scope | None:
    """What of the log the person may read; None for nothing at all. Two queries."""
    reviews = ExpressionWrapper(
        on_organization(person.pk, "review_organization", OuterRef("pk")), output_field=BooleanField()
    )
    rows = list(Organization.objects.annotate(reviews=reviews).values_list("slug", "title", "reviews"))
    theirs = {slug: title for slug, title, reviewed in rows if reviewed}
    whole = len(theirs) == len(rows) and person.groups.filter(name=REVIEWERS).exists()
    return Scope(whole, theirs) if whole or theirs else None


def read_log() -> Log:
    """Three queries, however long the log is."""
    head = AuditHead.objects.filter(id=1).first()
    first = AuditEntry.objects.filter(index=0).values_list("at", flat=True).first()
    return Log(head.size if head else 0, first, AuditCheck.objects.first())


def reviews_owed(person: Person, most: int) -> list[Review]:
    """Runs that one person started alone and that nobody has reviewed yet, the oldest first. One query."""
    rows = Review.objects.filter(done_at=None, run__organization__in=supported_by(person, "review_organization"))
    return list(rows.select_related("run__organization", "run__started_by").order_by("opened_at")[:most])


def search(
    scope: Scope, asked: Search, *, before: int | None = None, after: int | None = None, most: int = PAGE
) -> Found:
    """At most so many entries that are asked for and theirs to read.

    Args:
        before: older than this entry.
        after: newer than this entry, the nearest to it; counts only without `before`.
    """
    terms, reach = _terms(scope, asked), _reach(asked)
    if before is None and after is not None:
        reach = Reach(max(reach.low, after + 1), reach.high)
        found = index.find(connection, terms, reach, most + 1, oldest_first=True)
        lines = _lines(found[:most])
        return Found(lines, found[0] if found else after + 1, lines[0].index if len(found) > most else None)
    if before is not None:
        reach = Reach(reach.low, min(reach.high, before))
    found = index.find(connection, terms, reach, most + 1, oldest_first=False)
    lines = _lines(found[:most])
    newer = None if before is None else (found[0] if found else max(0, before - 1))
    return Found(lines, lines[-1].index if len(found) > most else None, newer)


def find_entry(scope: Scope, number: int) -> Line | None:
    """The entry of that index; None where there is none, or it is not theirs to read."""
    if number >= END:
        return None
    found = _lines([number])
    return found[0] if found and scope.holds(found[0].organization) else None


def _terms(scope: Scope, asked: Search) -> Terms:
    # As it is written: what would turn a line round or split it is spelled out in the log.
    groups = [[term("word", word)] for word in words_of(str(plain(asked.words)))]
    facets: tuple[tuple[Facet, str], ...] = (
        ("organization", asked.organization),
        ("person", asked.person),
        ("resource", asked.resource),
        ("outcome", asked.outcome),
    )
    groups += [[term(facet, str(plain(value)))] for facet, value in facets if value]
    if asked.action:
        groups.append([term("event" if "." in asked.action or asked.action in GROUPS else "action", asked.action)])
    if not scope.whole:
        groups.append([term("organization", slug) for slug in scope.organizations])
    return groups


def _reach(asked: Search) -> Reach:
    """The stretch between two moments; entries stand in the order of their times."""
    low = 0 if asked.since is None else _first_from(asked.since)
    return Reach(low, END if asked.until is None else _first_from(asked.until))


def _first_from(moment: datetime) -> int:
    rows = AuditEntry.objects.filter(at__gte=moment).order_by("at", "index").values_list("index", flat=True)
    found = rows.first()
    return END if found is None else found


def _lines(found: Sequence[int]) -> tuple[Line, ...]:
    """The entries of these indices, the newest first. One query."""
    rows = AuditEntry.objects.filter(index__in=found).order_by("-index") if found else ()
    return tuple(_line(row) for row in rows)


def _line(row: AuditEntry) -> Line:
    """Everything from its bytes, which are what is proven, and nothing from the columns beside them."""
    body = bytes(row.body)
    value = decode(body)
    told = value if isinstance(value, Mapping) else {}
    actor, data, event = told.get("actor"), told.get("data"), str(told.get("event", ""))
    actor = actor if isinstance(actor, Mapping) else {}
    way = actor.get("by")
    facts = data if isinstance(data, Mapping) else {}
    return Line(
        index=row.index,
        at=row.at,
        event=event,
        actor={key: str(actor.get(key, "")) for key in ("kind", "id", "name")},
        way=way if isinstance(way, Mapping) else {},
        organization=str(told.get("organization", "")),
        run=str(told.get("run", "")),
        data=facts,
        outcome=outcome_of(event, facts),
        body=body,
        leaf=bytes(row.leaf).hex(),
    )
