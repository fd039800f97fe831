"""What can be seen of changes beforehand: what would be refused here, what somebody has protected, health checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from incidents.adapters.route53_api import Api, Gone
from incidents.adapters.route53_keys import Key
from incidents.adapters.route53_list import Sight
from incidents.adapters.route53_members import members_of
from incidents.domain.changes import Change, same
from incidents.domain.errors import BackendRefused
from incidents.domain.findings import Finding, Severity, blocker
from incidents.wire.deadline import Deadline

LONGEST_COMMENT = 100


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One preview of changes, within its deadline."""

    api: Api
    deadline: Deadline

    def of(self, zone: str, aims: Mapping[Key, tuple[Change, Sight]]) -> Iterator[Finding]:
        """What speaks against these changes of one zone. Raises BackendUnreachable, BackendTimeout."""
        left: list[Key] = []
        for key, (change, sight) in aims.items():
            why = _refusal(key, change, sight)
            if why:
                code, text = why
                yield blocker(code, f"{key} {text}.", change.key)
            elif not same(sight.state, change.after):
                left.append(key)
        if not left:
            return
        yield from self._protected(zone, left)
        for key in left:
            change, sight = aims[key]
            yield from self._health(key, change, sight)

    def _protected(self, zone: str, keys: list[Key]) -> Iterator[Finding]:
        try:
            protected = self.api.protections(zone, self.deadline)
        except BackendRefused as error:
            yield _silent(f"Whether names of {zone} are protected from changes could not be looked up: {error}.", zone)
            return
        for key in keys:
            if key.place in protected:
                comment = " ".join(protected[key.place].split())[:LONGEST_COMMENT]
                text = f"{key} is protected from changes at AWS" + (f": {comment}" if comment else "")
                yield blocker("backend.locked", f"{text}.", str(key))

    def _health(self, key: Key, change: Change, sight: Sight) -> Iterator[Finding]:
        """Of health checks only those that the record set does not use already: those exist."""
        used = {one.health_check for one in sight.members}
        for one in members_of(key.type, change.after):
            asked = one.health_check
            if not asked or asked in used:
                continue
            used.add(asked)
            try:
                self.api.check_health_check(asked, self.deadline)
            except Gone:
                text = f"{key} would use the health check {asked}, which does not exist any more."
                yield blocker("backend.refused", text, change.key)
            except BackendRefused as error:
                yield _silent(f"Whether the health check {asked} exists could not be looked up: {error}.", change.key)


def _refusal(key: Key, change: Change, sight: Sight) -> tuple[str, str] | None:
    """The code, and the rest of a sentence that begins with the key."""
    if sight.other:
        return "backend.locked", f"is left alone: {sight.other}"
    try:
        members_of(key.type, change.after)
    except ValueError as error:
        return "backend.not-writable", str(error)
    return None


def _silent(text: str, subject: str) -> Finding:
    return Finding("backend.not-rehearsed", Severity.NOTE, text, subject)
