"""HAProxy in particular: what it tells, what it refuses, half changes, lost answers, and real traffic."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from incidents.adapters import haproxy_servers as servers
from incidents.adapters.haproxy import HaProxy
from incidents.domain.changes import STATUS, Cause, Change, Receipt, Reply, State, settings_of, status_of
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Severity
from incidents.lab import ports
from tests.adapters.haproxies import Proxy, Relay, haproxy, origins, proxy
from tests.adapters.support import change
from tests.fakes.sockets import Peer, UnixPeer, closing, dripping, silent

CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "a test")
A, B = "shop/edge-a", "shop/edge-b"
POOL = """
backend shop
  server edge-a 192.0.2.1:80 weight 100
  server edge-b 192.0.2.2:80 weight 100
  server dark 192.0.2.3:80 disabled
  server leader 127.0.0.1:9 check inter 600s
  server tracker 192.0.2.4:80 track shop/leader
  server lost lost.example:80 init-addr none resolvers nobody
backend fixed
  balance static-rr
  server edge-a 192.0.2.1:80 weight 100
resolvers nobody
  nameserver none 127.0.0.1:9
"""
OPEN: State = {"weight": 100, "mode": "ready"}
SLOTS = [f"shop/slot{number}" for number in range(1, 1101)]


@pytest.fixture(scope="module")
def running() -> Iterator[Proxy]:
    with proxy(POOL) as made:
        yield made


@pytest.fixture
def pool(running: Proxy) -> Proxy:
    """A HAProxy whose servers are as its configuration says."""
    for key in (A, B, "fixed/edge-a"):
        running.ask(f"set server {key} state ready;set server {key} weight 100")
    running.ask("set server shop/dark state maint")
    return running


def now(proxy: Proxy, key: str) -> State:
    """What a server is, by way of what HAProxy shows to people."""
    backend, server = key.split("/")
    rows = [line.split(" ") for line in proxy.ask(f"show servers state {backend}").splitlines()[1:]]
    row = next(dict(zip(rows[0][1:], row, strict=True)) for row in rows[1:] if row[3:4] == [server])
    admin = int(row["srv_admin_state"])
    mode = "maint" if admin & 0x23 else "drain" if admin & 0x18 else "ready"
    return {"weight": int(row["srv_uweight"]), "mode": mode}


def apply(adapter: HaProxy, *changes: Change) -> list[Receipt]:
    return list(adapter.apply(changes, CAUSE))


# What it tells


@pytest.mark.parametrize("weight", [0, 1, 100, 256])
@pytest.mark.parametrize("mode", ["ready", "drain", "maint"])
def test_every_state_comes_back_exactly(pool: Proxy, weight: int, mode: str) -> None:
    after: State = {"weight": weight, "mode": mode}
    adapter = haproxy(pool.unix, [A, B])
    assert [one.reply for one in apply(adapter, change(A, after, OPEN))] == [Reply.ACCEPTED]
    assert {key: settings_of(state) for key, state in adapter.observe([A, B]).items()} == {A: after, B: OPEN}
    assert now(pool, A) == after


def test_ready_is_what_the_check_says_whatever_we_have_set() -> None:
    checks = "check inter 50 fastinter 50 downinter 50 rise 1 fall 1"
    with origins("well", "ill", "agent") as behind:
        behind["ill"].well = False
        behind["agent"].well = False
        pool = f"""
backend shop
  option httpchk
  server well 127.0.0.1:{behind["well"].port} {checks}
  server ill 127.0.0.1:{behind["ill"].port} {checks}
  server unchecked 127.0.0.1:{behind["well"].port}
  server tracker 127.0.0.1:{behind["well"].port} track shop/ill
  server agent 127.0.0.1:{behind["well"].port} agent-check agent-port {behind["agent"].port}
