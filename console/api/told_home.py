"""What programs are told of an organization: what is broken, what may be done, and what was done lately."""

from __future__ import annotations

import uuid
from datetime import datetime

from ninja import Schema

from console.pages.home import headline
from console.words import sentence
from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.models import Organization
from incidents.selectors.home import Card, Home
from incidents.selectors.runs import Line


class OrganizationOut(Schema):
    slug: str
    title: str


class BrokenOut(Schema):
    """One resource that is not as it should be; `action` is empty where this token's person may start none now."""

    id: uuid.UUID
    kind: Kind
    name: str
    title: str
    damage: Damage
    since: datetime | None
    locations: int
    unreachable: list[str]
    affected: list[str]
    unseen: list[str]
    repairable: list[str]
    repair: str
    action: str
    ask: list[str]
    run: str
    queued: int | None


class WellOut(Schema):
    id: uuid.UUID
    name: str


class LineOut(Schema):
    """One run in a line; `outcome` is empty while it is live."""

    reference: str
    verb: str
    what: str
    by: str
    accepted_at: datetime
    phase: str
    outcome: str
    because: str
    means: str


class PauseOut(Schema):
    """Runs are paused; `action` is empty where it is over everything."""

    action: str
    since: datetime
    because: str


class HomeOut(Schema):
    """The page of an organization."""

    organization: OrganizationOut
    says: str
    checked_at: datetime | None
    old: bool
    incident: str
    broken: list[BrokenOut]
    well: list[WellOut]
    runs: list[LineOut]
    pauses: list[PauseOut]


class RunsOut(Schema):
    """Runs, the newest first; `next` is what to send as `before` for those that came before them."""

    runs: list[LineOut]
    next: str


def of_home(organization: Organization, page: Home) -> HomeOut:
    return HomeOut(
        organization=of_organization(organization),
        says=headline(page),
        checked_at=page.checked_at,
        old=page.old,
        incident=page.incident,
        broken=[_broken(card) for card in page.cards],
        well=[WellOut(id=one.id, name=one.name) for one in page.well],
        runs=[of_line(line) for line in page.activity],
        pauses=[PauseOut(action=one.action, since=one.since, because=one.because) for one in page.pauses],
    )


def of_organization(organization: Organization) -> OrganizationOut:
    return OrganizationOut(slug=organization.slug, title=organization.title)


def of_line(line: Line) -> LineOut:
    return LineOut(
        reference=line.reference,
        verb=line.verb,
        what=line.what,
        by=line.by,
        accepted_at=line.accepted_at,
        phase=line.phase,
        outcome=line.outcome,
        because=line.because,
        means=sentence(line.because),
    )


def _broken(card: Card) -> BrokenOut:
    return BrokenOut(
        id=card.id,
        kind=card.kind,
        name=card.name,
        title=card.title,
        damage=card.damage,
        since=card.since,
        locations=card.places,
        unreachable=list(card.unreachable),
        affected=list(card.affected),
        unseen=list(card.unseen),
        repairable=list(card.repairable),
        repair=card.repair,
        action=card.action,
        ask=list(card.ask),
        run=card.live.reference if card.live else "",
        queued=card.queued.position if card.queued else None,
    )
