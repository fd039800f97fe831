"""The RPKI on the way to a preview: asked of a validator over real HTTP, told to the person, never taken on trust."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from incidents.domain.findings import Finding, Severity
from incidents.domain.rpki import Origin
from incidents.engine.validating import ask_validator
from incidents.models import Plan, Preapproval, Probe
from tests.factories import agree_on
from tests.fakes.sockets import closed_address
from tests.fakes.validator import FakeValidator
from tests.scene import BROKEN, Scene

ORIGIN = 64496


@pytest.fixture
def validator() -> Iterator[FakeValidator]:
    with FakeValidator() as server:
        yield server


def configure(scene: Scene, url: str) -> str:
    """As the inventory would: a probe of kind rpki, named by the preapproval. Returns its name, one for each url."""
    name = f"routinator-{url.rpartition(':')[2]}"
    Probe.objects.create(slug=name, kind="rpki", budget_ms=1000, settings={"url": url})
    row = Preapproval.objects.get(action="readvertise_prefix", organization=scene.organization)
    agree_on(row, {**row.terms, "rpki": name})
    return name


def said(made: Plan) -> Finding:
    findings = [Finding.from_json(item) for item in made.findings]
    (finding,) = [one for one in findings if one.code == "guard.rpki"]
    return finding


def test_a_valid_origin_is_told_with_its_record(scene: Scene, validator: FakeValidator) -> None:
    validator.records = [(ORIGIN, BROKEN, 24)]
    configure(scene, validator.url)
    scene.break_()
    finding = said(scene.propose())
    assert (finding.severity, f"AS{ORIGIN}" in finding.text) == (Severity.PASSED, True)


def test_an_invalid_origin_stops_the_preview(scene: Scene, validator: FakeValidator) -> None:
    validator.records = [(64499, BROKEN, 24)]
    configure(scene, validator.url)
    scene.break_()
    assert said(scene.propose()).severity is Severity.BLOCKER


@pytest.mark.parametrize("mode", ["hang", "cut", "broken", "first", "garbage", "flatter"])
def test_a_validator_in_trouble_is_unknown_and_holds_nobody_up(
    scene: Scene, validator: FakeValidator, mode: str
) -> None:
    validator.mode = mode
    configure(scene, validator.url)
    scene.break_()
    finding = said(scene.propose())
    assert (finding.severity, "could not check" in finding.text) == (Severity.WARNING, True)


def test_a_stale_validator_is_unknown_whatever_it_says(scene: Scene, validator: FakeValidator) -> None:
    validator.records, validator.minutes = [(ORIGIN, BROKEN, 24)], 180
    configure(scene, validator.url)
    scene.break_()
    assert said(scene.propose()).severity is Severity.WARNING


def test_a_validator_that_is_not_there_is_unknown(scene: Scene) -> None:
    name = configure(scene, f"http://{closed_address()}")
    assert ask_validator(name, [(ORIGIN, BROKEN)])[ORIGIN, BROKEN].state is Origin.UNKNOWN
    assert ask_validator("nobody", [(ORIGIN, BROKEN)])[ORIGIN, BROKEN].state is Origin.UNKNOWN
    # A probe of another kind says nothing about origins.
    assert ask_validator("tcp", [(ORIGIN, BROKEN)])[ORIGIN, BROKEN].state is Origin.UNKNOWN
