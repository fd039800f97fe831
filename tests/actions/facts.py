"""Facts for the tests of actions, in short words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from incidents.domain.canonical import JsonObject
from incidents.domain.changes import State
from incidents.domain.facts import BindingFacts, Good, ResourceFacts
from incidents.domain.findings import Finding, Severity
from incidents.domain.rpki import Validity
from tests.factories import make_terms

NOW = datetime(2026, 2, 20, 18, 0, tzinfo=UTC)
TERMS = make_terms()
TITLES = {"a": "Amsterdam", "b": "Frankfurt", "c": "Singapore"}


def side(
    location: str,
    aspect: str,
    now: State | None,
    good: State | None = None,
    *,
    age: timedelta = timedelta(minutes=5),
    key: str = "",
) -> BindingFacts:
    """One side; `age` is how long ago it was last proven good."""
    proven = Good(good, NOW - age - timedelta(days=1), NOW - age, ("web",)) if good is not None else None
    return BindingFacts(
        id=f"{location}-{aspect}",
        location=location,
        location_title=TITLES[location],
        backend=f"backend-{location}",
        aspect=aspect,
        key=key or f"key-{location}",
        now=now,
        silence="" if now is not None else "no answer in time",
        good=proven,
    )


def resource(
    kind: str, name: str, *sides: BindingFacts, settings: JsonObject | None = None, validity: Validity | None = None
) -> ResourceFacts:
    return ResourceFacts(f"id-{name}", kind, name, settings or {}, sides, validity)


def codes(findings: tuple[Finding, ...], severity: Severity) -> list[str]:
    return [finding.code for finding in findings if finding.severity is severity]
