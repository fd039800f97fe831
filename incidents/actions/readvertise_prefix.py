"""Announce a withdrawn prefix again, exactly as it was when it was last proven to work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from incidents.actions.base import Resolved, Wish, Words
from incidents.actions.restoring import not_proven, older_than_damaged, says_nothing, silence
from incidents.domain.canonical import Json
from incidents.domain.changes import Change, State, same, status_of
from incidents.domain.facts import BindingFacts, ResourceFacts, change_of
from incidents.domain.findings import Finding, Severity, blocker, blockers, passed
from incidents.domain.kinds import Kind
from incidents.domain.routes import announced_by_others, remarkable, sanctioned, unsafe
from incidents.domain.terms import Terms


class ReadvertisePrefix:
    """Restores the `route` aspect from the known-good snapshot. Never touches the `service` aspect."""

    name = "readvertise_prefix"
    version = 1
    kinds: tuple[Kind, ...] = (Kind.PREFIX,)
    aspects = frozenset({"route"})
    in_steps = False
    asks = False
    restores = True
    words = Words(
        verb="Re-advertise",
        doing="Re-advertising",
        done="reachable again",
        can="advertise it again",
        explained="Advertising announces an address range to the internet, so that traffic can reach you.",
        stays="your other prefixes, your firewall rules and your DNS",
        check="it is reachable",
        consequence="traffic moves within minutes",
    )

    def describe(self, state: State) -> str:
        return "advertised" if state.get("advertised") is True else "not advertised"

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        """A change wherever a route differs from the known-good one; see `_findings` for what speaks against it."""
        changes: list[Change] = []
        findings: list[Finding] = []
        silent: dict[str, str] = {}
        for resource in resources:
            unbound = {side.location for side in resource.bindings if _is_unbound(side)}
            routes = [side for side in resource.bindings if side.aspect in self.aspects]
            for side in routes:
                if side.now is None:
                    silent[side.location] = says_nothing(side)
            for side in routes:
                if side.now is None or side.location in unbound:
                    continue
                found = list(_findings(resource, side, terms, now))
                findings += found
                if side.good is not None and not found and not same(side.now, side.good.state):
                    changes.append(change_of(resource, side, side.now, side.good.state))
                    findings += remarkable(resource.name, side.good.state)
                    findings += older_than_damaged(resource, side)
            findings += _service_gone(resource, routes, unbound)
            findings += sanctioned(resource.name, resource.validity)
            findings += announced_by_others(resource.name, resource.heard, _origins(resource))
        findings += silence(silent, terms)
        findings += _checked(changes, findings)
        return Resolved(tuple(changes), tuple(findings), tuple(sorted(silent)))


def _is_unbound(side: BindingFacts) -> bool:
    """Whether the service settings here are certainly gone, so that traffic would arrive and find nothing."""
    return side.aspect == "service" and side.now is not None and side.now.get("bound") is False


def _findings(resource: ResourceFacts, side: BindingFacts, terms: Terms, now: datetime) -> Iterator[Finding]:
    """What speaks against restoring this route here."""
    name, where = resource.name, side.location_title
    if side.key != name:
        yield blocker("guard.exact-prefix", f"{where} knows {name} as {side.key}, which is not the same.", name)
    yield from not_proven(resource, side, terms, now)
    if side.good is None or side.now is None:
        return
    status = status_of(side.now)
    if status.get("locked"):
        yield blocker("guard.locked", f"{name} cannot be switched in {where}: {status['locked']}.", name)
    if status.get("sessions") == 0:
        text = f"The router in {where} has no neighbour at the moment that would hear of {name}."
        yield blocker("guard.no-session", text, name)
    yield from unsafe(name, side.good.state, _origins(resource), side.good.state)


def _origins(resource: ResourceFacts) -> Sequence[Json]:
    origins = resource.settings.get("origins")
    return origins if isinstance(origins, list) else ()


def _service_gone(resource: ResourceFacts, routes: Sequence[BindingFacts], unbound: set[str]) -> Iterator[Finding]:
    """Locations where advertising would not be enough; no way at all when no other location is left.

    On 2026-02-20 some 300 prefixes had lost their service bindings too, and the button could not help them.
    """
    gone = [side.location_title for side in routes if side.location in unbound]
    if gone:
        severity = Severity.BLOCKER if len(gone) == len(routes) else Severity.WARNING
        text = (
            f"The service settings of {resource.name} were removed too in {', '.join(gone)}. "
            "Advertising it there would not be enough. Our engineers put it right."
        )
        yield Finding("guard.service-gone", severity, text, resource.name)


def _checked(changes: Sequence[Change], findings: Sequence[Finding]) -> Iterator[Finding]:
    """What was checked and passed, for the preview; and that there is nothing to do, where that is so."""
    if blockers(findings):
        return
    if not changes:
        yield blocker("guard.nothing-to-do", "It is already advertised from every location. There is nothing to do.")
        return
    names = {change.name for change in changes}
    what = f"{len(names)} prefixes" if len(names) > 1 else next(iter(names))
    if not any(finding.code == "guard.origin" for finding in findings):
        yield passed("guard.origin", f"{what}: announced from an authorised origin only.")
    if not any(finding.code == "guard.snapshot-damaged" for finding in findings):
        yield passed("guard.snapshot-age", "It is put back exactly as it was when it last worked.")
