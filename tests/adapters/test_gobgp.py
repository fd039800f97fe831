"""GoBGP in particular: attributes, size, refusals, lost connections, and the trap of DeletePath."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from incidents.adapters import gobgp_paths
from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.domain.changes import Cause, Reply, State
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable
from incidents.lab import ports, processes
from tests.adapters.support import ABSENT, ROUTE, change, gobgp, start_gobgpd
from tests.fakes.gobgp import FakeGoBgp
from tests.lab_fixtures import need

KEY, SIX = "203.0.113.0/24", "2001:db8:100::/48"
BULK = [f"10.{i // 256}.{i % 256}.0/24" for i in range(1100)]
ROUTE_SIX: State = {**ROUTE, "next_hop": "2001:db8::1"}


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (KEY, ROUTE),
        (KEY, {**ROUTE, "as_path": [], "origin": "incomplete", "communities": []}),
        (KEY, {**ROUTE, "as_path": [64496, 4200000000, 64496], "origin": "egp"}),
        (KEY, {**ROUTE, "med": 0, "local_pref": 0}),
        (KEY, {**ROUTE, "med": 2**32 - 1, "local_pref": 2**32 - 1}),
        (KEY, {**ROUTE, "communities": ["64496:100", "65535:666"], "large_communities": ["64496:10:0", "64496:1:2"]}),
        (SIX, ROUTE_SIX),
        (SIX, {**ROUTE_SIX, "med": 7, "local_pref": 100, "large_communities": ["4294967295:0:4294967295"]}),
        ("203.0.113.77/32", ROUTE),
    ],
)
def test_attributes_come_back_exactly(gobgpd: str, key: str, state: State) -> None:
    adapter = gobgp(gobgpd, [key])
    assert adapter.apply([change(key, state)], Cause("k"))[0].reply is Reply.ACCEPTED
    assert adapter.observe([key]) == {key: state}
    adapter.apply([change(key, ABSENT)], Cause("k"))
    assert adapter.observe([key]) == {key: ABSENT}
    adapter.close()


@pytest.mark.parametrize(
    "state",
    [
        {"advertised": True},
        {**ROUTE, "next_hop": ""},
        {**ROUTE, "next_hop": "2001:db8::1"},
        {**ROUTE, "communities": ["64496:200", "64496:100"]},
        {**ROUTE, "communities": ["64496:70000"]},
        {**ROUTE, "large_communities": ["1:2"]},
        {**ROUTE, "origin": "elsewhere"},
        {**ROUTE, "med": -1},
        {**ROUTE, "as_path": [2**32]},
        {**ROUTE, "as_path": ["64496"]},
        {**ROUTE, "other_attributes": ["ExtendedCommunitiesAttribute"]},
        {"advertised": False, "next_hop": "192.0.2.1"},
    ],
)
def test_a_state_that_cannot_be_written_exactly_is_refused_and_the_others_are_done(
    fake: FakeGoBgp, state: State
) -> None:
    adapter = gobgp(fake.address, [KEY, SIX])
    bad, good = adapter.apply([change(KEY, state), change(SIX, ROUTE_SIX)], Cause("k"))
    assert bad.reply is Reply.REFUSED
    assert bad.detail.startswith("not sent: ")
    assert good.reply is Reply.ACCEPTED
    assert set(fake.table) == {SIX}
    assert adapter.apply([change(KEY, state)], Cause("k"))[0].reply is Reply.REFUSED
    assert fake.calls.count("AddPathStream") == 1
    adapter.close()


def test_a_batch_of_1100(gobgpd: str) -> None:
    adapter = gobgp(gobgpd, BULK)
    began = time.monotonic()
    receipts = adapter.apply([change(key, ROUTE) for key in BULK], Cause("k"))
    assert [receipt.key for receipt in receipts] == BULK
    assert {receipt.reply for receipt in receipts} == {Reply.ACCEPTED}
    assert adapter.observe(BULK) == dict.fromkeys(BULK, ROUTE)
    receipts = adapter.apply([change(key, ABSENT) for key in BULK], Cause("k"))
    assert {receipt.reply for receipt in receipts} == {Reply.ACCEPTED}
    assert adapter.observe(BULK) == dict.fromkeys(BULK, ABSENT)
    assert time.monotonic() - began < 5
    adapter.close()


def test_withdrawing_one_leaves_all_others(gobgpd: str) -> None:
    adapter = gobgp(gobgpd, [*BULK[:5], SIX])
    adapter.apply([*(change(key, ROUTE) for key in BULK[:5]), change(SIX, ROUTE_SIX)], Cause("k"))
    adapter.apply([change(BULK[0], ABSENT)], Cause("k"))
    states = adapter.observe([*BULK[:5], SIX])
    assert [state["advertised"] for state in states.values()] == [False, True, True, True, True, True]
    adapter.apply([change(key, ABSENT) for key in [*BULK[:5], SIX]], Cause("k"))
    adapter.close()


@pytest.mark.parametrize("key", [KEY, SIX])
def test_a_withdrawal_always_carries_its_path(key: str) -> None:
    request = gobgp_paths.withdrawal(key)
    nlri = api.IPAddressPrefix()
    assert request.path.nlri.Unpack(nlri)
    assert f"{nlri.prefix}/{nlri.prefix_len}" == key


@pytest.mark.parametrize("key", ["", "203.0.113.0/33", "everything"])
def test_a_withdrawal_without_a_path_cannot_be_built(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        gobgp_paths.withdrawal(key)


def test_the_request_is_built_in_one_place_only() -> None:
    top = Path(gobgp_paths.__file__).parent.parent
    users = [
        file.relative_to(top).as_posix()
        for file in top.rglob("*.py")
        if "gobgp_api" not in file.parts and "api.DeletePathRequest(" in file.read_text()
    ]
    assert users == ["adapters/gobgp_paths.py"]
    assert "uuid" not in api.DeletePathRequest.DESCRIPTOR.fields_by_name


def test_a_neighbours_route_is_not_ours(fake: FakeGoBgp) -> None:
    path = gobgp_paths.announcement(KEY, ROUTE)
    path.neighbor_ip = "198.51.100.1"
    fake.table[KEY] = path
    adapter = gobgp(fake.address, [KEY])
    assert adapter.observe([KEY]) == {KEY: ABSENT}
    adapter.close()


@pytest.mark.parametrize(
    ("mode", "few", "many", "done"),
    [
        ("ok", "accepted", "accepted", 300),
        ("slow", "accepted", "accepted", 300),
        ("hang", "not_sent", "not_sent", 0),
        ("stall", "unanswered", "unanswered", 0),
        ("refuse", "refused", "unanswered", 0),
        ("lie", "accepted", "accepted", 0),
        ("drop_reply", "unanswered", "unanswered", 300),
        ("die", "unanswered", "unanswered", 150),
        ("partial", "refused", "unanswered", 150),
    ],
)
def test_what_is_told_of_a_stream(fake: FakeGoBgp, mode: str, few: str, many: str, done: int) -> None:
    """Of more than one message nobody knows which ones were done before the refusal."""
    fake.mode, fake.seconds = mode, 0.1
    adapter = gobgp(fake.address, BULK, budget_seconds=0.6)
    assert {str(r.reply) for r in adapter.apply([change(key, ROUTE) for key in BULK[:50]], Cause("k"))} == {few}
    fake.table.clear()
    assert {str(r.reply) for r in adapter.apply([change(key, ROUTE) for key in BULK[:300]], Cause("k"))} == {many}
    assert len(fake.table) == done
    fake.mode = "ok"
    assert sum(state != ABSENT for state in adapter.observe(BULK[:300]).values()) == done
    adapter.close()


@pytest.mark.parametrize(
    ("mode", "reply", "left"),
    [
        ("hang", "not_sent", 1),
        ("stall", "unanswered", 1),
        ("refuse", "refused", 1),
        ("lie", "accepted", 1),
        ("drop_reply", "unanswered", 0),
    ],
)
def test_what_is_told_of_a_withdrawal(fake: FakeGoBgp, mode: str, reply: str, left: int) -> None:
    adapter = gobgp(fake.address, [KEY], budget_seconds=0.6)
    adapter.apply([change(KEY, ROUTE)], Cause("k"))
    fake.mode = mode
    assert str(adapter.apply([change(KEY, ABSENT)], Cause("k"))[0].reply) == reply
    assert len(fake.table) == left
    adapter.close()


def test_withdrawals_after_a_lost_stream_are_not_sent(fake: FakeGoBgp) -> None:
    adapter = gobgp(fake.address, [KEY, SIX])
    adapter.apply([change(KEY, ROUTE)], Cause("k"))
    fake.mode = "drop_reply"
    announced, withdrawn = adapter.apply([change(SIX, ROUTE_SIX), change(KEY, ABSENT)], Cause("k"))
    assert (announced.reply, withdrawn.reply) == (Reply.UNANSWERED, Reply.NOT_SENT)
    assert fake.calls.count("DeletePath") == 0
    adapter.close()


@pytest.mark.parametrize(("mode", "error"), [("hang", BackendTimeout), ("refuse", BackendRefused)])
def test_what_observe_learns(fake: FakeGoBgp, mode: str, error: type[Exception]) -> None:
    fake.mode = mode
    adapter = gobgp(fake.address, [KEY], budget_seconds=0.4)
    with pytest.raises(error):
        adapter.observe([KEY])
    adapter.close()


def freeze(pid: int) -> None:
    """SIGSTOP, and waits until every thread stands still: the call alone returns before they do."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + 5
    while any(
        stat.read_text().rpartition(")")[2].split()[0] != "T" for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    ):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_router_that_hangs_and_one_that_comes_back(tmp_path: Path) -> None:
    need("gobgpd")
    edge, program = start_gobgpd(tmp_path)
    adapter = gobgp(edge.api, [KEY], budget_seconds=0.5)
    try:
        adapter.apply([change(KEY, ROUTE)], Cause("k"))
        freeze(program.process.pid)
        began = time.monotonic()
        assert adapter.apply([change(KEY, ABSENT)], Cause("k"))[0].reply is Reply.NOT_SENT
        with pytest.raises(BackendTimeout):
            adapter.observe([KEY])
        assert time.monotonic() - began < 10
        os.kill(program.process.pid, signal.SIGCONT)
        assert adapter.apply([change(KEY, ROUTE)], Cause("k"))[0].reply is Reply.ACCEPTED
        assert adapter.observe([KEY]) == {KEY: ROUTE}
        program.process.kill()
        program.process.wait()
        assert adapter.apply([change(KEY, ROUTE)], Cause("k"))[0].reply is Reply.NOT_SENT
        with pytest.raises(BackendUnreachable):
            adapter.observe([KEY])
    finally:
        adapter.close()
        processes.stop([program])