"""
        names = ["well", "ill", "unchecked", "tracker", "agent"]
        with proxy(pool) as made:
            adapter = haproxy(made.tcp, [f"shop/{name}" for name in names])

            def status(name: str) -> object:
                return status_of(adapter.observe([f"shop/{name}"])[f"shop/{name}"])

            made.wait_until(lambda: status("well") == {"label": "weight 1", "ready": True})
            made.wait_until(lambda: status("ill") == {"label": "weight 1", "ready": False})
            assert status("tracker") == {"label": "weight 1", "ready": False}
            # It counts as running for HAProxy, and nobody ever looked.
            assert status("unchecked") == {"label": "weight 1"}
            assert status("agent") == {"label": "weight 1", "managed_by": "the agent check of this server"}
            for name in ("well", "ill"):
                made.ask(f"set server shop/{name} state drain;set server shop/{name} weight 0")
            assert status("well") == {"label": "drained, weight 0", "ready": True}
            assert status("ill") == {"label": "drained, weight 0", "ready": False}
            # In maintenance there is no check.
            made.ask("set server shop/well state maint")
            assert status("well") == {"label": "in maintenance, weight 0"}


@pytest.mark.parametrize(
    ("key", "mode", "sentence"),
    [
        ("shop/dark", "maint", "The configuration of HAProxy keeps this server in maintenance."),
        (
            "shop/lost",
            "maint",
            "HAProxy cannot find the address of this server, and keeps it in maintenance until it can.",
        ),
        ("shop/tracker", "drain", "This server follows another one, which is closed; change that one."),
    ],
)
def test_what_is_not_closed_by_us_is_locked(pool: Proxy, key: str, mode: str, sentence: str) -> None:
    pool.ask("set server shop/leader state drain")
    adapter = haproxy(pool.tcp, [key, B])
    state = adapter.observe([key])[key]
    assert (state["mode"], status_of(state)["locked"]) == (mode, sentence)
    wanted: State = {"weight": 7, "mode": "ready"}
    (finding,) = adapter.rehearse([change(key, wanted, state), change(B, wanted, OPEN)])
    assert (finding.code, finding.severity, finding.subject) == ("backend.locked", Severity.BLOCKER, key)
    assert sentence in finding.text
    refused, done = apply(adapter, change(key, wanted, state), change(B, wanted, OPEN))
    assert (refused.reply, done.reply) == (Reply.REFUSED, Reply.ACCEPTED)
    assert sentence in refused.detail
    assert now(pool, key) == settings_of(state)
    # Nothing is asked of it where it is so already.
    assert apply(adapter, change(key, state, wanted))[0].reply is Reply.ACCEPTED


def test_ours_must_never_look_like_the_configurations_maintenance(pool: Proxy) -> None:
    """A server that is `disabled` and was opened by hand: we could close it and never open it again."""
    key = "shop/dark"
    pool.ask(f"set server {key} state ready")
    adapter = haproxy(pool.tcp, [key])
    before = adapter.observe([key])[key]
    assert "locked" not in status_of(before)
    shut: State = {"weight": 1, "mode": "maint"}
    assert [one.code for one in adapter.rehearse([change(key, shut, before)])] == ["backend.locked"]
    (refused,) = apply(adapter, change(key, shut, before))
    assert (refused.reply, "Drain it" in refused.detail) == (Reply.REFUSED, True)
    drained: State = {"weight": 1, "mode": "drain"}
    assert apply(adapter, change(key, drained, before))[0].reply is Reply.ACCEPTED
    assert apply(adapter, change(key, settings_of(before), drained))[0].reply is Reply.ACCEPTED


def reading_of(*columns: str, row: str) -> State:
    return servers.read("\n".join(["1", f"# {' '.join(columns)}", row])).states[A]


def test_columns_are_found_by_their_names() -> None:
    columns = ["srv_uweight", "srv_name", "new_one", "srv_admin_state", "be_name", "srv_op_state", "srv_check_status"]
    state = reading_of(*columns, "srv_check_state", "srv_agent_state", row="30 edge-a x 8 shop 2 3 6 0")
    assert state == {"weight": 30, "mode": "drain", STATUS: {"label": "drained, weight 30", "ready": True}}


COLUMNS = ["be_name", "srv_name", *["srv_op_state", "srv_admin_state", "srv_uweight"]]
COLUMNS += ["srv_check_status", "srv_check_state", "srv_agent_state"]


@pytest.mark.parametrize(
    ("admin", "mode", "locked"),
    [
        (0, "ready", False),
        (0x01, "maint", False),
        (0x02, "maint", True),
        (0x04, "ready", False),
        (0x05, "maint", True),
        (0x08, "drain", False),
        (0x09, "maint", False),
        (0x0C, "drain", False),
        (0x10, "drain", True),
        (0x18, "drain", True),
        (0x20, "maint", True),
        (0x40, "ready", False),  # the host name was set over the socket, which closes nothing
    ],
)
def test_the_bits_of_the_administrative_state(admin: int, mode: str, locked: bool) -> None:
    state = reading_of(*COLUMNS, row=f"shop edge-a 2 {admin} 1 3 6 0")
    assert (state["mode"], "locked" in status_of(state)) == (mode, locked)


@pytest.mark.parametrize(
    ("operation", "outcome", "check", "ready"),
    [
        (2, 15, 6, True),
        (2, 15, 7, True),  # being checked at this moment
        (1, 15, 6, True),  # warming up
        (3, 17, 6, False),  # asked to be left alone, by its answer 404
        (0, 8, 6, False),
        (0, 0, 0, False),  # follows a server that is down
        (2, 1, 6, None),  # no check has ended yet
        (2, 1, 7, None),
        (2, 15, 2, None),  # its check was switched off
        (2, 1, 0, None),
    ],
)
def test_who_is_ready(operation: int, outcome: int, check: int, ready: bool | None) -> None:
    status = status_of(reading_of(*COLUMNS, row=f"shop edge-a {operation} 0 1 {outcome} {check} 0"))
    assert status.get("ready") is ready


def test_a_server_is_ready_while_it_is_being_checked() -> None:
    with origins("slow") as behind:
        server = f"server slow 127.0.0.1:{behind['slow'].port} check inter 10 rise 1"
        with proxy(f"backend shop\n  option httpchk\n  timeout check 5s\n  {server}\n") as made:
            adapter = haproxy(made.tcp, ["shop/slow"])
            made.wait_until(lambda: status_of(adapter.observe(["shop/slow"])["shop/slow"]).get("ready") is True)
            behind["slow"].seconds = 0.05
            checked = [made.ask("show servers state").splitlines()[2].split(" ") for _ in range(200)]
            seen = [status_of(adapter.observe(["shop/slow"])["shop/slow"]).get("ready") for _ in range(200)]
    # Otherwise nothing was tried: bit 1 of srv_check_state is set during a check.
    assert any(int(row[13]) & 1 for row in checked)
    assert seen == [True] * 200


# What it is sent


@pytest.mark.parametrize(
    ("before", "after", "commands", "back"),
    [
        ((100, "ready"), (0, "drain"), ["state drain", "weight 0"], "state ready"),
        ((100, "ready"), (200, "drain"), ["state drain", "weight 200"], "state ready"),
        ((100, "drain"), (0, "maint"), ["state maint", "weight 0"], "state drain"),
        ((0, "maint"), (100, "drain"), ["weight 100", "state drain"], "weight 0"),
        ((0, "drain"), (100, "ready"), ["weight 100", "state ready"], "weight 0"),
        ((0, "maint"), (100, "ready"), ["weight 100", "state ready"], "weight 0"),
        ((0, "ready"), (100, "ready"), ["weight 100"], "weight 0"),
        ((5, "ready"), (5, "maint"), ["state maint"], "state ready"),
        ((5, "ready"), (5, "ready"), [], ""),
    ],
)
def test_no_server_is_open_with_a_weight_between(
    before: tuple[int, str], after: tuple[int, str], commands: list[str], back: str
) -> None:
    one: State = {"weight": before[0], "mode": before[1]}
    other: State = {"weight": after[0], "mode": after[1]}
    sent, taken_back = servers.commands(A, one, other)
    assert sent == [f"set server {A} {command}" for command in commands]
    assert taken_back == (f"set server {A} {back}" if back else "")


@pytest.mark.parametrize("mode", ["ready", "drain"])
def test_a_batch_of_1100_takes_few_connections(mode: str) -> None:
    with proxy("backend shop\n  server-template slot 1-1100 192.0.2.1:80 weight 100\n") as made, Relay(made) as relay:
        adapter = haproxy(relay.address, SLOTS, budget_seconds=10)
        after: State = {"weight": 30, "mode": mode}
        receipts = apply(adapter, *(change(key, after, OPEN) for key in SLOTS))
        assert [one.key for one in receipts] == SLOTS
        assert {one.reply for one in receipts} == {Reply.ACCEPTED}
        assert relay.met <= 20
        assert max(map(len, relay.lines)) <= 8000
        assert {tuple(settings_of(state).values()) for state in adapter.observe(SLOTS).values()} == {(30, mode)}


@pytest.mark.parametrize(
    "state",
    [
        {"weight": 257, "mode": "ready"},
        {"weight": -1, "mode": "ready"},
        {"weight": True, "mode": "ready"},
        {"weight": "5", "mode": "ready"},
        {"weight": "5;shutdown sessions server shop/edge-a", "mode": "ready"},
        {"weight": 5, "mode": "ready;set server shop/edge-b state maint"},
        {"weight": 5, "mode": "READY"},
        {"weight": 5},
        {"mode": "ready"},
        {"weight": 5, "mode": "ready", "address": "192.0.2.9"},
    ],
)
def test_a_state_that_cannot_be_written_is_refused_and_the_others_are_done(pool: Proxy, state: State) -> None:
    with Relay(pool) as relay:
        bad, good = apply(
            haproxy(relay.address, [A, B]), change(A, state, OPEN), change(B, {**OPEN, "weight": 5}, OPEN)
        )
        sent = [line for line in relay.lines if line.startswith("set ")]
    assert (bad.reply, good.reply) == (Reply.REFUSED, Reply.ACCEPTED)
    assert bad.detail.startswith("not sent: ")
    assert sent == [f"set server {B} weight 5"]


# What it refuses


def test_a_static_algorithm_takes_all_or_nothing(pool: Proxy) -> None:
    key = "fixed/edge-a"
    adapter = haproxy(pool.tcp, [key])
    half: State = {"weight": 50, "mode": "ready"}
    assert adapter.rehearse([change(key, half, OPEN)]) == []
    (refused,) = apply(adapter, change(key, half, OPEN))
    assert refused.reply is Reply.REFUSED
    assert "static LB algorithm" in refused.detail
    for weight, before in ((0, 100), (100, 0)):
        one, other = {**OPEN, "weight": weight}, {**OPEN, "weight": before}
        assert apply(adapter, change(key, one, other))[0].reply is Reply.ACCEPTED


@pytest.mark.parametrize(("before", "after"), [("ready", "drain"), ("drain", "ready"), ("maint", "ready")])
def test_what_is_refused_by_half_is_taken_back(pool: Proxy, before: str, after: str) -> None:
    """HAProxy closes or opens gladly, and refuses the weight: neither may stay a half of what was asked for."""
    key = "fixed/edge-a"
    pool.ask(f"set server {key} state {before}")
    (refused,) = apply(
        haproxy(pool.tcp, [key]), change(key, {"weight": 50, "mode": after}, {"weight": 100, "mode": before})
    )
    assert refused.reply is Reply.REFUSED
    assert "static LB algorithm" in refused.detail
    assert now(pool, key) == {"weight": 100, "mode": before}


@pytest.mark.parametrize("level", ["operator", "user"])
def test_a_socket_that_may_only_look(pool: Proxy, level: str) -> None:
    adapter = haproxy(f"{pool.directory}/{level}.sock", [A])
    assert settings_of(adapter.observe([A])[A]) == OPEN
    shut: State = {"weight": 0, "mode": "maint"}
    (finding,) = adapter.rehearse([change(A, shut, OPEN)])
    assert (finding.code, finding.severity) == ("backend.no-permission", Severity.BLOCKER)
    assert level in finding.text
    assert apply(adapter, change(A, shut, OPEN)) == [Receipt(A, Reply.REFUSED, "Permission denied")]
    assert now(pool, A) == OPEN


def test_a_server_that_was_renamed_is_named(pool: Proxy) -> None:
    gone = "shop/edge-z"
    adapter = haproxy(pool.tcp, [A, gone])
    with pytest.raises(BackendRefused, match=re.escape(gone)):
        adapter.observe([A, gone])
    assert settings_of(adapter.observe([A])[A]) == OPEN
    less = {**OPEN, "weight": 5}
    (finding,) = adapter.rehearse([change(gone, less, OPEN), change(A, less, OPEN)])
    assert (finding.code, finding.severity, finding.subject) == ("backend.no-such-key", Severity.BLOCKER, gone)
    refused, done = apply(adapter, change(gone, less, OPEN), change(A, less, OPEN))
    assert (refused.reply, done.reply) == (Reply.REFUSED, Reply.ACCEPTED)
    assert gone in refused.detail


def test_what_somebody_else_changed_is_left_alone(pool: Proxy) -> None:
    pool.ask(f"set server {A} weight 77")
    (refused,) = apply(haproxy(pool.tcp, [A]), change(A, {**OPEN, "weight": 5}, OPEN))
    assert refused.reply is Reply.REFUSED
    assert "weight 77 now" in refused.detail
    assert now(pool, A) == {**OPEN, "weight": 77}


# Where the line is bad


@pytest.mark.parametrize(
    ("spoil", "reply", "done"),
    [
        ("pass", Reply.ACCEPTED, True),
        ("swallow", Reply.UNANSWERED, False),
        ("cut", Reply.UNANSWERED, False),
        ("drop", Reply.ACCEPTED, True),  # found out by looking again
        ("stall", Reply.UNANSWERED, True),
        ("yes", Reply.UNANSWERED, False),
        ("gone", Reply.ACCEPTED, True),
    ],
)
def test_what_is_told_when_the_line_is_bad(pool: Proxy, spoil: str, reply: Reply, done: bool) -> None:
    after = {**OPEN, "weight": 5}
    with Relay(pool) as relay:
        relay.spoil = spoil
        receipts = apply(haproxy(relay.address, [A, B], 0.5), change(A, after, OPEN), change(B, after, OPEN))
    assert {one.reply for one in receipts} == {reply}
    assert now(pool, A) == now(pool, B) == (after if done else OPEN)


def test_half_a_change_is_never_called_done(pool: Proxy) -> None:
    with Relay(pool) as relay:
        relay.spoil = "gone"
        (receipt,) = apply(haproxy(relay.address, [A], 1), change(A, {"weight": 5, "mode": "drain"}, OPEN))
    assert receipt == Receipt(A, Reply.UNANSWERED, "no answer came")
    assert now(pool, A) == {"weight": 100, "mode": "drain"}


def test_answers_count_where_nobody_could_look_afterwards(pool: Proxy, tmp_path: Path) -> None:
    fixed = "fixed/edge-a"
    half: State = {"weight": 5, "mode": "drain"}
    with Relay(pool) as relay:
        relay.spoil = "blind"
        adapter = haproxy(relay.address, [A, fixed], 1, {"state_file": str(tmp_path / "state")})
        done, refused = apply(adapter, change(A, half, OPEN), change(fixed, half, OPEN))
    assert (done.reply, refused.reply) == (Reply.ACCEPTED, Reply.REFUSED)
    assert done.detail.endswith("it will not survive a reload of HAProxy: the servers could not be read back")
    assert (now(pool, A), now(pool, fixed)) == (half, OPEN)


def test_a_half_that_could_not_be_taken_back_is_told(pool: Proxy) -> None:
    key = "fixed/edge-a"
    with Relay(pool) as relay:
        relay.spoil = "two"
        (receipt,) = apply(haproxy(relay.address, [key], 1), change(key, {"weight": 5, "mode": "drain"}, OPEN))
    assert receipt.reply is Reply.UNANSWERED
    assert "static LB algorithm" in receipt.detail
    assert receipt.detail.endswith("this server is drained, weight 100 now")


def test_nothing_is_sent_to_one_that_went_away_after_the_look(pool: Proxy) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_once() -> None:
        line, _ = listener.accept()
        listener.close()
        with line:
            line.sendall(pool.ask(line.recv(1000).decode().strip()).encode())

    thread = threading.Thread(target=answer_once)
    thread.start()
    adapter = haproxy(f"127.0.0.1:{listener.getsockname()[1]}", [A, B], 2)
    receipts = apply(adapter, *(change(key, {**OPEN, "weight": 5}, OPEN) for key in (A, B)))
    thread.join()
    assert [one.reply for one in receipts] == [Reply.NOT_SENT, Reply.NOT_SENT]


def test_a_refusal_that_could_not_be_looked_at_is_one(pool: Proxy) -> None:
    key = "fixed/edge-a"
    with Relay(pool) as relay:
        relay.spoil = "gone"
        (receipt,) = apply(haproxy(relay.address, [key], 1), change(key, {**OPEN, "weight": 5}, OPEN))
    assert receipt.reply is Reply.REFUSED
    assert "static LB algorithm" in receipt.detail


Meet = Callable[[socket.socket, threading.Event], None]


def garbage(line: socket.socket, ended: threading.Event) -> None:
    line.recv(1000)
    line.sendall(b"HTTP/1.1 400 Bad request\r\n\x1b[2J\n\n")


def halved(line: socket.socket, ended: threading.Event) -> None:
    line.recv(1000)
    line.sendall(b"1\n# be_id be_name srv_id\n2 shop 1")


def short(line: socket.socket, ended: threading.Event) -> None:
    line.recv(1000)
    line.sendall(f"1\n# {' '.join(COLUMNS)}\nshop edge-a 2 0\n\n".encode())


@pytest.mark.parametrize("peer", [Peer, UnixPeer])
@pytest.mark.parametrize(
    ("meet", "error"),
    [
        (silent, BackendTimeout),
        (dripping, BackendTimeout),
        (closing, BackendUnreachable),
        (halved, BackendUnreachable),
        (garbage, BackendRefused),
        (short, BackendRefused),
    ],
)
def test_what_is_no_answer(peer: type[Peer], meet: Meet, error: type[Exception]) -> None:
    with peer(meet) as made:
        adapter = haproxy(made.address, [A], 0.3)
        with pytest.raises(error) as raised:
            adapter.observe([A])
        assert str(raised.value).isprintable()
        assert apply(adapter, change(A, {**OPEN, "weight": 5}, OPEN))[0].reply is Reply.NOT_SENT


def test_a_socket_that_is_gone(tmp_path: Path) -> None:
    nobody = tmp_path / "nobody.sock"
    for address, why in ((str(nobody), "No such file"), (f"127.0.0.1:{ports.free_port('127.0.0.1')}", "refused")):
        adapter = haproxy(address, [A])
        with pytest.raises(BackendUnreachable, match=why):
            adapter.observe([A])
        (receipt,) = apply(adapter, change(A, {**OPEN, "weight": 5}, OPEN))
        assert receipt.reply is Reply.NOT_SENT
        assert why in receipt.detail


# Settings and keys


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "settings.address"),
        ({"address": "run/haproxy.sock"}, "settings.address"),
        ({"address": "/run/"}, "settings.address"),
        ({"address": "/run/a\nb"}, "settings.address"),
        ({"address": f"/{'a' * 107}"}, "settings.address"),
        ({"address": "balancer.example:9999"}, "settings.address"),
        ({"address": "127.0.0.1"}, "settings.address"),
        ({"address": 9999}, "settings.address"),
        ({"address": "/run/haproxy.sock", "state_file": "state"}, "settings.state_file"),
        ({"address": "/run/haproxy.sock", "state_file": True}, "settings.state_file"),
        ({"address": "/run/haproxy.sock", "level": "admin"}, "settings.level"),
    ],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        HaProxy.from_settings(name="b", settings=settings, secret=str, keys=frozenset(), budget_seconds=1)
    assert fault.value.path == path


@pytest.mark.parametrize("key", [A, "Shop_1.example:443/srv-01", "b/s"])
def test_good_keys(key: str) -> None:
    assert HaProxy.normalize_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        *("", "shop", "shop/", "/edge-a", "shop/*", "*/*", "shop/edge-a/x", "shop/edge a", "#2/#1", "shop/edge-a\n"),
        *("shop/edge-a;disable frontend x", "shop/edge\\-a", "shöp/a", f"shop/{'a' * 200}"),
    ],
)
def test_bad_keys(key: str) -> None:
    with pytest.raises(InventoryFault):
        HaProxy.normalize_key(key)
    with pytest.raises(InventoryFault):
        haproxy("127.0.0.1:9", [A, key])
