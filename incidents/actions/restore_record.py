"""Put back one set of records of the DNS as it was when it last worked; it is never left empty."""

from __future__ import annotations

from collections.abc import Iterator

from incidents.actions.base import Words
from incidents.actions.whole import RestoreWhole
from incidents.domain.changes import State, is_up, settings_of
from incidents.domain.facts import BindingFacts, ResourceFacts
from incidents.domain.findings import Finding, Severity, blocker
from incidents.domain.kinds import Kind


class RestoreRecord(RestoreWhole):
    """Restores the `rrset` aspect, whole. Who has the wrong answer keeps it for as long as it said (RFC 1035: TTL)."""

    name = "restore_record"
    kinds: tuple[Kind, ...] = (Kind.RECORD,)
    aspects = frozenset({"rrset"})
    words = Words(
        verb="Put back the last good record for",
        doing="Putting back the last good record for",
        done="found at the right place again",
        can="put back the record that was proven to work",
        explained="A record tells everybody where your name leads. It goes back to where it led when it last worked.",
        stays="every other name and every other record of yours",
        check="the name leads to the right place",
        consequence="users who ask for the name are sent to other addresses",
    )
    proven = "It goes back to the record that was there when it last worked."
    nothing = "The record is already as it was when it last worked. There is nothing to put back."

    def against(self, resource: ResourceFacts, side: BindingFacts) -> Iterator[Finding]:
        yield from super().against(resource, side)
        if side.good is None or side.now is None:
            return
        good, now = side.good.state, side.now
        if not is_up(good):
            text = f"The last good record of {resource.name} is empty, and a name is never left without an answer."
            yield blocker("guard.record-empty", text, resource.name)
        if good.get("type") != now.get("type"):
            text = f"{resource.name} is a record of another kind now. It cannot be put back in its place. Call us."
            yield blocker("guard.record-type", text, resource.name)

    def worth_knowing(self, resource: ResourceFacts, side: BindingFacts) -> Iterator[Finding]:
        seconds = longest_life(side.now or {})
        if seconds:
            text = (
                f"Who has asked for {resource.name} already may go by the old answer for up to {_span(seconds)} more."
            )
            yield Finding("guard.old-answers", Severity.NOTE, text, resource.name)


def longest_life(state: State) -> int:
    """For how many seconds others may keep an answer that they were given by this set."""
    settings = settings_of(state)
    members = settings.get("members")
    lives = [settings.get("ttl"), *(_ttl(member) for member in (members if isinstance(members, list) else ()))]
    return max((life for life in lives if isinstance(life, int)), default=0)


def _ttl(member: object) -> object:
    return member.get("ttl") if isinstance(member, dict) else None


def _span(seconds: int) -> str:
    minutes = max(1, round(seconds / 60))
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
