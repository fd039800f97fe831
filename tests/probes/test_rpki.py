"""The RPKI by a validator that answers as Routinator does: states, freshness, and every way of not knowing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents.domain.errors import InventoryFault
from incidents.domain.rpki import Origin, Validity
from incidents.domain.verdicts import Mark
from incidents.probes.base import Point, Validator
from incidents.probes.rpki import Rpki
from tests.fakes.certificates import make_identity
from tests.fakes.sockets import Peer, closed_address, dripping, silent
from tests.fakes.validator import FakeValidator

ASN, KEY, SIX = 64496, "203.0.113.0/24", "2001:db8:100::/48"
ROUTE = (ASN, KEY)


@pytest.fixture
def validator() -> Iterator[FakeValidator]:
    with FakeValidator() as validator:
        validator.records = [(ASN, KEY, 24)]
        yield validator


def rpki(url: str, budget_seconds: float = 3, **settings: object) -> Rpki:
    return Rpki.from_settings(
        name="validator",
        settings={"url": url, **settings},
        secret=lambda reference: Path(reference.removeprefix("file:")).read_text(),
        budget_seconds=budget_seconds,
    )


def ask(url: str, routes: Sequence[tuple[int, str]], budget_seconds: float = 3, **settings: object) -> Any:
    probe = rpki(url, budget_seconds, **settings)
    try:
        return probe.validity(routes)
    finally:
        probe.close()


@pytest.mark.parametrize(
    ("records", "route", "wanted"),
    [
        ([(ASN, KEY, 24)], ROUTE, Validity(Origin.VALID, "", (f"AS{ASN} {KEY} max /24",))),
        ([(ASN, "203.0.112.0/22", 24)], ROUTE, Validity(Origin.VALID, "", (f"AS{ASN} 203.0.112.0/22 max /24",))),
        (
            [(64511, KEY, 24), (ASN, KEY, 24)],
            ROUTE,
            Validity(Origin.VALID, "", (f"AS{ASN} {KEY} max /24",)),
        ),
        ([(64511, KEY, 24)], ROUTE, Validity(Origin.INVALID, "as", (f"AS64511 {KEY} max /24",))),
        ([(0, KEY, 24)], ROUTE, Validity(Origin.INVALID, "as", (f"AS0 {KEY} max /24",))),
        (
            [(ASN, "203.0.112.0/22", 23)],
            ROUTE,
            Validity(Origin.INVALID, "length", (f"AS{ASN} 203.0.112.0/22 max /23",)),
        ),
        (
            [(ASN, "203.0.112.0/22", 22), (64511, KEY, 24)],
            ROUTE,
            Validity(Origin.INVALID, "as", (f"AS64511 {KEY} max /24", f"AS{ASN} 203.0.112.0/22 max /22")),
        ),
        ([(ASN, "198.51.100.0/24", 24)], ROUTE, Validity(Origin.NOT_FOUND)),
        ([(ASN, "203.0.113.0/25", 25)], ROUTE, Validity(Origin.NOT_FOUND)),
        ([], ROUTE, Validity(Origin.NOT_FOUND)),
        ([(4200000000, SIX, 48)], (4200000000, SIX), Validity(Origin.VALID, "", (f"AS4200000000 {SIX} max /48",))),
    ],
)
def test_what_the_records_say(
    validator: FakeValidator, records: list[tuple[int, str, int]], route: tuple[int, str], wanted: Validity
) -> None:
    validator.records = records
    assert ask(validator.url, [route]) == {route: wanted}


def test_a_batch_asks_each_question_once(validator: FakeValidator) -> None:
    validator.records = [(ASN, "10.0.0.0/8", 24)]
    routes = [(64496 + i % 2, f"10.0.{i}.0/24") for i in range(100)]
    answers = ask(validator.url, [*routes, *routes], 20)
    assert list(answers) == routes
    assert [answer.state for answer in answers.values()] == [Origin.VALID, Origin.INVALID] * 50
    assert len(validator.asked) == 1 + len(routes)
    assert ask(validator.url, []) == {}


def test_a_holder_of_many_records_is_told_some_of_them(validator: FakeValidator) -> None:
    validator.records = [(64500 + number, KEY, 24) for number in range(50)]
    assert len(ask(validator.url, [ROUTE])[ROUTE].roas) == 8


# Freshness


@pytest.mark.parametrize(
    ("minutes", "setting", "detail"),
    [
        (0, {}, None),
        (59, {}, None),
        (61, {}, "validator has not read the records for 61 minutes"),
        (11, {"stale_minutes": 10}, "validator has not read the records for 11 minutes"),
        (600, {"stale_minutes": 1440}, None),
        (-30, {}, "validator says that it read the records in the future"),
    ],
)
def test_what_is_stale_is_unknown_and_never_valid(
    validator: FakeValidator, minutes: float, setting: Mapping[str, Any], detail: str | None
) -> None:
    validator.minutes = minutes
    answer = ask(validator.url, [ROUTE], **setting)[ROUTE]
    if detail is None:
        assert answer.state is Origin.VALID
    else:
        assert answer == Validity(Origin.UNKNOWN, detail=detail)
        assert validator.asked == ["/api/v1/status"]


@pytest.mark.parametrize("value", [None, "", "soon", 7, "2026-02-20T17:56:00", [], {}, True])
@pytest.mark.parametrize("field", ["done", "now"])
def test_a_validator_that_does_not_say_when_it_read_is_not_believed(
    validator: FakeValidator, field: str, value: Any
) -> None:
    setattr(validator, field, value)
    answer = ask(validator.url, [ROUTE])[ROUTE]
    assert answer == Validity(Origin.UNKNOWN, detail="validator does not say when it read the records")


def test_an_old_answer_out_of_a_cache_is_stale(validator: FakeValidator) -> None:
    """Its own clock stands still with it; ours goes on."""
    old = datetime.now(UTC) - timedelta(hours=5)
    validator.now, validator.done = old.isoformat(), (old - timedelta(minutes=5)).isoformat()
    assert ask(validator.url, [ROUTE])[ROUTE].detail == "validator has not read the records for 305 minutes"


def test_our_clock_may_be_behind(validator: FakeValidator) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=5)
    validator.now, validator.done = ahead.isoformat(), (ahead - timedelta(minutes=90)).isoformat()
    assert ask(validator.url, [ROUTE])[ROUTE].detail == "validator has not read the records for 90 minutes"
    validator.done = (ahead - timedelta(minutes=5)).isoformat()
    assert ask(validator.url, [ROUTE])[ROUTE].state is Origin.VALID


# Not knowing


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        ("hang", "validator did not answer"),
        ("cut", "validator did not answer"),
        ("broken", "validator gave no answer, with status 500"),
        ("first", "validator gave no answer, with status 503"),
        ("garbage", "validator gave no usable answer"),
        ("empty", "validator gave no usable answer"),
        ("other", "validator gave an answer to another question"),
        ("flatter", "validator gave an answer that its own records contradict"),
    ],
)
def test_what_cannot_be_understood_is_unknown(validator: FakeValidator, mode: str, detail: str) -> None:
    validator.mode, validator.records = mode, []
    assert ask(validator.url, [ROUTE], 0.6) == {ROUTE: Validity(Origin.UNKNOWN, detail=detail)}


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        ("hang", "validator did not answer"),
        ("cut", "validator did not answer"),
        ("broken", "validator does not say when it read the records"),
        ("first", "validator has not read all records yet"),
        ("garbage", "validator does not say when it read the records"),
        ("empty", "validator does not say when it read the records"),
    ],
)
def test_without_its_status_nothing_is_asked(validator: FakeValidator, mode: str, detail: str) -> None:
    validator.status_mode = mode
    routes = [ROUTE, (ASN, SIX)]
    assert ask(validator.url, routes, 0.6) == dict.fromkeys(routes, Validity(Origin.UNKNOWN, detail=detail))
    assert len(validator.asked) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"VRPs": None},
        {"VRPs": {"matched": []}},
        {"VRPs": {"matched": [{}], "unmatched_as": [], "unmatched_length": []}},
        {"VRPs": {"matched": ["AS64496"], "unmatched_as": [], "unmatched_length": []}},
        {"state": "VALID"},
        {"state": "unknown"},
        {"state": None},
        {"state": "not-found"},
        {"state": "invalid", "reason": "as"},
    ],
)
def test_an_answer_that_lacks_or_twists_something_is_unknown(
    validator: FakeValidator, monkeypatch: pytest.MonkeyPatch, broken: Mapping[str, Any]
) -> None:
    whole = validator._validity(f"AS{ASN}", KEY, False)
    whole["validated_route"]["validity"].update(broken)
    monkeypatch.setattr(validator, "_validity", lambda *_: whole)
    assert ask(validator.url, [ROUTE])[ROUTE].state is Origin.UNKNOWN


@pytest.mark.parametrize(
    "route", [(-1, KEY), (2**32, KEY), (ASN, "203.0.113.7/24"), (ASN, ""), (ASN, "../../status"), (ASN, "everything")]
)
def test_what_is_no_route_is_not_asked(validator: FakeValidator, route: tuple[int, str]) -> None:
    answers = ask(validator.url, [route, ROUTE])
    assert (answers[route].state, answers[ROUTE].state) == (Origin.UNKNOWN, Origin.VALID)
    assert len(validator.asked) == 2


def test_the_budget_is_for_the_whole_batch(validator: FakeValidator) -> None:
    validator.mode, validator.records = "slow", [(ASN, "10.0.0.0/8", 24)]
    routes = [(ASN, f"10.0.{i}.0/24") for i in range(60)]
    began = time.monotonic()
    answers = ask(validator.url, routes, 0.8)
    assert time.monotonic() - began < 6
    assert set(answers) == set(routes)
    states = [answer.state for answer in answers.values()]
    assert set(states) == {Origin.VALID, Origin.UNKNOWN}
    assert states.count(Origin.VALID) <= 24
    assert "no time was left" in answers[routes[-1]].detail


def test_nobody_there_or_nobody_who_speaks_is_unknown() -> None:
    answer = ask(f"http://{closed_address()}", [ROUTE])[ROUTE]
    assert answer == Validity(Origin.UNKNOWN, detail="validator could not be reached")
    for meet in (silent, dripping):
        with Peer(meet) as peer:
            assert ask(f"http://{peer.address}", [ROUTE], 0.4)[ROUTE].state is Origin.UNKNOWN


@pytest.mark.parametrize(("name", "state"), [("IP:127.0.0.1", Origin.VALID), ("DNS:other.example", Origin.UNKNOWN)])
def test_its_certificate_is_checked(tmp_path: Path, name: str, state: Origin) -> None:
    identity = make_identity(tmp_path, "validator", name)
    with FakeValidator(identity.server()) as validator:
        validator.records = [(ASN, KEY, 24)]
        answer = ask(validator.url, [ROUTE], ca=f"file:{identity.certificate}")[ROUTE]
        assert answer.state is state
        assert ask(validator.url, [ROUTE])[ROUTE].detail.startswith("the certificate of validator is not accepted")


# As a probe


def test_it_watches_nothing_and_never_passes(validator: FakeValidator) -> None:
    probe = rpki(validator.url)
    assert isinstance(probe, Validator)
    readings = probe.measure([Point(1, KEY, "edge-a"), Point(2, SIX, "edge-b")])
    assert {id: reading.mark for id, reading in readings.items()} == {1: Mark.ERROR, 2: Mark.ERROR}
    assert validator.asked == []
    probe.close()
    probe.close()


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "settings.url"),
        ({"url": "127.0.0.1:8323"}, "settings.url"),
        ({"url": "ftp://validator.example"}, "settings.url"),
        ({"url": "http://user:secret@validator.example"}, "settings.url"),
        ({"url": "http://validator.example", "stale": 60}, "settings.stale"),
        ({"url": "http://validator.example", "stale_minutes": 0}, "settings.stale_minutes"),
        ({"url": "http://validator.example", "stale_minutes": 1441}, "settings.stale_minutes"),
        ({"url": "http://validator.example", "stale_minutes": True}, "settings.stale_minutes"),
        ({"url": "http://validator.example", "stale_minutes": "60"}, "settings.stale_minutes"),
        ({"url": "http://validator.example", "ca": "file:ca.pem"}, "settings.ca"),
        ({"url": "https://validator.example", "ca": "-----BEGIN CERTIFICATE-----"}, "settings.ca"),
    ],
)
def test_a_setting_that_is_wrong_is_a_fault(settings: Mapping[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as caught:
        Rpki.from_settings(name="validator", settings=settings, secret=str, budget_seconds=1)
    assert caught.value.path == path
