"""What actions have in common that put back one document, or one set of records, as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from incidents.actions.base import Resolved, Wish, Words
from incidents.actions.restoring import not_proven, older_than_damaged, says_nothing, silence
from incidents.domain.changes import Change, State, is_up, label_of, same, status_of
from incidents.domain.facts import BindingFacts, ResourceFacts, change_of
from incidents.domain.findings import Finding, blocker, blockers, passed
from incidents.domain.kinds import Kind
from incidents.domain.terms import Terms


class RestoreWhole:
    """Restores one aspect, whole, wherever it differs from the known-good state."""

    name: str
    version = 1
    kinds: tuple[Kind, ...]
    aspects: frozenset[str]
    in_steps = False
    asks = False
    restores = True
    words: Words
    # What is said when it was checked and nothing speaks against it, and where there is nothing to do.
    proven: str
    nothing: str

    def describe(self, state: State) -> str:
        return label_of(state) or ("another one" if is_up(state) else "gone")

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        changes: list[Change] = []
        findings: list[Finding] = []
        silent: dict[str, str] = {}
        for resource in resources:
            for side in resource.bindings:
                if side.aspect not in self.aspects:
                    continue
                if side.now is None:
                    silent[side.location] = says_nothing(side)
                    continue
                found = [*not_proven(resource, side, terms, now), *self.against(resource, side)]
                findings += found
                if side.good is None or same(side.now, side.good.state):
                    continue
                findings += [*older_than_damaged(resource, side), *self.worth_knowing(resource, side)]
                if not blockers(found):
                    changes.append(change_of(resource, side, side.now, side.good.state))
        findings += silence(silent, terms)
        if not blockers(findings):
            findings.append(
                passed("guard.snapshot-age", self.proven) if changes else blocker("guard.nothing-to-do", self.nothing)
            )
        return Resolved(tuple(changes), tuple(dict.fromkeys(findings)), tuple(sorted(silent)))

    def against(self, resource: ResourceFacts, side: BindingFacts) -> Iterator[Finding]:
        """What speaks against restoring this side, besides that nothing was proven."""
        controller = str(status_of(side.now or {}).get("managed_by") or "")
        if controller:
            text = (
                f"{controller} in {side.location_title} would put back at once what is changed of {resource.name}. "
                "It has to be changed where that reads it. Call us."
            )
            yield blocker("guard.gitops", text, resource.name)

    def worth_knowing(self, resource: ResourceFacts, side: BindingFacts) -> Iterator[Finding]:
        """What people should know of a side that is put back."""
        return iter(())
