"""Route 53 in particular: its own compare, zones, limits, other policies, what each failure is told as, the secrets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.route53 import Route53
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, settings_of
from incidents.domain.errors import BackendRefused, BackendTimeout
from incidents.domain.findings import Severity
from tests.adapters.motos import Moto, keys_in, route53
from tests.adapters.subjects.route53 import member, record, weighted
from tests.adapters.support import change as change_of
from tests.fakes.route53 import OTHER_ZONE, SECRET, SESSION, ZONE, FakeRoute53
from tests.fakes.sockets import Peer, dripping

WWW = "www.example.com."
KEY, OTHER = f"{ZONE}/{WWW}/A", f"{OTHER_ZONE}/{WWW}/A"
EU, US = member("eu", 70, "192.0.2.1"), member("us", 30, "192.0.2.2")
BEFORE = weighted(EU, US)
AFTER = weighted({**EU, "weight": 10}, {**US, "weight": 90})
CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "eu is\nbroken ☃")


@pytest.fixture
def aws() -> Iterator[FakeRoute53]:
    """Two members in each of two zones."""
    with FakeRoute53() as aws:
        for zone in (ZONE, OTHER_ZONE):
            aws.put(WWW, "192.0.2.1", id="eu", weight=70, zone=zone)
            aws.put(WWW, "192.0.2.2", id="us", weight=30, zone=zone)
        yield aws


@pytest.fixture
def make(aws: FakeRoute53, tmp_path: Path) -> Iterator[Any]:
    """(keys, budget, address) -> an adapter, closed in the end."""
    made: list[Route53] = []

    def of(keys: Sequence[str] = (KEY,), budget: float = 3, address: str = "", **settings: str) -> Route53:
        made.append(route53(address or aws.web.address, keys, budget, keys_in(tmp_path, **settings)))
        return made[-1]

    yield of
    for adapter in made:
        adapter.close()


def change(after: State = AFTER, before: State = BEFORE, key: str = KEY) -> Change:
    return change_of(key, after, before)


def apply_one(adapter: Route53, *what: Any, **more: Any) -> Receipt:
    (receipt,) = adapter.apply([change(*what, **more)], CAUSE)
    return receipt


def one(adapter: Route53, key: str = KEY) -> State:
    return adapter.observe([key])[key]


# What is there


def test_shares_are_told_in_percent(aws: FakeRoute53, make: Any) -> None:
    assert one(make()) == {**BEFORE, "status": {"label": "eu 70 %, us 30 %"}}


def test_weights_that_are_all_zero_are_equal_shares(aws: FakeRoute53, make: Any) -> None:
    for id, address in (("eu", "192.0.2.1"), ("us", "192.0.2.2")):
        aws.put(WWW, address, id=id, weight=0)
    adapter = make()
    equal = weighted({**EU, "weight": 1}, {**US, "weight": 1})
    assert one(adapter) == {**equal, "status": {"label": "eu 50 %, us 50 %"}}
    assert apply_one(adapter, equal).reply is Reply.ACCEPTED
    assert aws.asked("POST") == 0
    # `eu` reads as 1 already; left at its 0 beside another weight it would get nothing.
    wanted = weighted({**EU, "weight": 1}, {**US, "weight": 2})
    assert apply_one(adapter, wanted, equal).reply is Reply.ACCEPTED
    assert settings_of(one(adapter)) == wanted
    assert "<Weight>1</Weight>" in aws.zones[ZONE][WWW, "A", "eu"]


def test_a_zero_beside_other_weights_is_nothing(aws: FakeRoute53, make: Any) -> None:
    aws.put(WWW, "192.0.2.2", id="us", weight=0)
    assert one(make()) == {**weighted(EU, {**US, "weight": 0}), "status": {"label": "eu 100 %, us 0 %"}}


def test_an_alias_a_health_check_and_a_simple_record_are_kept_as_they_are(aws: FakeRoute53, make: Any) -> None:
    aws.health_checks.add("11111111-2222")
    aws.put(WWW, id="eu", weight=70, alias=("Z2FDTNDATAQYW2", "lb.example.net."), health_check="11111111-2222")
    aws.put("mail.example.com.", "20 b.example.", "10 a.example.", kind="MX", ttl=300)
    mail = f"{ZONE}/mail.example.com./MX"
    adapter = make([KEY, mail])
    seen = adapter.observe([KEY, mail])
    to = {"zone": "Z2FDTNDATAQYW2", "name": "lb.example.net.", "evaluate_health": True}
    eu = {"id": "eu", "weight": 70, "alias": to, "health_check": "11111111-2222"}
    only = {"id": "", "weight": None, "ttl": 300, "records": ["10 a.example.", "20 b.example."], "health_check": ""}
    assert settings_of(seen[KEY]) == weighted(eu, US)
    assert seen[mail] == {
        "type": "MX",
        "members": [only],
        "status": {"label": "10 a.example., 20 b.example."},
    }
    # Deleted as it was read, the records in their old order, and restored as it was.
    for after, before in ((weighted(US), weighted(eu, US)), (weighted(eu, US), weighted(US))):
        assert apply_one(adapter, after, before).reply is Reply.ACCEPTED
        assert settings_of(one(adapter)) == after
    assert "<EvaluateTargetHealth>true" in aws.zones[ZONE][WWW, "A", "eu"]
    shorter = {**seen[mail], "members": [{**only, "ttl": 60}]}
    assert apply_one(adapter, shorter, seen[mail], key=mail).reply is Reply.ACCEPTED


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<Region>eu-west-1</Region>", "answered by latency"),
        ("<Failover>PRIMARY</Failover>", "answered by failover"),
        ("<GeoLocation><CountryCode>DE</CountryCode></GeoLocation>", "answered by location"),
        ("<MultiValueAnswer>true</MultiValueAnswer>", "answered by several values at once"),
        ("<CidrRoutingConfig><CollectionId>c</CollectionId></CidrRoutingConfig>", "answered by address range"),
        ("<TrafficPolicyInstanceId>t</TrafficPolicyInstanceId>", "answered by a traffic policy"),
        ("<Weight>1</Weight><MoonPhase>full</MoonPhase>", "set up with MoonPhase, which is not known here"),
        ("", "a name without a weight"),
    ],
)
def test_another_policy_is_told_and_left_alone(aws: FakeRoute53, make: Any, xml: str, words: str) -> None:
    aws.zones[ZONE].clear()
    aws.put(WWW, "192.0.2.1", id="eu", xml=xml)
    kept = dict(aws.zones[ZONE])
    adapter = make([KEY, OTHER])
    seen = adapter.observe([KEY, OTHER])
    assert settings_of(seen[OTHER]) == BEFORE
    assert seen[KEY]["members"] == []
    assert words in seen[KEY]["status"]["locked"]
    assert seen[KEY]["status"]["problem"] == seen[KEY]["status"]["locked"]
    (finding,) = adapter.rehearse([change()])
    assert (finding.code, finding.severity) == ("backend.locked", Severity.BLOCKER)
    for before in (seen[KEY], BEFORE):
        receipt = apply_one(adapter, AFTER, before)
        assert receipt.reply is Reply.REFUSED
        assert words in receipt.detail
    assert (aws.asked("POST"), aws.zones[ZONE]) == (0, kept)


def test_what_is_gone_is_told_and_can_be_made_again(aws: FakeRoute53, make: Any) -> None:
    aws.zones[ZONE].clear()
    adapter = make()
    gone = one(adapter)
    problem = "Route 53 has no such record set"
    assert gone == {"type": "A", "members": [], "status": {"label": "no such record", "problem": problem}}
    assert apply_one(adapter, BEFORE, settings_of(gone)).reply is Reply.ACCEPTED
    assert settings_of(one(adapter)) == BEFORE


def test_a_zone_that_is_gone_does_not_hide_the_others(aws: FakeRoute53, make: Any) -> None:
    del aws.zones[ZONE]
    adapter = make([KEY, OTHER])
    seen = adapter.observe([KEY, OTHER])
    assert seen[KEY]["status"]["locked"] == "our keys know of no such hosted zone"
    assert settings_of(seen[OTHER]) == BEFORE
    receipts = adapter.apply([change(), change(key=OTHER)], CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.REFUSED, Reply.ACCEPTED]
    (finding,) = adapter.rehearse([change()])
    assert finding.severity is Severity.BLOCKER


def test_only_exactly_that_name_and_type_counts(aws: FakeRoute53, make: Any) -> None:
    """In the list come before it and after it: parents, children, other types, and a name that has to be escaped."""
    for name in ("*.www.example.com.", "example.com.", "a.www.example.com.", "www-2.example.com.", "www.example.org."):
        aws.put(name, "198.51.100.1", id="eu", weight=1)
    aws.put(WWW, "2001:db8::1", kind="AAAA")
    star = f"{ZONE}/*.www.example.com./A"
    adapter = make([KEY, star])
    assert {key: settings_of(state) for key, state in adapter.observe([KEY, star]).items()} == {
        KEY: BEFORE,
        star: weighted(member("eu", 1, "198.51.100.1")),
    }
    aws.zones[ZONE] = {key: inner for key, inner in aws.zones[ZONE].items() if key[:2] != (WWW, "A")}
    assert one(adapter)["members"] == []


@pytest.mark.parametrize("per_page", [1, 2, 3, 7, 300])
def test_long_lists_come_in_pages(aws: FakeRoute53, make: Any, per_page: int) -> None:
    aws.per_page = per_page
    names = [f"n{place}.example.com." for place in range(4)]
    for name in names:
        for id in range(5):
            aws.put(name, f"192.0.2.{id}", id=f"m {id}/+&<é>", weight=id)
    keys = [f"{ZONE}/{name}/A" for name in reversed(names)]
    seen = make(keys).observe(keys)
    wanted = weighted(*(member(f"m {id}/+&<é>", id, f"192.0.2.{id}") for id in range(5)))
    assert [settings_of(seen[key]) for key in keys] == [wanted] * 4
    if per_page == 300:
        assert aws.asked("GET") == 1, "names that stand near each other share a call"


def test_a_list_that_turns_in_circles_is_no_answer(aws: FakeRoute53, make: Any) -> None:
    aws.per_page = 0
    with pytest.raises(BackendRefused, match="dns did not give its whole list"):
        one(make())
    assert aws.asked("GET") <= 3


def test_a_member_that_is_listed_twice_is_no_answer(aws: FakeRoute53, make: Any) -> None:
    aws.times = 2
    adapter = make()
    with pytest.raises(BackendRefused, match=r"gave a member of .* twice"):
        one(adapter)
    assert apply_one(adapter).reply is Reply.NOT_SENT


# What is asked for


def test_members_are_replaced_made_and_taken_away_in_one_batch(aws: FakeRoute53, make: Any) -> None:
    adapter = make()
    wanted = weighted(member("ap", 5, "192.0.2.3"), {**EU, "weight": 5})
    assert apply_one(adapter, wanted).reply is Reply.ACCEPTED
    assert settings_of(one(adapter)) == wanted
    assert aws.batches == [
        [
            ("DELETE", WWW, "A", "eu"),
            ("DELETE", WWW, "A", "us"),
            ("CREATE", WWW, "A", "ap"),
            ("CREATE", WWW, "A", "eu"),
        ]
    ]
    assert aws.comments == ["RUN-TEST-01 by shop-operator: eu is broken ?"]


def test_a_member_that_stays_is_not_touched(aws: FakeRoute53, make: Any) -> None:
    apply_one(make(), weighted({**EU, "weight": 71}, US))
    assert aws.batches == [[("DELETE", WWW, "A", "eu"), ("CREATE", WWW, "A", "eu")]]


def test_the_time_to_live_of_a_group_and_simple_to_weighted_can_be_changed(aws: FakeRoute53, make: Any) -> None:
    """Neither would be taken one member after the other: a group has one TTL, and weights exclude no weights."""
    adapter = make()
    longer = weighted({**EU, "ttl": 300}, {**US, "ttl": 300})
    simple = weighted({"id": "", "weight": None, "ttl": 300, "records": ["192.0.2.9"], "health_check": ""})
    for after, before in ((longer, BEFORE), (simple, longer), (BEFORE, simple)):
        assert apply_one(adapter, after, before).reply is Reply.ACCEPTED
        assert settings_of(one(adapter)) == after


def test_changes_of_one_zone_go_together_and_zones_apart(aws: FakeRoute53, make: Any) -> None:
    aws.put("api.example.com.", "192.0.2.1", id="eu", weight=70)
    aws.put("api.example.com.", "192.0.2.2", id="us", weight=30)
    api = f"{ZONE}/api.example.com./A"
    adapter = make([KEY, OTHER, api])
    receipts = adapter.apply([change(), change(key=OTHER), change(key=api)], CAUSE)
    assert [(receipt.key, receipt.reply) for receipt in receipts] == [
        (key, Reply.ACCEPTED) for key in (KEY, OTHER, api)
    ]
    assert receipts[0].detail == receipts[2].detail
    assert receipts[0].detail == "noted as C0001; its name servers have it in about a minute"
    assert [len(batch) for batch in aws.batches] == [8, 4]


def test_a_batch_above_the_limits_is_split_and_a_change_above_them_refused(aws: FakeRoute53, make: Any) -> None:
    many = [f"10.0.{place // 250}.{place % 250}" for place in range(240)]
    keys = [f"{ZONE}/n{place}.example.com./A" for place in range(3)]
    fewer = sorted(many[:-1])
    before, after = weighted(member("eu", 1, *fewer)), weighted(member("eu", 1, *sorted(many)))
    for key in keys:
        aws.put(key.split("/")[1], *fewer, id="eu", weight=1)
    adapter = make([*keys, KEY], 10)
    # 479 ResourceRecord elements each, of which a request takes 1000.
    batch = [change(after, before, key) for key in keys]
    assert {receipt.reply for receipt in adapter.apply(batch, CAUSE)} == {Reply.ACCEPTED}
    assert [len(edits) for edits in aws.batches] == [4, 2]
    long = [f"{place:03}-{'x' * 3900}" for place in range(9)]
    receipt = apply_one(adapter, weighted(member("eu", 1, *long)))
    assert (receipt.reply, len(aws.batches)) == (Reply.REFUSED, 2)
    assert "is more than Route 53 changes in one request" in receipt.detail


def test_a_key_twice_in_a_batch_is_changed_once(aws: FakeRoute53, make: Any) -> None:
    receipts = make().apply([change(), change(weighted(EU))], CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.ACCEPTED, Reply.REFUSED]
    assert "twice at once" in receipts[1].detail


# Its own compare


def test_a_member_that_somebody_added_is_a_difference(aws: FakeRoute53, make: Any) -> None:
    aws.put(WWW, "192.0.2.3", id="ap", weight=1)
    receipt = apply_one(make())
    assert receipt.reply is Reply.REFUSED
    assert "is neither what it was when this was planned nor what it was to become" in receipt.detail
    assert aws.asked("POST") == 0


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"id": "us", "weight": 31},
        {"id": "us", "weight": 30, "ttl": 61},
        {"id": "us", "weight": 30, "health_check": "1111"},
        None,
    ],
    ids=["weight", "time to live", "health check", "gone"],
)
def test_what_drifts_between_our_look_and_our_request_is_left_alone(
    aws: FakeRoute53, make: Any, meanwhile: Mapping[str, Any] | None
) -> None:
    """By Route 53 itself, which deletes nothing that has other values than it is told."""

    def drift() -> None:
        aws.zones[ZONE].pop((WWW, "A", "us"))
        if meanwhile:
            aws.put(WWW, "192.0.2.2", **meanwhile)
        kept.append(dict(aws.zones[ZONE]))

    kept: list[dict[Any, str]] = []
    aws.meanwhile = drift
    receipt = apply_one(make())
    assert receipt.reply is Reply.REFUSED
    assert "dns refused: [Tried to delete resource record set" in receipt.detail
    assert aws.zones[ZONE] == kept[0]


def test_a_member_of_our_name_that_came_meanwhile_is_not_overwritten(aws: FakeRoute53, make: Any) -> None:
    aws.meanwhile = lambda: aws.put(WWW, "203.0.113.9", id="ap", weight=9)
    receipt = apply_one(make(), weighted(member("ap", 1, "192.0.2.3"), EU, US))
    assert receipt.reply is Reply.REFUSED
    assert "but it already exists" in receipt.detail
    assert "203.0.113.9" in aws.zones[ZONE][WWW, "A", "ap"]


def test_one_that_is_refused_takes_the_batch_of_its_zone_with_it(aws: FakeRoute53, make: Any) -> None:
    aws.put("api.example.com.", "192.0.2.1", id="eu", weight=70)
    aws.protected["api.example.com.", "A"] = "ask the network team"
    api = f"{ZONE}/api.example.com./A"
    adapter = make([KEY, OTHER, api])
    kept = dict(aws.zones[ZONE])
    batch = [change(), change(key=OTHER), change(weighted({**EU, "weight": 1}), weighted(EU), api)]
    receipts = adapter.apply(batch, CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.REFUSED, Reply.ACCEPTED, Reply.REFUSED]
    assert "ask the network team" in receipts[0].detail
    assert receipts[0].detail.endswith("of 2 changes that were asked for together none was made")
    assert aws.zones[ZONE] == kept


def test_moto_deletes_only_what_was_there_too(moto_server: Moto, tmp_path: Path) -> None:
    """Its compare is with everything that ever was, so here with a value that never was."""
    zone = moto_server.zone()
    moto_server.put(zone, record(SetIdentifier="eu", Weight=70, TTL=60, ResourceRecords=[{"Value": "192.0.2.1"}]))
    adapter = route53(moto_server.address, [f"{zone}/{WWW}/A"], 3, keys_in(tmp_path))
    receipt = apply_one(adapter, weighted(US), weighted({**EU, "weight": 71}), key=f"{zone}/{WWW}/A")
    assert receipt.reply is Reply.REFUSED
    assert apply_one(adapter, weighted(US), weighted(EU), key=f"{zone}/{WWW}/A").reply is Reply.ACCEPTED
    left = moto_server.client.list_resource_record_sets(HostedZoneId=zone, StartRecordName=WWW, StartRecordType="A")
    assert [one["SetIdentifier"] for one in left["ResourceRecordSets"]] == ["us"]
    adapter.close()


# What is told of a request


@pytest.mark.parametrize(
    ("mode", "reply", "done", "words"),
    [
        ("ok", "accepted", True, "noted as C0001"),
        ("slow", "accepted", True, "noted as C0001"),
        ("hang", "unanswered", False, "dns did not answer"),
        ("denied", "refused", False, "dns does not allow this to our keys: User is not authorized"),
        ("signature", "refused", False, "dns does not accept our keys (SignatureDoesNotMatch); they, or our clock"),
        ("throttle", "not_sent", False, "dns takes 5 calls a second of an account, and had more; try again"),
        ("busy", "not_sent", False, "dns has not taken in an earlier change of this zone; try again"),
        ("broken", "unanswered", False, "no usable answer, with status 503"),
        ("garbage", "unanswered", False, "no usable answer"),
        ("bomb", "unanswered", False, "no usable answer"),
        ("lie", "accepted", False, "noted as C0001"),
        ("drop_reply", "unanswered", True, "dns did not answer"),
        ("cut", "unanswered", False, "dns did not answer"),
    ],
)
def test_what_is_told_of_a_request(aws: FakeRoute53, make: Any, mode: str, reply: str, done: bool, words: str) -> None:
    aws.modes["POST"], aws.session = mode, SESSION
    adapter = make(budget=0.8, session_token=SESSION)
    receipt = apply_one(adapter)
    assert (str(receipt.reply), aws.asked("POST")) == (reply, 1)
    assert words in receipt.detail
    assert ("<Weight>10<" in aws.zones[ZONE][WWW, "A", "eu"]) is done
    assert SECRET not in receipt.detail
    assert SESSION not in receipt.detail


@pytest.mark.parametrize(
    ("mode", "reply", "raised"),
    [
        ("hang", "not_sent", BackendTimeout),
        ("denied", "refused", BackendRefused),
        ("signature", "refused", BackendRefused),
        ("throttle", "not_sent", BackendRefused),
        ("broken", "not_sent", BackendRefused),
        ("garbage", "not_sent", BackendRefused),
        ("bomb", "not_sent", BackendRefused),
        ("cut", "not_sent", BackendTimeout),
    ],
)
def test_what_is_told_of_a_look(aws: FakeRoute53, make: Any, mode: str, reply: str, raised: type[Exception]) -> None:
    aws.modes["GET"], aws.session = mode, SESSION
    adapter = make(budget=0.8, session_token=SESSION)
    with pytest.raises(raised) as error:
        one(adapter)
    receipt = apply_one(adapter)
    assert (str(receipt.reply), aws.asked("POST")) == (reply, 0)
    for text in (str(error.value), receipt.detail, repr(adapter.__dict__)):
        assert SECRET not in text
        assert SESSION not in text


def test_once_it_takes_no_more_nothing_more_is_sent(aws: FakeRoute53, make: Any) -> None:
    aws.modes["POST"] = "throttle"
    receipts = make([KEY, OTHER]).apply([change(), change(key=OTHER)], CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.NOT_SENT, Reply.NOT_SENT]
    assert [receipt.key for receipt in receipts] == [KEY, OTHER]
    assert (aws.asked("POST"), aws.asked("GET")) == (1, 1)


def test_an_unanswered_change_is_found_done_when_it_is_asked_again(aws: FakeRoute53, make: Any) -> None:
    aws.modes["POST"] = "drop_reply"
    adapter = make()
    assert apply_one(adapter).reply is Reply.UNANSWERED
    aws.modes["POST"] = "ok"
    assert apply_one(adapter) == Receipt(KEY, Reply.ACCEPTED, "it is so already")
    assert len(aws.batches) == 1


# Answers that are none


def test_an_answer_without_end_is_given_up(make: Any) -> None:
    """100 MB, of which no more than the limit is taken in."""
    sent = []

    def meet(line: socket.socket, ended: threading.Event) -> None:
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(100):
            line.sendall(b"<a>" + b" " * (1024 * 1024 - 3))
            sent.append(1)

    with Peer(meet) as peer:
        adapter = make(budget=20, address=peer.address)
        with pytest.raises(BackendTimeout, match="dns answered more than 33554432 bytes"):
            one(adapter)
        adapter.close()
    assert len(sent) < 50


def test_an_answer_that_drips_ends_with_the_budget(make: Any) -> None:
    with Peer(dripping) as peer:
        began = time.monotonic()
        assert apply_one(make(budget=0.4, address=peer.address)).reply is Reply.NOT_SENT
        assert time.monotonic() - began < 5


# What can be seen beforehand


def test_a_change_that_can_be_made_has_no_finding(aws: FakeRoute53, make: Any) -> None:
    adapter = make([KEY, OTHER])
    assert adapter.rehearse([change(), change(BEFORE, BEFORE, OTHER)]) == []
    assert (aws.asked("POST"), aws.batches) == (0, [])


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (weighted(), "was to be left without any member"),
        (weighted({**EU, "weight": 0}, {**US, "weight": 0}), "no weight but 0, which is equal shares to Route 53"),
        ({**AFTER, "type": "AAAA"}, "a record set of another type than A"),
        (weighted(EU, {**US, "ttl": 61}), "different times to live"),
    ],
)
def test_what_would_be_refused_here_is_told_before(aws: FakeRoute53, make: Any, after: State, words: str) -> None:
    adapter = make()
    (finding,) = adapter.rehearse([change(after)])
    assert (finding.code, finding.severity, finding.subject) == ("backend.not-writable", Severity.BLOCKER, KEY)
    assert words in finding.text
    receipt = apply_one(adapter, after)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail == f"not sent: {finding.text.removesuffix('.')}"
    assert aws.asked("POST") == 0


def test_what_is_protected_and_a_health_check_that_is_gone_are_told_before(aws: FakeRoute53, make: Any) -> None:
    aws.protected[WWW, "A"] = "ask the\nnetwork team"
    aws.health_checks.add("1111")
    after = weighted({**EU, "health_check": "1111"}, {**US, "health_check": "2222"})
    locked, gone = make().rehearse([change(after)])
    assert (locked.code, locked.severity) == ("backend.locked", Severity.BLOCKER)
    assert locked.text == f"{KEY} is protected from changes at AWS: ask the network team."
    assert (gone.code, gone.severity) == ("backend.refused", Severity.BLOCKER)
    assert gone.text == f"{KEY} would use the health check 2222, which does not exist any more."


@pytest.mark.parametrize("only", ["rrsetprotection", "healthcheck"])
def test_what_our_keys_may_not_ask_is_a_note(aws: FakeRoute53, make: Any, only: str) -> None:
    aws.modes["GET"], aws.only, aws.session = "denied", only, SESSION
    aws.health_checks.add("1111")
    adapter = make(session_token=SESSION)
    (finding,) = adapter.rehearse([change(weighted({**EU, "health_check": "1111"}, US))])
    assert (finding.code, finding.severity) == ("backend.not-rehearsed", Severity.NOTE)
    assert SECRET not in finding.text
    assert SESSION not in finding.text


def test_a_health_check_of_moto_is_known(moto_server: Moto, tmp_path: Path) -> None:
    zone = moto_server.zone()
    key = f"{zone}/{WWW}/A"
    config = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 443}
    made = moto_server.client.create_health_check(CallerReference=zone, HealthCheckConfig=config)["HealthCheck"]["Id"]
    adapter = route53(moto_server.address, [key], 3, keys_in(tmp_path))
    here, gone = (weighted({**EU, "health_check": id}) for id in (made, "00000000-0000"))
    absent = settings_of(one(adapter, key))
    # Of protections, which are younger, moto knows nothing.
    for after, blockers in ((here, []), (gone, ["backend.refused"])):
        findings = adapter.rehearse([replace(change(after, absent), key=key)])
        assert [one.code for one in findings if one.severity is Severity.BLOCKER] == blockers
    assert apply_one(adapter, here, absent, key=key).reply is Reply.ACCEPTED
    assert settings_of(one(adapter, key)) == here
    adapter.close()
