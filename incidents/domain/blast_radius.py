"""The guards that keep harm small: how much at once, how much lately, how soon again, and when all of it stops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.domain.circumstances import Circumstances, Proposal
from incidents.domain.findings import Finding, Severity, blocker, passed
from incidents.domain.terms import Window

# A platform of a few resources is not stopped by a share of them; see `too_much`.
ALWAYS = 20
WITHOUT_REPAIR = "would have been changed in ways that repair nothing"


@dataclass(frozen=True, slots=True)
class Limits:
    """When changes of one kind come too fast, too broad, or fail too often: then they stop everywhere.

    On 2026-02-20 some 22 prefixes a minute were withdrawn for 50 minutes, a quarter of all, and nothing stopped it.

    Args:
        damage: most resources that changes which repair nothing may touch on the whole platform within `minutes`.
        damage_percent: of the platform's resources of that kind, once more than `ALWAYS` of them are touched.
        rescues: the budget of repairs, apart from that of damage, so that a storm of them does not stop itself.
        failures: so many runs that failed within `minutes`, when they are more than half of those that ended.
    """

    damage: int = 100
    damage_percent: int = 10
    rescues: int = 20_000
    failures: int = 5
    minutes: int = 10


def size(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    count, most = len(proposal.resources), proposal.terms.most_resources
    if count > most:
        yield blocker("guard.most-resources", f"This would change {count} at once. The limit is {most} in one run.")
    else:
        yield passed("guard.most-resources", f"It changes {count}. The limit is {most} in one run.")


def window_of_organization(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    already, window = known.lately.organization, proposal.terms.organization_window
    yield _within("guard.window-organization", "for you", already, len(proposal.resources), window)


def window_of_platform(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    already, window = known.lately.platform, proposal.terms.platform_window
    yield _within("guard.window-platform", "for all customers together", already, len(proposal.resources), window)


def window_of_location(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if window := proposal.terms.location_window:
        places = {change.location: change.location for change in proposal.changes}
        yield from _fullest("guard.window-location", proposal, places, known.lately.locations, window)


def window_of_zone(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if window := proposal.terms.zone_window:
        yield from _fullest("guard.window-zone", proposal, known.zone_of, known.lately.zones, window)


def cool_down(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    """What was changed a moment ago is looked at before it is changed again. A first run never waits."""
    if not proposal.terms.cool_down:
        return
    for resource, until in known.cooling.items():
        if until > now and resource in proposal.resources:
            name = proposal.resources[resource]
            text = f"{name} was changed a short while ago. Wait until {until:%H:%M} UTC to see whether it holds."
            yield blocker("guard.cool-down", text, name)
            return
    yield passed("guard.cool-down", "Nothing of this was changed a short while ago.")


def breaker(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if known.breaker is not None:
        since, because = known.breaker.since, known.breaker.because
        text = f"We have stopped this for everybody since {since:%H:%M} UTC: {because} Call us."
        yield blocker("guard.breaker", text)


def flap(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    """Withdrawals wait; announcements never do, but a second one within the window is warned of.

    RFC 7196 and the vendors' defaults: a neighbour may suppress a route that is withdrawn again within 15 minutes,
    and would keep it suppressed for up to an hour. The first announcement adds no such penalty.
    """
    for change in proposal.changes:
        announced = known.announced_at.get(change.binding) if change.aspect == "route" else None
        if announced is None or now >= announced + proposal.terms.flap:
            continue
        said = f"{change.name} was announced at {announced:%H:%M} UTC"
        if change.after.get("advertised") is False:
            safe_at = announced + proposal.terms.flap
            text = f"{said}. Taking it back before {safe_at:%H:%M} UTC could make other networks ignore it for an hour."
            yield blocker("guard.flap", text, change.name)
        else:
            text = f"{said} and has been lost since. Some networks may ignore it for up to an hour even so."
            yield Finding("guard.flap", Severity.WARNING, text, change.name)
        return


def too_much(limits: Limits, *, rescue: bool, touched: int, of_all: int) -> str:
    """Why so many resources within the time are too fast or too broad, as a sentence; empty when they are not.

    Args:
        rescue: whether they are repairs, which have a budget of their own.
        touched: resources of these kinds that runs change within the time, with those that are about to be.
        of_all: resources of these kinds on the platform.
    """
    within = f"Within {limits.minutes} minutes"
    if rescue:
        text = f"{within} {touched} things would have been repaired. The limit is {limits.rescues}."
        return text if touched > limits.rescues else ""
    if touched > limits.damage:
        return f"{within} {touched} things {WITHOUT_REPAIR}. The limit is {limits.damage}."
    if touched > ALWAYS and touched * 100 > limits.damage_percent * of_all:
        return f"{within} {touched} of {of_all} {WITHOUT_REPAIR}. The limit is {limits.damage_percent} %."
    return ""


def too_often(limits: Limits, *, things: int, failed: int, ended: int) -> str:
    """Why so many runs that failed stop the action, as a sentence; empty when they do not.

    Args:
        things: how many different things the failed runs were about; one that is tried again counts once.
    """
    if things < limits.failures or failed * 2 <= ended:
        return ""
    return f"Within {limits.minutes} minutes {failed} of {ended} runs did not work."


def _within(code: str, whose: str, already: int, count: int, window: Window) -> Finding:
    if already + count > window.most:
        text = (
            f"{already} were changed {whose} in the last {window.minutes} minutes. With these {count} it would be "
            f"more than the limit of {window.most}."
        )
        return blocker(code, text)
    return passed(code, f"The limit of changes within {window.minutes} minutes {whose} is kept.")


def _fullest(
    code: str, proposal: Proposal, place_of: Mapping[str, str], already: Mapping[str, int], window: Window
) -> Iterator[Finding]:
    """The answer for the place that these changes would fill most."""
    added: dict[str, set[str]] = defaultdict(set)
    for change in proposal.changes:
        added[place_of.get(change.location, "")].add(change.resource)
    place = max(added, key=lambda name: already.get(name, 0) + len(added[name]), default="")
    yield _within(
        code,
        f"at {place}" if place else "at locations without a zone",
        already.get(place, 0),
        len(added.get(place, ())),
        window,
    )


def window_start(minutes: int, now: datetime) -> datetime:
    """When a rolling window of so many minutes began."""
    return now - timedelta(minutes=minutes)
