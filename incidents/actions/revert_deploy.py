"""Put back the last revision of a service that was proven to work; never merely the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from incidents.actions.base import Resolved, Wish, Words
from incidents.actions.restoring import not_proven, older_than_damaged, says_nothing, silence
from incidents.domain.changes import Change, State, label_of, same, settings_of, status_of
from incidents.domain.facts import BindingFacts, ResourceFacts, change_of
from incidents.domain.findings import Finding, Severity, blocker, blockers, passed
from incidents.domain.kinds import Kind
from incidents.domain.terms import Terms

SOURCE, DEPLOY = "source", "deploy"


class RevertDeploy:
    """Restores, at each location, what the cluster runs (`deploy`) or what stands in Git (`source`).

    Where a GitOps controller would put back what is changed in the cluster, the source is changed instead. Kubernetes'
    own undo takes the second-newest revision, healthy or not; here the goal is the snapshot that was taken while the
    probes were green.
    """

    name = "revert_deploy"
    version = 1
    kinds: tuple[Kind, ...] = (Kind.SERVICE,)
    aspects = frozenset({SOURCE, DEPLOY})
    in_steps = False
    asks = False
    restores = True
    words = Words(
        verb="Put back the last good version of",
        doing="Putting back the last good version of",
        done="working again",
        can="put back the last version that was proven to work",
        explained="It goes back to the version of the program that was last proven to work from outside.",
        stays=(
            "the database and its schema, settings and passwords that are kept outside of the program, "
            "the number of copies and their automatic scaling"
        ),
        check="it works",
        consequence="users get the earlier version within minutes",
    )

    def describe(self, state: State) -> str:
        return label_of(state) or "another version"

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        """A change at every location that does not run what was proven; see `_findings` for what speaks against it."""
        changes: list[Change] = []
        findings: list[Finding] = []
        silent: dict[str, str] = {}
        for resource in resources:
            for sides in _by_location(resource):
                side, found = _choose(resource, sides)
                findings += found
                if side.now is None:
                    silent[side.location] = says_nothing(side)
                    continue
                against = [*_findings(resource, side, terms, now), *_paused(resource, sides)]
                findings += against
                if side.good is not None and not against and not same(side.now, side.good.state):
                    change = change_of(resource, side, side.now, side.good.state)
                    changes.append(_carried(change, sides) if side.aspect == SOURCE else change)
                    findings += older_than_damaged(resource, side)
        findings += silence(silent, terms)
        findings += _checked(changes, findings)
        return Resolved(tuple(changes), tuple(findings), tuple(sorted(silent)))


def _by_location(resource: ResourceFacts) -> list[list[BindingFacts]]:
    places: dict[str, list[BindingFacts]] = {}
    for side in resource.bindings:
        places.setdefault(side.location, []).append(side)
    return list(places.values())


def _choose(resource: ResourceFacts, sides: Sequence[BindingFacts]) -> tuple[BindingFacts, list[Finding]]:
    """The side that is changed at one location, and what there is to say about the choice."""
    by_aspect = {side.aspect: side for side in sides}
    deploy, source = by_aspect.get(DEPLOY), by_aspect.get(SOURCE)
    if deploy is None:
        return sides[0], []
    controller = str(status_of(deploy.now or {}).get("managed_by") or "")
    where = deploy.location_title
    if not controller:
        return deploy, []
    if source is None:
        text = (
            f"{controller} in {where} would put the broken version back at once, and we do not know from which "
            f"Git repository. Call us."
        )
        return deploy, [blocker("guard.gitops", text, resource.name)]
    text = f"{controller} in {where} puts back whatever is changed there, so this is reverted in Git, where it reads."
    return source, [Finding("guard.gitops", Severity.NOTE, text, resource.name)]


def _carried(change: Change, sides: Sequence[BindingFacts]) -> Change:
    """The change of what is written down, with what the cluster at that place runs now, and shall run then."""
    deploy = next((side for side in sides if side.aspect == DEPLOY), None)
    if deploy is None or deploy.now is None:
        return change
    after = settings_of(deploy.good.state) if deploy.good is not None else None
    return replace(change, carried_before=settings_of(deploy.now), carried_after=after)


def _findings(resource: ResourceFacts, side: BindingFacts, terms: Terms, now: datetime) -> Iterator[Finding]:
    """What speaks against restoring this side."""
    yield from not_proven(resource, side, terms, now)


def _paused(resource: ResourceFacts, sides: Sequence[BindingFacts]) -> Iterator[Finding]:
    """Whichever side is changed: a cluster that is paused there would not carry it out."""
    for side in sides:
        if status_of(side.now or {}).get("paused") is True:
            text = (
                f"Rolling out {resource.name} in {side.location_title} is paused, so nothing that we change would "
                "happen. Somebody has paused it on purpose; ask them first."
            )
            yield blocker("guard.paused", text, resource.name)


def _checked(changes: Sequence[Change], findings: Sequence[Finding]) -> Iterator[Finding]:
    if blockers(findings):
        return
    if not changes:
        text = "It already runs the version that was last proven to work. There is nothing to put back."
        yield blocker("guard.nothing-to-do", text)
        return
    yield passed("guard.snapshot-age", "It goes back to a version that was proven to work, not just to the one before.")
    text = (
        "Only the program is put back. If the bad version has changed the database, or needs settings that are kept "
        "elsewhere, that stays as it is now."
    )
    yield Finding("guard.not-reverted", Severity.NOTE, text)
