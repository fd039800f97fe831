"""BIRD in particular: attributes, size, whose file it is, refusals, lost connections, and going back by itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.adapters.base import Adapter
from incidents.adapters.bird_routes import MARKER
from incidents.domain.changes import Cause, Change, Reply, State, settings_of, status_of
from incidents.domain.errors import BackendRefused, BackendUnreachable
from incidents.domain.findings import Severity
from tests.adapters.birds import Router, bird, cut, pair, relay, router, wait_until
from tests.adapters.support import ABSENT, ROUTE, change
from tests.adapters.test_bird_settings import HOSTILE, INEXACT
from tests.fakes.sockets import UnixPeer, closing

KEY, OTHER, SIX = "203.0.113.0/24", "198.51.100.0/24", "2001:db8:100::/48"
KEYS = (KEY, OTHER, SIX)
BULK = [f"10.{i // 256}.{i % 256}.0/24" for i in range(1100)]
ROUTE_SIX: State = {**ROUTE, "next_hop": "2001:db8::1"}
ROOT = Path(__file__).resolve().parent.parent.parent
CAUSE = Cause("k")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Router]:
    """A router for one test, which may break it."""
    with router(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Router, Router]]:
    with pair(tmp_path_factory.mktemp("pair")) as both:
        yield both


def adapter_of(one: Router, timeout_seconds: int = 30, address: str = "", budget: float = 5) -> Adapter:
    settings = {**one.settings, "timeout_seconds": timeout_seconds}
    return bird(address or one.socket, [*KEYS, *BULK], budget, settings)


def apply(adapter: Adapter, *changes: Change) -> list[tuple[Reply, str]]:
    return [(receipt.reply, receipt.detail) for receipt in adapter.apply(changes, CAUSE)]


def seen(adapter: Adapter, key: str = KEY) -> State:
    return settings_of(adapter.observe([key])[key])


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (KEY, {**ROUTE, "as_path": [], "origin": "incomplete", "communities": []}),
        (KEY, {**ROUTE, "as_path": [64496, 4200000000, 64496], "origin": "egp"}),
        (KEY, {**ROUTE, "med": 0, "local_pref": 0}),
        (KEY, {**ROUTE, "med": 2**32 - 1, "local_pref": 2**32 - 1}),
        (KEY, {**ROUTE, "communities": ["64496:100", "65535:0"], "large_communities": ["64496:10:0", "64496:1:2"]}),
        (KEY, {**ROUTE, "communities": [f"{n}:{n}" for n in range(60000, 60128)], "as_path": [4200000000] * 40}),
        (KEY, {**ROUTE, "large_communities": [f"4200000000:4200000000:{n}" for n in range(4200000000, 4200000128)]}),
        (SIX, {**ROUTE_SIX, "med": 7, "local_pref": 100, "large_communities": ["4294967295:0:4294967295"]}),
        (SIX, {**ROUTE_SIX, "next_hop": "2001:db8:0:1:0:1:0:1"}),
    ],
)
def test_attributes_come_back_exactly_and_reach_a_neighbour(
    neighbours: tuple[Router, Router], key: str, state: State
) -> None:
    speaker, hearer = neighbours
    adapter = adapter_of(speaker)
    assert apply(adapter, change(key, state)) == [(Reply.ACCEPTED, "")]
    assert adapter.observe([key]) == {key: {**state, "status": {"sessions": 1}}}
    wait_until(lambda: hearer.has(key))
    heard = hearer.ask(f"show route {key} all")
    path, communities = state["as_path"], state["communities"]
    assert isinstance(path, list)
    assert isinstance(communities, list)
    assert f"BGP.as_path: {' '.join(map(str, path))}\n" in heard
    assert f"BGP.next_hop: {state['next_hop']}\n" in heard
    assert f"bgp.origin: {state['origin']}\n" in heard.lower()
    assert all(f"({text.replace(':', ',')})" in heard for text in map(str, communities))
    assert adapter.rehearse([change(key, ABSENT, before=state)]) == []
    apply(adapter, change(key, ABSENT, before=state))
    assert seen(adapter, key) == ABSENT
    wait_until(lambda: not hearer.has(key))


def test_a_batch_of_1100_in_one_configuration(neighbours: tuple[Router, Router]) -> None:
    speaker, hearer = neighbours
    adapter, times = adapter_of(speaker), speaker.reconfigured()
    assert set(apply(adapter, *(change(key, ROUTE) for key in BULK))) == {(Reply.ACCEPTED, "")}
    assert speaker.reconfigured() == times + 1
    assert [settings_of(state) for state in adapter.observe(BULK).values()] == [ROUTE] * 1100
    wait_until(lambda: "1100 of 1100" in hearer.ask("show route count table master4"))
    withdrawals = [change(key, ABSENT, before=ROUTE) for key in BULK[1:]]
    assert set(apply(adapter, *withdrawals)) == {(Reply.ACCEPTED, "")}
    assert [key for key, state in adapter.observe(BULK).items() if settings_of(state) != ABSENT] == BULK[:1]
    apply(adapter, change(BULK[0], ABSENT, before=ROUTE))


def test_a_session_that_is_down_blocks_and_is_counted(bird_router: Router) -> None:
    adapter = adapter_of(bird_router)
    (finding,) = adapter.rehearse([change(KEY, ROUTE)])
    assert (finding.code, finding.severity) == ("backend.no-session", Severity.BLOCKER)
    assert status_of(adapter.observe([KEY])[KEY]) == {"sessions": 0}


@pytest.mark.parametrize("state", [*HOSTILE, *INEXACT], ids=repr)
def test_a_state_that_cannot_be_written_spoils_nothing_for_the_others(bird_router: Router, state: State) -> None:
    adapter = adapter_of(bird_router)
    (bad, detail), good = apply(adapter, change(KEY, state), change(SIX, ROUTE_SIX))
    assert bad is Reply.REFUSED
    assert detail.startswith("not sent: ")
    assert good == (Reply.ACCEPTED, "")
    assert (seen(adapter), seen(adapter, SIX)) == (ABSENT, ROUTE_SIX)
    assert {finding.code for finding in adapter.rehearse([change(KEY, state)])} == {
        "backend.refused",
        "backend.no-session",
    }
    text, times = bird_router.include.read_text(), bird_router.reconfigured()
    assert apply(adapter, change(KEY, state))[0][0] is Reply.REFUSED
    assert (bird_router.include.read_text(), bird_router.reconfigured()) == (text, times)
    apply(adapter, change(SIX, ABSENT, before=ROUTE_SIX))


def test_applying_what_is_there_configures_nothing(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(KEY, ROUTE))
    times = own.reconfigured()
    assert apply(adapter, change(KEY, ROUTE)) == [(Reply.ACCEPTED, "")]
    assert own.reconfigured() == times


def test_writers_wait_for_each_other(bird_router: Router) -> None:
    with ThreadPoolExecutor(4) as pool:
        adapters = [adapter_of(bird_router, budget=20) for _ in range(4)]
        replies = pool.map(lambda n: apply(adapters[n % 4], change(BULK[n], ROUTE)), range(12))
        assert list(replies) == [[(Reply.ACCEPTED, "")]] * 12
    adapter = adapters[0]
    assert [settings_of(state) for state in adapter.observe(BULK[:12]).values()] == [ROUTE] * 12
    apply(adapter, *(change(key, ABSENT, before=ROUTE) for key in BULK[:12]))


def test_a_table_and_names_of_ones_own(tmp_path: Path) -> None:
    with router(tmp_path, "ipv4 table customers4;\n") as one:
        settings = {**one.settings, "table4": "customers4", "protocol4": "shop4", "protocol6": "shop6"}
        adapter = bird(one.socket, [KEY], settings=settings)
        assert apply(adapter, change(KEY, ROUTE)) == [(Reply.ACCEPTED, "")]
        assert seen(adapter) == ROUTE
        assert KEY in one.ask("show route table customers4")
        assert KEY not in one.ask("show route table master4")
        assert [finding.code for finding in adapter.rehearse([change(KEY, ROUTE)])] == ["backend.no-session"]


# Whose file it is


@pytest.mark.parametrize("text", ["", "# somebody else's\n", f"\n{MARKER}\n", f"protocol static x {{}}\n{MARKER}\n"])
def test_a_file_of_somebody_else_is_left_alone(own: Router, text: str) -> None:
    own.include.write_text(text)
    adapter = adapter_of(own)
    ((reply, detail),) = apply(adapter, change(KEY, ROUTE))
    assert reply is Reply.REFUSED
    assert "mark" in detail
    assert own.include.read_text() == text
    assert "backend.refused" in {finding.code for finding in adapter.rehearse([change(KEY, ROUTE)])}
    assert own.reconfigured() == 0


def test_what_is_no_plain_file_is_left_alone(own: Router) -> None:
    behind = own.include.with_name("behind.conf")
    own.include.rename(behind)
    own.include.symlink_to(behind)
    assert apply(adapter_of(own), change(KEY, ROUTE))[0][0] is Reply.REFUSED
    assert own.include.is_symlink()
    own.include.unlink()
    os.mkfifo(own.include)
    assert apply(adapter_of(own), change(KEY, ROUTE))[0][0] is Reply.REFUSED


def test_a_file_that_cannot_be_written(own: Router) -> None:
    settings = {"include": f"{own.main}/nowhere/handrail.conf"}
    adapter = bird(own.socket, [KEY], settings=settings)
    ((reply, detail),) = apply(adapter, change(KEY, ROUTE))
    assert (reply, detail) == (Reply.REFUSED, "handrail.conf cannot be written: Not a directory")
    assert "backend.refused" in {finding.code for finding in adapter.rehearse([change(KEY, ROUTE)])}
    assert seen(adapter) == ABSENT  # looking needs no file


def test_the_rights_of_the_file_stay(own: Router) -> None:
    own.include.chmod(0o640)
    apply(adapter_of(own), change(KEY, ROUTE))
    assert own.include.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in own.include.parent.glob(f".{own.include.name}.*")) == [own.lock.name]


def test_a_change_by_hand_that_is_not_running_is_not_lost(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(KEY, ROUTE), change(OTHER, ROUTE))
    edited = own.include.read_text().replace(f"route {OTHER} unreachable", f"route {OTHER} blackhole")
    own.include.write_text(edited)
    ((reply, detail),) = apply(adapter, change(KEY, ABSENT, before=ROUTE))
    assert reply is Reply.REFUSED
    assert "do not agree" in detail
    assert "backend.refused" in {f.code for f in adapter.rehearse([change(KEY, ABSENT, before=ROUTE)])}
    assert own.include.read_text() == edited
    assert (seen(adapter), seen(adapter, OTHER)) == (ROUTE, ROUTE)
    # What is part of the change is written anew.
    assert apply(adapter, change(OTHER, ABSENT, before=ROUTE)) == [(Reply.ACCEPTED, "")]
    assert (seen(adapter), seen(adapter, OTHER)) == (ROUTE, ABSENT)


def test_a_change_by_hand_that_is_running_is_not_lost(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(KEY, ROUTE), change(OTHER, ROUTE))
    strange = own.include.read_text().replace("bgp_path.empty;", "bgp_ext_community.add((rt,64496,5)); bgp_path.empty;")
    own.include.write_text(strange)
    own.ask("configure")
    assert seen(adapter)["other_attributes"] == ["ext_community"]
    ((reply, _),) = apply(adapter, change(SIX, ROUTE_SIX))
    assert reply is Reply.REFUSED
    assert own.include.read_text() == strange


def test_routes_of_ours_that_the_empty_file_does_not_have_are_not_lost(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(KEY, ROUTE))
    own.include.write_text(f"{MARKER}\n")
    assert apply(adapter, change(OTHER, ROUTE))[0][0] is Reply.REFUSED
    assert seen(adapter) == ROUTE


# What BIRD refuses


def test_a_fault_elsewhere_in_the_configuration(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(KEY, ROUTE))
    text = own.include.read_text()
    own.main.write_text(f"{own.main.read_text()}\nprotocol nonsense {{}}\n")
    ((reply, detail),) = apply(adapter, change(OTHER, ROUTE))
    assert reply is Reply.REFUSED
    assert detail.startswith("the router refused: router.conf:6:")
    assert "/" not in detail
    assert own.include.read_text() == text
    assert own.lock.read_text() == ""
    said = [finding.text for finding in adapter.rehearse([change(OTHER, ROUTE)]) if finding.code == "backend.refused"]
    assert len(said) == 1
    assert said[0].startswith("The configuration of the router has a fault already: router.conf:6:")
    assert (seen(adapter), seen(adapter, OTHER)) == (ROUTE, ABSENT)


def test_a_name_that_bird_has_a_meaning_for(own: Router) -> None:
    adapter = bird(own.socket, [KEY], settings={**own.settings, "protocol4": "static"})
    assert apply(adapter, change(KEY, ROUTE))[0][0] is Reply.REFUSED
    assert own.include.read_text() == f"{MARKER}\n"
    assert "The router refuses it: " in "".join(finding.text for finding in adapter.rehearse([change(KEY, ROUTE)]))


def test_a_name_of_another_protocol(own: Router) -> None:
    adapter = bird(own.socket, [KEY], settings={**own.settings, "protocol4": "device1"})
    assert apply(adapter, change(KEY, ROUTE))[0][0] is Reply.REFUSED
    with pytest.raises(BackendRefused):
        adapter.observe([KEY])


def test_a_file_that_is_not_included_is_put_back(own: Router) -> None:
    own.main.write_text(own.main.read_text().replace("include", "# include"))
    ((reply, detail),) = apply(adapter_of(own), change(KEY, ROUTE))
    assert reply is Reply.REFUSED
    assert "does not include router-handrail.conf" in detail
    assert own.include.read_text() == f"{MARKER}\n"
    assert own.ask("configure confirm").endswith("0019 Nothing to do\n")


def test_a_protocol_that_is_switched_off(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(KEY, ROUTE))
    own.ask("disable handrail6")
    assert status_of(adapter.observe([KEY])[KEY])["problem"] == "handrail6 is switched off in this router"
    text = own.include.read_text()
    assert apply(adapter, change(OTHER, ROUTE)) == [(Reply.REFUSED, "handrail6 is switched off in this router")]
    assert own.include.read_text() == text


def test_what_somebody_switched_off_stays_off(tmp_path: Path) -> None:
    """BIRD itself switches it on with every configuration, also with the one that puts back."""
    more = "protocol static closed {{ ipv{0}; route {1} unreachable; {2} }}\n"
    by_hand = more.format(4, "192.0.2.0/24", "")
    by_file = more.replace("closed", "never").format(6, "2001:db8::/48", "disabled;")
    with router(tmp_path, by_hand + by_file) as one:
        one.ask("disable closed")
        assert apply(adapter_of(one), change(KEY, ROUTE)) == [(Reply.ACCEPTED, "")]
        assert not one.has("192.0.2.0/24")
        one.main.write_text(one.main.read_text().replace("include", "# include"))
        assert apply(adapter_of(one), change(OTHER, ROUTE))[0][0] is Reply.REFUSED
        assert not one.has("192.0.2.0/24")
        assert not one.has("2001:db8::/48")
        one.ask("configure")
        assert one.has("192.0.2.0/24")


# Lost connections


@pytest.mark.parametrize(
    ("at", "where", "reply", "stands", "written", "marked"),
    [
        ("show protocols", "before", Reply.NOT_SENT, False, False, False),
        ("show route", "after", Reply.NOT_SENT, False, False, False),
        ("configure check", "before", Reply.NOT_SENT, False, False, False),
        ("configure check", "after", Reply.NOT_SENT, False, False, False),
        ("configure soft", "before", Reply.UNANSWERED, False, False, True),
        ("configure soft", "after", Reply.UNANSWERED, False, False, True),
        ("configure confirm", "before", Reply.UNANSWERED, False, True, True),
        ("configure confirm", "after", Reply.UNANSWERED, True, True, True),
    ],
)
def test_a_connection_that_is_cut(
    own: Router, at: str, where: str, reply: Reply, stands: bool, written: bool, marked: bool
) -> None:
    """A router that was told to change and not to keep it goes back; then the next change finds its way."""
    direct = adapter_of(own)
    apply(direct, change(OTHER, ROUTE))
    with UnixPeer(relay(own.socket, at, **{where: cut})) as peer:
        ((told, _),) = apply(adapter_of(own, 2 if stands else 1, peer.address), change(KEY, ROUTE))
    assert told is reply
    assert (KEY in own.include.read_text()) is written
    assert (own.lock.read_text() != "") is marked
    wait_until(lambda: own.has(KEY) is stands)
    time.sleep(2.2 if stands else 0)  # it would have gone back by now
    assert own.has(KEY) is stands
    assert apply(direct, change(SIX, ROUTE_SIX)) == [(Reply.ACCEPTED, "")]
    assert (seen(direct) == ROUTE, seen(direct, OTHER), seen(direct, SIX)) == (stands, ROUTE, ROUTE_SIX)
    assert (KEY in own.include.read_text()) is stands
    assert own.lock.read_text() == ""


def test_a_router_that_is_slower_than_its_own_patience(own: Router) -> None:
    with UnixPeer(relay(own.socket, "configure confirm", before=lambda: wait_until(lambda: not own.has(KEY)))) as peer:
        ((reply, detail),) = apply(adapter_of(own, 1, peer.address), change(KEY, ROUTE))
    assert reply is Reply.UNANSWERED
    assert "went back by itself" in detail
    assert own.include.read_text() == f"{MARKER}\n"


def test_somebody_else_who_configures_in_between_keeps_it(own: Router) -> None:
    def configure() -> None:
        own.ask("configure")

    with UnixPeer(relay(own.socket, "configure confirm", before=configure)) as peer:
        assert apply(adapter_of(own, 30, peer.address), change(KEY, ROUTE)) == [(Reply.ACCEPTED, "")]
    assert own.ask("configure confirm").endswith("0019 Nothing to do\n")
    assert own.has(KEY)


@pytest.mark.parametrize("at", ["configure check", "configure soft", "configure confirm"])
def test_a_router_that_falls_silent(own: Router, at: str) -> None:
    ended = threading.Event()

    def hold() -> None:
        ended.wait(20)
        cut()

    with UnixPeer(relay(own.socket, at, before=hold)) as peer:
        began = time.monotonic()
        ((reply, _),) = apply(adapter_of(own, 1, peer.address, budget=1.5), change(KEY, ROUTE))
        assert time.monotonic() - began < 7
        ended.set()
    assert reply is (Reply.NOT_SENT if at == "configure check" else Reply.UNANSWERED)
    wait_until(lambda: not own.has(KEY))


def test_what_is_not_bird(own: Router) -> None:
    def greet(line: socket.socket, ended: threading.Event) -> None:
        line.sendall(b"220 mail.example ESMTP\n")

    with UnixPeer(greet) as peer:
        assert apply(adapter_of(own, address=peer.address), change(KEY, ROUTE))[0][0] is Reply.NOT_SENT
    with UnixPeer(closing) as peer, pytest.raises(BackendUnreachable):
        adapter_of(own, address=peer.address).observe([KEY])


def test_a_router_that_is_gone_cannot_be_rehearsed(own: Router) -> None:
    os.kill(own.program.process.pid, signal.SIGKILL)
    own.program.process.wait()
    adapter = adapter_of(own)
    (finding,) = adapter.rehearse([change(KEY, ROUTE)])
    assert (finding.code, finding.severity) == ("backend.not-rehearsed", Severity.NOTE)
    assert apply(adapter, change(KEY, ROUTE))[0][0] is Reply.NOT_SENT
    assert own.include.read_text() == f"{MARKER}\n"


# A process that dies between `configure timeout` and `configure confirm`

CHILD = """
import json, sys
from tests.adapters.birds import bird
from tests.adapters.support import change
from incidents.domain.changes import Cause
address, settings, key, state = json.loads(sys.argv[1])
print(bird(address, [key], 30, settings).apply([change(key, state)], Cause("k")))
"""


def die_before_the_confirmation(own: Router, timeout_seconds: int, look: Callable[[], None]) -> None:
    """A process of its own changes KEY, and is killed when the router waits for its last word; then `look`."""
    waiting, ended = threading.Event(), threading.Event()

    def hold() -> None:
        waiting.set()
        ended.wait(30)
        cut()

    with UnixPeer(relay(own.socket, "configure confirm", before=hold)) as peer:
        told = json.dumps([peer.address, {**own.settings, "timeout_seconds": timeout_seconds}, KEY, ROUTE])
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
        child = subprocess.Popen([sys.executable, "-c", CHILD, told], cwd=ROOT, env=environment)
        try:
            assert waiting.wait(30)
        finally:
            child.kill()
            child.wait()
        try:
            look()
        finally:
            ended.set()


def test_a_process_that_dies_leaves_a_router_that_goes_back(own: Router) -> None:
    adapter = adapter_of(own)
    apply(adapter, change(OTHER, ROUTE))

    def look() -> None:
        state = adapter.observe([KEY])[KEY]
        assert settings_of(state) == ROUTE
        assert status_of(state)["settled"] is False
        wait_until(lambda: seen(adapter) == ABSENT)
        assert KEY in own.include.read_text()  # the file is ahead of the router

    die_before_the_confirmation(own, 3, look)
    assert apply(adapter, change(SIX, ROUTE_SIX)) == [(Reply.ACCEPTED, "")]
    assert (seen(adapter), seen(adapter, OTHER), seen(adapter, SIX)) == (ABSENT, ROUTE, ROUTE_SIX)
    assert KEY not in own.include.read_text()
    assert apply(adapter, change(KEY, ROUTE)) == [(Reply.ACCEPTED, "")]
    assert adapter.observe([KEY]) == {KEY: {**ROUTE, "status": {"sessions": 0}}}


def test_what_may_still_go_back_is_configured_anew_before_it_counts(own: Router) -> None:
    """The route is there already, but only until the router goes back: to accept that would be to lose it."""
    adapter = adapter_of(own)

    def look() -> None:
        assert apply(adapter, change(KEY, ROUTE, before=ROUTE)) == [(Reply.ACCEPTED, "")]
        assert own.ask("configure confirm").endswith("0019 Nothing to do\n")
        assert adapter.observe([KEY]) == {KEY: {**ROUTE, "status": {"sessions": 0}}}

    die_before_the_confirmation(own, 60, look)
    assert own.lock.read_text() == ""
