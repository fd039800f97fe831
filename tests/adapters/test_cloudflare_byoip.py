"""Cloudflare BYOIP in particular: exact prefixes, locks, what each failure is told as, paging, limits, the token."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.cloudflare_byoip import AT_ONCE, CloudflareByoip
from incidents.adapters.cloudflare_byoip_api import Api
from incidents.domain.changes import Cause, Change, Receipt, Reply, State
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client
from tests.adapters.subjects.cloudflare_byoip import ADVERTISED, WITHDRAWN, byoip, token_in
from tests.adapters.support import change as change_of
from tests.fakes.certificates import make_identity
from tests.fakes.cloudflare import ACCOUNT, MODES, TOKEN, FakeCloudflare

KEY, OTHER, SIX = "203.0.113.0/24", "198.51.100.0/24", "2001:db8:100::/48"
BULK = [f"10.{i // 256}.{i % 256}.0/24" for i in range(60)]
HOURS = "Service bindings take hours to change and are put right by engineers, not from here."


@pytest.fixture
def cloud() -> Iterator[FakeCloudflare]:
    with FakeCloudflare() as cloud:
        yield cloud


@pytest.fixture
def make(cloud: FakeCloudflare, tmp_path: Path) -> Iterator[Any]:
    """(keys, budget) -> an adapter, closed in the end."""
    made: list[CloudflareByoip] = []

    def of(keys: Sequence[str], budget_seconds: float = 3) -> CloudflareByoip:
        made.append(byoip(cloud.url, keys, budget_seconds, token_in(tmp_path)))
        return made[-1]

    yield of
    for adapter in made:
        adapter.close()


def change(key: str, after: State = ADVERTISED, before: State = WITHDRAWN) -> Change:
    return change_of(key, after, before)


def apply_one(adapter: CloudflareByoip, *what: Any) -> Receipt:
    (receipt,) = adapter.apply([change(*what)], Cause("k"))
    return receipt


# What is there


@pytest.mark.parametrize(
    ("fields", "demand", "state"),
    [
        ({}, {}, WITHDRAWN),
        ({}, {"advertised": True}, ADVERTISED),
        ({"asn": 4200000000, "asn_prepend_count": 3}, {}, {"advertised": False, "asn": 4200000000, "prepend": 3}),
        ({"asn": None}, {}, {**WITHDRAWN, "asn": None}),
        ({}, {"on_demand_locked": True}, {**WITHDRAWN, "status": {"locked": "Cloudflare has locked it"}}),
        (
            {},
            {"on_demand_enabled": False, "advertised": None},
            {**WITHDRAWN, "advertised": None, "status": {"locked": "Cloudflare has not enabled that for it"}},
        ),
        (
            {"bgp_signal_opts": {"enabled": True, "modified_at": "2026-02-20T17:56:00Z"}},
            {},
            {**WITHDRAWN, "status": {"locked": "it is switched by a BGP session, not by the API"}},
        ),
    ],
)
def test_what_a_route_is(
    cloud: FakeCloudflare, make: Any, fields: dict[str, Any], demand: dict[str, Any], state: State
) -> None:
    cloud.add(KEY)
    cloud.route(KEY).update(fields)
    cloud.route(KEY)["on_demand"].update(demand)
    assert make([KEY]).observe([KEY]) == {KEY: state}


def test_a_prefix_that_is_not_approved_is_locked_until_it_is(cloud: FakeCloudflare, make: Any) -> None:
    holder = cloud.add(KEY, approved="P")
    adapter = make([KEY])
    assert adapter.observe([KEY])[KEY]["status"] == {"locked": "Cloudflare has not approved it yet"}
    assert apply_one(adapter, KEY).reply is Reply.REFUSED
    cloud.prefixes[holder]["approved"] = "V"
    assert adapter.observe([KEY]) == {KEY: WITHDRAWN}


@pytest.mark.parametrize(
    ("bindings", "state"),
    [
        ([(OTHER, "CDN")], {"bound": True, "services": ["CDN"]}),
        ([], {"bound": False, "services": []}),
        (
            [(OTHER, "Magic Transit"), ("198.51.100.16/29", "Spectrum"), ("198.51.100.0/30", "CDN")],
            {"bound": True, "services": ["CDN 198.51.100.0/30", "Magic Transit", "Spectrum 198.51.100.16/29"]},
        ),
        ([("198.51.100.16/29", "Spectrum")], {"bound": False, "services": ["Spectrum 198.51.100.16/29"]}),
        ([("198.51.0.0/16", "CDN"), ("198.51.101.0/24", "Spectrum")], {"bound": True, "services": ["CDN"]}),
    ],
)
def test_what_bindings_are(cloud: FakeCloudflare, make: Any, bindings: Sequence[tuple[str, str]], state: State) -> None:
    holder = cloud.add("198.51.0.0/16", OTHER)
    cloud.bindings[holder] = [cloud.binding(*binding) for binding in bindings]
    key = f"{OTHER}/bindings"
    assert make([key]).observe([key]) == {key: state}


def test_bindings_on_their_way_are_not_settled(cloud: FakeCloudflare, make: Any) -> None:
    holder, key = cloud.add(KEY), f"{KEY}/bindings"
    cloud.bindings[holder].append(cloud.binding("203.0.113.8/32", "Spectrum", "provisioning"))
    wanted = {"bound": True, "services": ["CDN", "Spectrum 203.0.113.8/32"], "status": {"settled": False}}
    assert make([key]).observe([key]) == {key: wanted}


@pytest.mark.parametrize("listed", [("198.51.100.0/25",), ("198.51.0.0/16",), ()])
def test_only_the_exact_prefix_counts(cloud: FakeCloudflare, make: Any, listed: Sequence[str]) -> None:
    """Neither what covers it nor what is part of it is ever switched in its place."""
    holder = cloud.add("198.51.0.0/16", "198.51.100.128/25")
    for cidr in listed:
        cloud.add_route(holder, cidr)
    adapter = make([OTHER])
    absent = {"advertised": False, "status": {"locked": "this account has no such prefix at Cloudflare"}}
    assert adapter.observe([OTHER]) == {OTHER: absent}
    receipt = apply_one(adapter, OTHER)
    assert receipt.reply is Reply.REFUSED
    assert "has no such prefix" in receipt.detail
    assert cloud.asked("PATCH") == 0


def test_a_prefix_that_is_gone_does_not_hide_the_others(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add(KEY)
    keys = [KEY, OTHER, f"{KEY}/bindings", f"{OTHER}/bindings"]
    seen = make(keys).observe(keys)
    assert list(seen) == keys
    assert seen[KEY] == WITHDRAWN
    assert seen[OTHER]["advertised"] is False
    assert seen[f"{OTHER}/bindings"]["bound"] is False


def test_the_longest_prefix_that_holds_a_key_is_its_holder(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add("198.51.0.0/16", OTHER)
    nearer = cloud.add(OTHER)
    cloud.routes[nearer][0]["on_demand"]["advertised"] = True
    assert make([OTHER]).observe([OTHER]) == {OTHER: ADVERTISED}


def test_what_is_listed_twice_is_left_alone(cloud: FakeCloudflare, make: Any) -> None:
    holder = cloud.add(KEY, KEY, KEY)
    adapter = make([KEY])
    with pytest.raises(BackendRefused, match="more than once"):
        adapter.observe([KEY])
    assert apply_one(adapter, KEY).reply is Reply.REFUSED
    cloud.routes[holder].pop()
    cloud.add(KEY)
    with pytest.raises(BackendRefused, match="more than once"):
        make([KEY]).observe([KEY])
    assert cloud.asked("PATCH") == 0


# What is told of a change


@pytest.mark.parametrize(
    ("mode", "reply", "done", "words"),
    [
        ("ok", "accepted", True, ""),
        ("slow", "accepted", True, ""),
        ("hang", "unanswered", False, "did not answer"),
        ("refuse", "refused", False, "does not allow this to our token: Not with Bearer (our token): it lacks"),
        ("unauthorized", "refused", False, "does not allow this to our token: Invalid API Token"),
        ("unsuccessful", "refused", False, "refused: That cannot be, (our token)"),
        ("limit", "not_sent", False, "takes no more calls now; try again in 120 s"),
        ("broken", "unanswered", False, "no usable answer, with status 502"),
        ("garbage", "unanswered", False, "no usable answer, with status 200"),
        ("lie", "accepted", False, ""),
        ("drop_reply", "unanswered", True, "did not answer"),
        ("cut", "unanswered", False, "did not answer"),
        ("die", "unanswered", False, "did not answer"),
    ],
)
def test_what_is_told_of_a_request(
    cloud: FakeCloudflare, make: Any, mode: str, reply: str, done: bool, words: str
) -> None:
    cloud.add(KEY)
    cloud.modes["PATCH"] = mode
    adapter = make([KEY], 0.8)
    receipt = apply_one(adapter, KEY)
    assert (str(receipt.reply), cloud.advertised(KEY)) == (reply, done)
    assert words in receipt.detail
    assert cloud.asked("PATCH") == 1
    if mode != "die":
        assert adapter.observe([KEY])[KEY]["advertised"] is done
    else:
        assert apply_one(adapter, KEY).reply is Reply.NOT_SENT


@pytest.mark.parametrize(
    ("mode", "reply", "error"),
    [
        ("slow", "accepted", None),
        ("hang", "not_sent", BackendTimeout),
        ("refuse", "refused", BackendRefused),
        ("unauthorized", "refused", BackendRefused),
        ("unsuccessful", "refused", BackendRefused),
        ("limit", "not_sent", BackendRefused),
        ("broken", "not_sent", BackendRefused),
        ("garbage", "not_sent", BackendRefused),
        ("drop_reply", "not_sent", BackendTimeout),
        ("cut", "not_sent", BackendTimeout),
        ("die", "not_sent", BackendTimeout),
    ],
)
@pytest.mark.parametrize("only", ["", "/bgp/"])
def test_what_a_look_that_fails_means(
    cloud: FakeCloudflare, make: Any, only: str, mode: str, reply: str, error: type[Exception] | None
) -> None:
    """Nothing is sent to change anything when it could not be compared; a second try may do it."""
    cloud.add(KEY)
    cloud.modes["GET"], cloud.only, cloud.seconds = mode, only, 0.1
    adapter = make([KEY], 0.8)
    assert str(apply_one(adapter, KEY).reply) == reply
    assert cloud.asked("PATCH") == (mode == "slow")
    if error is not None and mode != "die":
        with pytest.raises(error):
            adapter.observe([KEY])
    cloud.modes["GET"] = "ok"
    if mode == "die":
        with pytest.raises(BackendUnreachable):
            adapter.observe([KEY])
    else:
        assert apply_one(adapter, KEY).reply is Reply.ACCEPTED


@pytest.mark.parametrize(
    ("after", "before", "words"),
    [
        (ADVERTISED, {**WITHDRAWN, "prepend": 2}, "neither what it was"),
        ({**ADVERTISED, "asn": 64497}, WITHDRAWN, "only whether it is advertised"),
        ({**ADVERTISED, "prepend": 1}, WITHDRAWN, "only whether it is advertised"),
        ({**ADVERTISED, "next_hop": "192.0.2.1"}, WITHDRAWN, "no state of a route"),
        ({"advertised": True}, WITHDRAWN, "no state of a route"),
        ({**ADVERTISED, "advertised": None}, WITHDRAWN, "no state of a route"),
        ({**ADVERTISED, "advertised": 1}, WITHDRAWN, "no state of a route"),
    ],
)
def test_what_is_refused_without_a_request(
    cloud: FakeCloudflare, make: Any, after: State, before: State, words: str
) -> None:
    cloud.add(KEY)
    receipt = apply_one(make([KEY]), KEY, after, before)
    assert receipt.reply is Reply.REFUSED
    assert words in receipt.detail
    assert cloud.asked("PATCH") == 0


def test_what_is_so_already_needs_no_request_even_when_it_is_locked(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add(KEY)
    cloud.route(KEY)["on_demand"].update(advertised=True, on_demand_locked=True)
    adapter = make([KEY])
    assert apply_one(adapter, KEY).reply is Reply.ACCEPTED
    receipt = apply_one(adapter, KEY, WITHDRAWN, ADVERTISED)
    assert receipt == Receipt(KEY, Reply.REFUSED, f"{KEY} cannot be switched: Cloudflare has locked it.")
    assert cloud.asked("PATCH") == 0


def test_bindings_are_never_changed(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add(KEY)
    key = f"{KEY}/bindings"
    adapter = make([KEY, key])
    bound: State = {"bound": True, "services": ["CDN"]}
    assert adapter.apply([change(key, bound)], Cause("k")) == [Receipt(key, Reply.REFUSED, HOURS)]
    assert cloud.calls == []
    first, second = adapter.apply([change(key, bound), change(KEY)], Cause("k"))
    assert (first.reply, second) == (Reply.REFUSED, Receipt(KEY, Reply.ACCEPTED))


def test_rehearsing_finds_what_would_be_refused_and_sends_nothing(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add(KEY)
    cloud.add(SIX)
    cloud.route(SIX)["on_demand"]["on_demand_locked"] = True
    keys = [KEY, SIX, OTHER, f"{KEY}/bindings"]
    stays = change(SIX, WITHDRAWN, WITHDRAWN)
    findings = make(keys).rehearse([*map(change, keys), change(KEY, {**ADVERTISED, "prepend": 3}), stays])
    assert [(finding.code, finding.subject) for finding in findings] == [
        ("backend.locked", SIX),
        ("backend.no-such-key", OTHER),
        ("backend.locked", f"{KEY}/bindings"),
        ("backend.not-writable", KEY),
    ]
    assert {str(finding.severity) for finding in findings} == {"blocker"}
    assert cloud.asked("PATCH") == 0


# Many at a time


def test_a_batch_costs_one_list_and_two_calls_a_prefix(cloud: FakeCloudflare, make: Any) -> None:
    for key in BULK:
        cloud.add(key)
    adapter = make(BULK, 20)
    receipts = adapter.apply([change(key) for key in BULK], Cause("k"))
    assert receipts == [Receipt(key, Reply.ACCEPTED) for key in BULK]
    assert (cloud.asked("GET"), cloud.asked("PATCH")) == (1 + len(BULK), len(BULK))
    assert adapter.observe(BULK) == dict.fromkeys(BULK, ADVERTISED)
    assert cloud.asked("GET") == 1 + 2 * len(BULK)


def test_parts_of_one_prefix_share_readings(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add("10.0.0.0/16", *BULK)
    adapter = make(BULK, 20)
    assert adapter.observe(BULK) == dict.fromkeys(BULK, WITHDRAWN)
    assert cloud.asked("GET") == 2
    assert {receipt.reply for receipt in adapter.apply([change(key) for key in BULK], Cause("k"))} == {Reply.ACCEPTED}
    assert cloud.asked("GET") == 2 + 8
    assert cloud.changes == len(BULK)


def test_a_limit_ends_the_batch(cloud: FakeCloudflare, make: Any) -> None:
    for key in BULK:
        cloud.add(key)
    cloud.modes["PATCH"] = "limit"
    receipts = make(BULK, 20).apply([change(key) for key in BULK], Cause("k"))
    assert {receipt.reply for receipt in receipts} == {Reply.NOT_SENT}
    assert all("try again in 120 s" in receipt.detail for receipt in receipts)
    assert cloud.asked("PATCH") <= AT_ONCE


def test_when_time_runs_out_what_was_not_sent_is_not_done(cloud: FakeCloudflare, make: Any) -> None:
    for key in BULK:
        cloud.add(key)
    cloud.modes["PATCH"], cloud.seconds = "slow", 0.3
    began = time.monotonic()
    receipts = make(BULK, 1).apply([change(key) for key in BULK], Cause("k"))
    assert time.monotonic() - began < 8
    cloud.web.ended.wait(1)
    told = {reply: [receipt.key for receipt in receipts if receipt.reply is reply] for reply in Reply}
    assert told[Reply.REFUSED] == []
    assert told[Reply.NOT_SENT]
    assert all(cloud.advertised(key) for key in told[Reply.ACCEPTED])
    assert not any(cloud.advertised(key) for key in told[Reply.NOT_SENT])


def test_a_backend_that_dies_in_a_batch(cloud: FakeCloudflare, make: Any) -> None:
    for key in BULK:
        cloud.add(key)
    cloud.modes["PATCH"], cloud.only = "die", cloud.route(BULK[30])["id"]
    receipts = make(BULK, 10).apply([change(key) for key in BULK], Cause("k"))
    told = {reply: [receipt.key for receipt in receipts if receipt.reply is reply] for reply in Reply}
    assert told[Reply.REFUSED] == []
    assert BULK[30] in told[Reply.UNANSWERED]
    assert told[Reply.NOT_SENT]
    assert all(cloud.advertised(key) for key in told[Reply.ACCEPTED])
    assert not any(cloud.advertised(key) for key in told[Reply.NOT_SENT])


# Lists and ids


def test_lists_are_read_to_their_end(cloud: FakeCloudflare, make: Any) -> None:
    for key in BULK:
        cloud.add(key)
    holder = cloud.add("2001:db8::/32", *(f"2001:db8:{part:x}::/48" for part in range(1, 30)))
    cloud.bindings[holder] = [cloud.binding(f"2001:db8:{part:x}::/48", "CDN") for part in range(1, 30)]
    cloud.per_page = 7
    keys = [BULK[-1], "2001:db8:1d::/48", "2001:db8:1d::/48/bindings"]
    adapter = make(keys)
    assert adapter.observe(keys) == {
        keys[0]: WITHDRAWN,
        keys[1]: WITHDRAWN,
        keys[2]: {"bound": True, "services": ["CDN"]},
    }
    assert [query for _, path, query in cloud.calls if path == "/prefixes"] == [
        {} if page == 1 else {"page": str(page)} for page in range(1, 10)
    ]


def test_part_of_a_list_proves_nothing(cloud: FakeCloudflare, make: Any) -> None:
    for key in BULK:
        cloud.add(key)
    cloud.per_page, cloud.repeats_pages = 7, True
    adapter = make([BULK[0], BULK[-1]])
    with pytest.raises(BackendRefused, match="did not give its whole list"):
        adapter.observe([BULK[0]])
    assert cloud.asked("GET") == 2
    assert apply_one(adapter, BULK[-1]).reply is Reply.NOT_SENT


def test_an_entry_with_an_id_that_leads_elsewhere_is_no_answer(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add(KEY)
    for bad in ("", "../../zones", "a/b", "x" * 65):
        cloud.route(KEY)["id"] = bad
        adapter = make([KEY])
        with pytest.raises(BackendRefused, match="no usable id"):
            adapter.observe([KEY])
        assert apply_one(adapter, KEY).reply is Reply.NOT_SENT
    assert cloud.asked("PATCH") == 0


def test_ids_are_remembered_and_states_are_not(cloud: FakeCloudflare, make: Any) -> None:
    cloud.add(KEY)
    adapter = make([KEY])
    assert adapter.observe([KEY]) == {KEY: WITHDRAWN}
    cloud.route(KEY)["on_demand"]["advertised"] = True
    assert adapter.observe([KEY]) == {KEY: ADVERTISED}
    assert [path for _, path, _ in cloud.calls].count("/prefixes") == 1


def test_a_prefix_that_came_back_under_another_id_is_found(cloud: FakeCloudflare, make: Any) -> None:
    old = cloud.add(KEY)
    adapter = make([KEY])
    adapter.observe([KEY])
    del cloud.prefixes[old], cloud.routes[old]
    new = cloud.add(KEY)
    assert apply_one(adapter, KEY).reply is Reply.ACCEPTED
    assert cloud.routes[new][0]["on_demand"]["advertised"] is True


def test_another_account_is_no_empty_one(cloud: FakeCloudflare, tmp_path: Path) -> None:
    cloud.add(KEY)
    adapter = byoip(cloud.url, [KEY], settings={**token_in(tmp_path), "account": "f" * 32})
    with pytest.raises(BackendRefused):
        adapter.observe([KEY])
    adapter.close()


@pytest.mark.parametrize(("prefix", "route"), [("", "a"), ("a", ""), ("a/b", "c"), ("a", ".."), ("a", "b?c")])
def test_a_request_without_both_ids_cannot_be_made(cloud: FakeCloudflare, prefix: str, route: str) -> None:
    api = Api(name="cloudflare", client=Client("cloudflare", cloud.url), account=ACCOUNT, token=TOKEN)
    with pytest.raises(ValueError, match="is no id"):
        api.advertise(prefix, route, True, Deadline(3))
    assert cloud.calls == []
    api.close()


# The token, and who is at the other end


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_the_token_is_in_no_message(
    cloud: FakeCloudflare, make: Any, method: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    cloud.add(KEY)
    told = []
    for mode in MODES[:-1]:
        cloud.modes[method] = mode
        cloud.route(KEY)["on_demand"]["advertised"] = False
        adapter = make([KEY], 0.4)
        try:
            told.append(repr(adapter.observe([KEY])))
        except (BackendRefused, BackendTimeout) as error:
            told.append(f"{error} {error!r}")
        receipt = apply_one(adapter, KEY)
        assert len(receipt.detail) < 300
        told += [receipt.detail, repr(adapter), repr(vars(adapter))]
    everything = "".join([*told, *capfd.readouterr(), caplog.text])
    assert "(our token)" in everything
    assert TOKEN[:12] not in everything


GOOD: Mapping[str, object] = {"account": ACCOUNT, "token": "file:token"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"account": "example"}, "settings.account"),
        ({"account": ACCOUNT.upper()}, "settings.account"),
        ({"account": f"{ACCOUNT}/../{ACCOUNT}"}, "settings.account"),
        ({"account": ""}, "settings.account"),
        ({"token": TOKEN}, "settings.token"),
        ({"tokn": "file:token"}, "settings.tokn"),
        ({"url": "http://api.example/client/v4"}, "settings.url"),
        ({"url": "http://localhost/client/v4"}, "settings.url"),
        ({"url": "http://192.0.2.1/client/v4"}, "settings.url"),
        ({"url": f"https://user:{TOKEN}@api.example"}, "settings.url"),
        ({"url": "ftp://127.0.0.1/"}, "settings.url"),
        ({"ca": "file:token"}, "settings.ca"),
        ({"ca": "file:token", "url": "http://127.0.0.1:1/client/v4"}, "settings.ca"),
    ],
)
def test_a_setting_that_is_wrong_is_a_fault(settings: Mapping[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as caught:
        _made({**GOOD, **settings}, TOKEN)
    assert caught.value.path == path
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "tökén", " "])
def test_a_token_that_no_header_can_hold_is_a_fault_and_not_repeated(token: str) -> None:
    with pytest.raises(InventoryFault) as caught:
        _made(GOOD, token)
    assert caught.value.path == "settings.token"
    assert token not in caught.value.message.split(": ")


def test_settings_may_leave_the_address_to_us() -> None:
    for url in ("https://api.cloudflare.com/client/v4", "http://[::1]:8080/client/v4"):
        _made({**GOOD, "url": url}, f"{TOKEN}\n").close()
    _made(GOOD, TOKEN).close()


def _made(settings: Mapping[str, object], token: str) -> CloudflareByoip:
    return CloudflareByoip.from_settings(
        name="cloudflare", settings=settings, secret=lambda _: token, keys=frozenset({KEY}), budget_seconds=1
    )


@pytest.mark.parametrize(
    ("key", "normal"),
    [
        (KEY, KEY),
        ("2001:0DB8:0100::/48", SIX),
        ("2001:0DB8:0100::/48/bindings", f"{SIX}/bindings"),
        ("203.0.113.7/24", None),
        ("0.0.0.0/0", None),
        ("::/0/bindings", None),
        ("203.0.113.0/24/bindings/bindings", None),
        ("203.0.113.0/24/binding", None),
        ("/bindings", None),
        ("", None),
        ("*", None),
    ],
)
def test_keys_have_one_form(key: str, normal: str | None) -> None:
    if normal is None:
        with pytest.raises(InventoryFault):
            CloudflareByoip.normalize_key(key)
    else:
        assert CloudflareByoip.normalize_key(key) == normal


@pytest.mark.parametrize(
    ("names", "trusted", "words"),
    [
        (("IP:127.0.0.1",), True, ""),
        (("DNS:api.example",), True, "the certificate of cloudflare is not accepted: ip address mismatch"),
        (("IP:127.0.0.1",), False, "the certificate of cloudflare is not accepted: self-signed certificate"),
    ],
)
def test_the_token_goes_only_to_whom_the_certificate_names(
    tmp_path: Path, names: Sequence[str], trusted: bool, words: str
) -> None:
    identity = make_identity(tmp_path, "api", *names)
    with FakeCloudflare(identity.server()) as cloud:
        cloud.add(KEY)
        ca: Mapping[str, object] = {"ca": f"file:{identity.certificate}"} if trusted else {}
        adapter = byoip(cloud.url, [KEY], 3, {**token_in(tmp_path), **ca})
        if words:
            with pytest.raises(BackendUnreachable, match=words):
                adapter.observe([KEY])
            assert apply_one(adapter, KEY) == Receipt(KEY, Reply.NOT_SENT, words)
            assert cloud.calls == []
        else:
            assert apply_one(adapter, KEY).reply is Reply.ACCEPTED
            assert adapter.observe([KEY]) == {KEY: ADVERTISED}
        adapter.close()