def test_a_router_that_restarts_is_found_at_once() -> None:
    port = ports.free_port("127.0.0.1")
    first = FakeGoBgp().start(port)
    adapter = gobgp(first.address, [KEY])
    adapter.apply([change(KEY, ROUTE)], Cause("k"))
    first.stop()
    with pytest.raises(BackendUnreachable):
        adapter.observe([KEY])
    second = FakeGoBgp().start(port)
    began = time.monotonic()
    assert adapter.observe([KEY]) == {KEY: ABSENT}
    # gRPC left to itself waits up to two minutes between two attempts.
    assert time.monotonic() - began < 5
    adapter.close()
    second.stop()


def test_tls_with_an_authority_of_ones_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need("gobgpd", "openssl")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    openssl = shutil.which("openssl") or "openssl"
    names = "subjectAltName=DNS:router.example"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=router.example", "-addext", names]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", "-x509", *kind, *subject, *files], check=True, capture_output=True)
    port = ports.free_port("127.0.0.1")
    configuration = tmp_path / "router.toml"
    configuration.write_text('[global.config]\nas = 64512\nrouter-id = "127.0.0.1"\nport = -1\n')
    arguments = ["gobgpd", "-f", str(configuration), f"--api-hosts=127.0.0.1:{port}", "--pprof-disable"]
    arguments += ["--tls", f"--tls-cert-file={certificate}", f"--tls-key-file={key}"]
    program = processes.start("router", arguments, tmp_path)
    tls = {"tls": True, "tls_ca": f"file:{certificate}", "tls_name": "router.example"}
    client = {"tls_key": f"file:{key}", "tls_certificate": f"file:{certificate}"}
    adapter = gobgp(f"127.0.0.1:{port}", [KEY], settings={**tls, **client})
    try:
        end = time.monotonic() + 5
        while adapter.apply([change(KEY, ROUTE)], Cause("k"))[0].reply is Reply.NOT_SENT and time.monotonic() < end:
            time.sleep(0.05)
        assert adapter.observe([KEY]) == {KEY: ROUTE}
        stranger = gobgp(f"127.0.0.1:{port}", [KEY], 1, {"tls": True, "tls_ca": f"file:{certificate}"})
        assert stranger.apply([change(KEY, ABSENT)], Cause("k"))[0].reply is Reply.NOT_SENT
        stranger.close()
    finally:
        adapter.close()
        processes.stop([program])
    middle = key.read_text().splitlines()[1]
    assert middle not in "".join(capfd.readouterr())
