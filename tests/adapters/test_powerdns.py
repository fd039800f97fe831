"""PowerDNS in particular: what a set is, what is refused, comments, switched-off records, threads. On a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from incidents.adapters.powerdns import PowerDns
from incidents.adapters.powerdns_sets import parse_key, replacement
from incidents.domain.changes import Cause, Change, Receipt, Reply, State, settings_of
from incidents.domain.errors import EmptyBatch, InventoryFault, UnknownKey
from tests.adapters.pdnses import Pdns, powerdns, rrset
from tests.adapters.support import change

Make = Callable[..., PowerDns]

ZONE = "shop.example."
WWW, API = f"www.{ZONE}", f"api.{ZONE}"
KEY, OTHER = f"{ZONE}/{WWW}/A", f"{ZONE}/{API}/A"
CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "a test")


def a(*records: str, ttl: int = 300, **more: Any) -> State:
    return {"type": "A", "ttl": ttl, "records": [*records], **more}


@pytest.fixture
def make(pdns: Pdns) -> Iterator[Make]:
    """Keys -> an adapter, closed in the end."""
    made: list[PowerDns] = []

    def of(*keys: str, budget: float = 5) -> PowerDns:
        made.append(powerdns(pdns.address, keys, budget, pdns.settings))
        return made[-1]

    yield of
    for adapter in made:
        adapter.close()


def apply_one(adapter: PowerDns, key: str, after: State, before: State) -> Receipt:
    (receipt,) = adapter.apply([change(key, after, before)], CAUSE)
    return receipt


# What is there


@pytest.mark.parametrize(
    ("kind", "contents", "label"),
    [
        ("A", ["192.0.2.9", "192.0.2.10"], "192.0.2.10, 192.0.2.9"),
        ("A", [f"192.0.2.{i}" for i in range(1, 6)], "192.0.2.1, 192.0.2.2, 192.0.2.3 and 2 more"),
        ("AAAA", ["2001:db8::1"], "2001:db8::1"),
        ("ALIAS", ["cdn.example.net."], "cdn.example.net."),
        ("CAA", ['0 issue "ca.example"'], '0 issue "ca.example"'),
        ("CNAME", ["web.example.net."], "web.example.net."),
        ("HTTPS", ["1 . alpn=h2,h3"], "1 . alpn=h2,h3"),
        ("MX", ["10 Mail.example.net."], "10 Mail.example.net."),
        ("NS", ["ns1.example.net."], "ns1.example.net."),
        ("SRV", ["0 5 5060 sip.example.net."], "0 5 5060 sip.example.net."),
        ("TXT", ['"v=spf1 -all" "w\\"rld \\195\\169"'], '"v=spf1 -all" "w\\"rld \\195\\169"'),
        ("TXT", [f'"{"x" * 200}"'], f'"{"x" * 59}…'),
    ],
)
def test_what_a_set_is_and_that_it_comes_back_the_same(
    pdns: Pdns, make: Make, kind: str, contents: Sequence[str], label: str
) -> None:
    pdns.zone(ZONE, rrset(WWW, kind, *contents))
    key = f"{ZONE}/{WWW}/{kind}"
    adapter = make(key)
    seen = adapter.observe([key])[key]
    assert seen == {"type": kind, "ttl": 300, "records": sorted(contents), "status": {"label": label}}
    assert pdns.ask("PATCH", f"/zones/{ZONE}", {"rrsets": [{**rrset(WWW, kind), "records": []}]})[0] == 204
    gone = settings_of(adapter.observe([key])[key])
    assert gone == {"type": kind, "ttl": 0, "records": []}
    assert apply_one(adapter, key, settings_of(seen), gone).reply is Reply.ACCEPTED
    assert adapter.observe([key])[key] == seen


def test_a_set_at_the_top_of_its_zone_and_one_at_a_wildcard(pdns: Pdns, make: Make) -> None:
    star = f"*.{ZONE}"
    pdns.zone(ZONE, rrset(ZONE, "A", "192.0.2.1"), rrset(star, "A", "192.0.2.2"), rrset(WWW, "A", "192.0.2.3"))
    keys = [f"{ZONE}/{ZONE}/A", f"{ZONE}/{star}/A"]
    adapter = make(*keys)
    assert [settings_of(state) for state in adapter.observe(keys).values()] == [a("192.0.2.1"), a("192.0.2.2")]
    assert apply_one(adapter, keys[1], a("192.0.2.8"), a("192.0.2.2")).reply is Reply.ACCEPTED
    assert pdns.contents(ZONE, star) == ["192.0.2.8"]
    assert pdns.contents(ZONE, ZONE) == ["192.0.2.1"]
    assert pdns.contents(ZONE, WWW) == ["192.0.2.3"]


def test_what_is_not_there_is_seen_as_such_and_can_be_brought_back(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "AAAA", "2001:db8::1"), rrset(f"x.{WWW}", "A", "192.0.2.1"))
    adapter = make(KEY)
    assert adapter.observe([KEY]) == {KEY: {**a(ttl=0), "status": {"label": "no records"}}}
    assert apply_one(adapter, KEY, a("192.0.2.7"), a(ttl=0)) == Receipt(KEY, Reply.ACCEPTED)
    assert pdns.contents(ZONE, WWW) == ["192.0.2.7"]
    assert pdns.contents(ZONE, WWW, "AAAA") == ["2001:db8::1"]


def test_records_that_are_switched_off_are_kept_and_told_apart(pdns: Pdns, make: Make) -> None:
    """Asked for one name alone, PowerDNS 4.7 leaves them out, and the next replacement would delete them."""
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1", off=["192.0.2.2"]), rrset(API, "A", off=["192.0.2.3"]))
    adapter = make(KEY, OTHER)
    seen = adapter.observe([KEY, OTHER])
    assert settings_of(seen[KEY]) == a("192.0.2.1", disabled=["192.0.2.2"])
    assert seen[OTHER] == {**a(disabled=["192.0.2.3"]), "status": {"label": "no records"}}
    after = a("192.0.2.5", disabled=["192.0.2.2"])
    assert apply_one(adapter, KEY, after, settings_of(seen[KEY])).reply is Reply.ACCEPTED
    rows = pdns.sets(ZONE)[WWW, "A"]["records"]
    assert sorted((row["content"], row["disabled"]) for row in rows) == [("192.0.2.2", True), ("192.0.2.5", False)]
    # Whoever does not name them does not know of them, so the set is not what they planned with.
    assert apply_one(adapter, KEY, a("192.0.2.6"), a("192.0.2.5")).reply is Reply.REFUSED


def test_comments_survive(pdns: Pdns, make: Make) -> None:
    comment = {"content": "ask the web team first", "account": "web", "modified_at": 1700000000}
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1", comments=[comment]))
    assert apply_one(make(KEY), KEY, a("192.0.2.2", ttl=60), a("192.0.2.1")).reply is Reply.ACCEPTED
    row = pdns.sets(ZONE)[WWW, "A"]
    assert (row["comments"], row["ttl"]) == ([comment], 60)
    assert pdns.contents(ZONE, WWW) == ["192.0.2.2"]


def test_a_zone_whose_id_is_spelt_otherwise(pdns: Pdns, make: Make) -> None:
    zone = "_tcp.shop.example."
    pdns.zone(zone, rrset(f"a.{zone}", "A", "192.0.2.1"))
    key = f"{zone}/a.{zone}/A"
    adapter = make(key)
    assert apply_one(adapter, key, a("192.0.2.2"), a("192.0.2.1")).reply is Reply.ACCEPTED
    assert pdns.contents(zone, f"a.{zone}") == ["192.0.2.2"]


# What is never done


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (a(), "to become empty"),
        (a(ttl=0), "to become empty"),
        (a(disabled=["192.0.2.1"]), "to become empty"),
        ({**a("192.0.2.2"), "type": "AAAA"}, "no state of this record set"),
        ({**a("192.0.2.2"), "type": "ANY"}, "no state of this record set"),
        ({**a("192.0.2.2"), "name": API}, "no state of this record set"),
        ({**a("192.0.2.2"), "changetype": "DELETE"}, "no state of this record set"),
        ({**a("192.0.2.2"), "comments": []}, "no state of this record set"),
        ({"type": "A", "ttl": 300}, "no state of this record set"),
        ({"type": "A", "records": ["192.0.2.2"]}, "no state of this record set"),
        ({}, "no state of this record set"),
        ({**a(), "records": None}, "texts of one line"),
        ({**a(), "records": "192.0.2.2"}, "texts of one line"),
        ({**a(), "records": {}}, "texts of one line"),
        (a("192.0.2.2", ""), "texts of one line"),
        ({**a(), "records": [["192.0.2.2"]]}, "texts of one line"),
        ({**a(), "records": [None]}, "texts of one line"),
        (a("192.0.2.2\n192.0.2.3"), "texts of one line"),
        (a("192.0.2.3", "192.0.2.2"), "texts of one line"),
        (a("192.0.2.2", "192.0.2.2"), "texts of one line"),
        (a("192.0.2.2", disabled=[]), "texts of one line"),
        (a("192.0.2.2", disabled=["192.0.2.2"]), "texts of one line"),
        (a("192.0.2.2", disabled=True), "texts of one line"),
        (a("192.0.2.2", ttl=-1), "needs a TTL"),
        (a("192.0.2.2", ttl=2**31), "needs a TTL"),
        ({**a("192.0.2.2"), "ttl": True}, "needs a TTL"),
        ({**a("192.0.2.2"), "ttl": "300"}, "needs a TTL"),
        ({**a("192.0.2.2"), "ttl": None}, "needs a TTL"),
    ],
)
def test_what_no_server_is_ever_asked_for(pdns: Pdns, make: Make, after: State, words: str) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"))
    serial = pdns.serial(ZONE)
    adapter = make(KEY)
    (finding,) = adapter.rehearse([change(KEY, after, a("192.0.2.1"))])
    assert (finding.code, str(finding.severity), finding.subject) == ("backend.not-writable", "blocker", KEY)
    receipt = apply_one(adapter, KEY, after, a("192.0.2.1"))
    assert receipt.reply is Reply.REFUSED
    assert words in receipt.detail
    assert (pdns.contents(ZONE, WWW), pdns.serial(ZONE)) == (["192.0.2.1"], serial)
    with pytest.raises(ValueError, match="www"):
        replacement(parse_key(KEY), after)


def test_an_empty_set_is_refused_even_where_the_set_is_not_there(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE)
    assert apply_one(make(KEY), KEY, a(ttl=0), a(ttl=0)).reply is Reply.REFUSED


def test_one_that_is_refused_keeps_nothing_else_of_its_batch_back(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"), rrset(API, "A", "192.0.2.1"))
    batch = [change(KEY, a(), a("192.0.2.1")), change(OTHER, a("192.0.2.2"), a("192.0.2.1"))]
    assert [receipt.reply for receipt in make(KEY, OTHER).apply(batch, CAUSE)] == [Reply.REFUSED, Reply.ACCEPTED]
    assert (pdns.contents(ZONE, WWW), pdns.contents(ZONE, API)) == (["192.0.2.1"], ["192.0.2.2"])


@pytest.mark.parametrize(
    ("key", "beside"),
    [(f"{ZONE}/{WWW}/CNAME", rrset(WWW, "A", "192.0.2.1")), (KEY, rrset(WWW, "CNAME", "web.example.net."))],
)
def test_a_cname_beside_others_is_foreseen(pdns: Pdns, make: Make, key: str, beside: dict[str, Any]) -> None:
    pdns.zone(ZONE, beside, rrset(API, "A", "192.0.2.1"))
    before: State = {"type": key.rpartition("/")[2], "ttl": 0, "records": []}
    after: State = {**before, "ttl": 300, "records": ["web.example.net." if key.endswith("CNAME") else "192.0.2.2"]}
    adapter = make(key, OTHER)
    (finding,) = adapter.rehearse([change(key, after, before)])
    assert (finding.code, finding.subject) == ("backend.conflict", key)
    batch = [change(key, after, before), change(OTHER, a("192.0.2.2"), a("192.0.2.1"))]
    first, second = adapter.apply(batch, CAUSE)
    assert (first.reply, second.reply) == (Reply.REFUSED, Reply.ACCEPTED)
    assert "a CNAME is alone at its name" in first.detail


def test_a_cname_beside_one_that_is_switched_off_is_none_of_our_business(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", off=["192.0.2.1"]))
    key = f"{ZONE}/{WWW}/CNAME"
    before: State = {"type": "CNAME", "ttl": 0, "records": []}
    after: State = {"type": "CNAME", "ttl": 300, "records": ["web.example.net."]}
    adapter = make(key)
    assert adapter.rehearse([change(key, after, before)]) == []
    assert apply_one(adapter, key, after, before).reply is Reply.ACCEPTED


def test_what_the_server_does_not_like_is_refused_in_its_words_and_nothing_of_the_zone_is_done(
    pdns: Pdns, make: Make
) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"), rrset(API, "A", "192.0.2.1"))
    adapter = make(KEY, OTHER)
    batch = [change(KEY, a("192.0.2.2"), a("192.0.2.1")), change(OTHER, a("no address"), a("192.0.2.1"))]
    assert adapter.rehearse(batch) == []
    receipts = adapter.apply(batch, CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.REFUSED, Reply.REFUSED]
    assert all("refused, with status 422: Record api.shop.example./A 'no address'" in one.detail for one in receipts)
    assert (pdns.contents(ZONE, WWW), pdns.contents(ZONE, API)) == (["192.0.2.1"], ["192.0.2.1"])


@pytest.mark.parametrize("kind", ["Slave", "Consumer"])
def test_a_copied_zone_is_locked(pdns: Pdns, make: Make, kind: str) -> None:
    """PowerDNS 4.7 would take the change and lose it at the next transfer."""
    zone = "copied.example."
    pdns.zone(zone, rrset(f"www.{zone}", "A", "192.0.2.1"), kind=kind)
    key = f"{zone}/www.{zone}/A"
    adapter = make(key)
    locked = f"its zone is copied from another server ({kind}), which would undo it"
    assert adapter.observe([key])[key] == {**a("192.0.2.1"), "status": {"label": "192.0.2.1", "locked": locked}}
    (finding,) = adapter.rehearse([change(key, a("192.0.2.2"), a("192.0.2.1"))])
    assert finding.code == "backend.locked"
    assert apply_one(adapter, key, a("192.0.2.2"), a("192.0.2.1")).reply is Reply.REFUSED
    assert apply_one(adapter, key, a("192.0.2.1"), a("192.0.2.1")).reply is Reply.ACCEPTED
    assert pdns.contents(zone, f"www.{zone}") == ["192.0.2.1"]


@pytest.mark.parametrize("kind", ["Native", "Master", "Producer"])
def test_other_kinds_of_zones_are_ours(pdns: Pdns, make: Make, kind: str) -> None:
    zone = "ours.example."
    pdns.zone(zone, kind=kind)
    key = f"{zone}/www.{zone}/A"
    assert apply_one(make(key), key, a("192.0.2.1"), a(ttl=0)).reply is Reply.ACCEPTED


def test_a_zone_that_is_gone_does_not_hide_the_others_and_makes_no_snapshot(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"))
    gone = "gone.example./www.gone.example./A"
    adapter = make(KEY, gone)
    seen = adapter.observe([KEY, gone])
    assert settings_of(seen[KEY]) == a("192.0.2.1")
    words = "the server has no such zone"
    status = {"label": "no records", "locked": words, "settled": False, "problem": words}
    assert seen[gone] == {**a(ttl=0), "status": status}
    batch = [change(KEY, a("192.0.2.2"), a("192.0.2.1")), change(gone, a("192.0.2.2"), a(ttl=0))]
    (finding,) = adapter.rehearse(batch)
    assert (finding.code, finding.subject) == ("backend.no-such-key", gone)
    assert [receipt.reply for receipt in adapter.apply(batch, CAUSE)] == [Reply.ACCEPTED, Reply.REFUSED]


def test_a_name_that_is_stored_in_capital_letters_is_locked(pdns: Pdns, make: Make) -> None:
    """PowerDNS 4.7 would put the new set beside it, and serve both."""
    pdns.zone(ZONE)
    pdns.sql(
        "INSERT INTO records (domain_id, name, type, content, ttl, disabled, auth) SELECT id, 'WWW.shop.example', 'A',"
        " '192.0.2.1', 300, 0, 1 FROM domains WHERE name = 'shop.example'"
    )
    adapter = make(KEY)
    seen = adapter.observe([KEY])[KEY]
    assert settings_of(seen) == a("192.0.2.1")
    receipt = apply_one(adapter, KEY, a("192.0.2.2"), a("192.0.2.1"))
    assert receipt.reply is Reply.REFUSED
    assert "capital letters" in receipt.detail
    assert pdns.contents(ZONE, "WWW.shop.example.") == ["192.0.2.1"]


def test_a_record_that_is_stored_twice_is_one_and_is_put_right_by_the_next_change(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"))
    pdns.sql(
        "INSERT INTO records (domain_id, name, type, content, ttl, disabled, auth) SELECT domain_id, name, type,"
        " content, ttl, disabled, auth FROM records WHERE name = 'www.shop.example'"
    )
    assert pdns.contents(ZONE, WWW) == ["192.0.2.1", "192.0.2.1"]
    adapter = make(KEY)
    assert settings_of(adapter.observe([KEY])[KEY]) == a("192.0.2.1")
    assert apply_one(adapter, KEY, a("192.0.2.1", "192.0.2.2"), a("192.0.2.1")).reply is Reply.ACCEPTED
    assert sorted(pdns.contents(ZONE, WWW)) == ["192.0.2.1", "192.0.2.2"]


def test_a_batch_that_names_one_set_twice_has_no_effect(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"))
    batch = [change(KEY, a(content), a("192.0.2.1")) for content in ("192.0.2.2", "192.0.2.3")]
    assert {receipt.reply for receipt in make(KEY).apply(batch, CAUSE)} == {Reply.REFUSED}
    assert pdns.contents(ZONE, WWW) == ["192.0.2.1"]


def test_a_zone_that_no_key_names_is_out_of_reach(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE)
    adapter = make(KEY)
    with pytest.raises(UnknownKey):
        adapter.apply([change(KEY, a("192.0.2.1")), change("other.example./other.example./A", a("192.0.2.1"))], CAUSE)
    with pytest.raises(EmptyBatch):
        adapter.apply([], CAUSE)
    assert pdns.contents(ZONE, WWW) == []


# Threads


def test_threads_that_change_different_sets_of_one_zone_lose_and_double_nothing(pdns: Pdns, make: Make) -> None:
    """Through adapters of their own, as different backends of one server would."""
    names = [f"t{number}.{ZONE}" for number in range(4)]
    pdns.zone(ZONE, *(rrset(name, "A", "192.0.2.0") for name in names))
    rounds, serial = 12, pdns.serial(ZONE)
    told: list[tuple[str, Reply]] = []

    def work(name: str) -> None:
        key = f"{ZONE}/{name}/A"
        adapter = make(key, budget=20)
        for number in range(rounds):
            receipt = apply_one(adapter, key, a(f"192.0.2.{number + 1}"), a(f"192.0.2.{number}"))
            told.append((name, receipt.reply))

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == sorted((name, Reply.ACCEPTED) for name in names for _ in range(rounds))
    assert {name: pdns.contents(ZONE, name) for name in names} == {name: [f"192.0.2.{rounds}"] for name in names}
    assert len(pdns.contents(ZONE, ZONE, "SOA")) == 1
    # One that overlapped another would have counted from the same serial.
    assert pdns.serial(ZONE) == serial + rounds * len(names)


def test_threads_that_change_different_zones_of_one_server_keep_out_of_each_others_way(pdns: Pdns, make: Make) -> None:
    """SQLite has one writer, and PowerDNS does not wait for it."""
    zones = [f"z{number}.example." for number in range(4)]
    keys = [f"{pdns.zone(zone, rrset(zone, 'A', '192.0.2.0'))}/{zone}/A" for zone in zones]
    adapter, told = make(*keys, budget=20), list[Reply]()

    def work(pair: Sequence[str]) -> None:
        for number in range(8):
            batch = [change(key, a(f"192.0.2.{number + 1}"), a(f"192.0.2.{number}")) for key in pair]
            told.extend(receipt.reply for receipt in adapter.apply(batch, CAUSE))

    threads = [threading.Thread(target=work, args=(pair,)) for pair in (keys[:2], keys[2:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [Reply.ACCEPTED] * 8 * len(zones)


def test_threads_that_change_one_set_have_one_winner(pdns: Pdns, make: Make) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"))
    adapters = [make(KEY, budget=20) for _ in range(6)]
    told: list[Change | None] = []

    def work(number: int) -> None:
        wanted = change(KEY, a(f"192.0.2.{number + 100}"), a("192.0.2.1"))
        (receipt,) = adapters[number].apply([wanted], CAUSE)
        told.append(wanted if receipt.reply is Reply.ACCEPTED else None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(adapters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [one for one in told if one is not None]
    assert pdns.contents(ZONE, WWW) == winner.after["records"]


# Keys


@pytest.mark.parametrize(
    ("key", "normal"),
    [
        (KEY, KEY),
        ("Shop.EXAMPLE/WWW.shop.example/a", KEY),
        ("shop.example./shop.example/TXT", "shop.example./shop.example./TXT"),
        ("shop.example./*.shop.example./A", "shop.example./*.shop.example./A"),
        ("shop.example./_dmarc.shop.example./TXT", "shop.example./_dmarc.shop.example./TXT"),
        ("2.0.192.in-addr.arpa./1.2.0.192.in-addr.arpa./PTR", "2.0.192.in-addr.arpa./1.2.0.192.in-addr.arpa./PTR"),
        *(
            (key, None)
            for key in (
                *("", "/", "//", "///", "shop.example.", "shop.example./A", "www.shop.example./A"),
                *(f"{ZONE}/{WWW}/{kind}" for kind in ("", "*", "ANY", "SOA", "AXFR", "DS", "DNSKEY", "RRSIG", "NSEC3")),
                *(f"{ZONE}/{WWW}/{kind}" for kind in ("LUA", "TYPE1", "A,AAAA", "A AAAA", " A", "A\n", "\uff21")),
                *(f"{ZONE}/{name}/A" for name in ("", ".", "..", "*", "@", "www", "www.other.example.", "example.")),
                *(f"{ZONE}/{name}/A" for name in (f"www..{ZONE}", f".{ZONE}", f"w w.{ZONE}", f"www.{ZONE}\n")),
                *(f"{ZONE}/{name}/A" for name in (f"a/b.{ZONE}", f"a%2f.{ZONE}", f"a?b.{ZONE}", f"a.*.{ZONE}")),
                *(
                    f"{ZONE}/{name}/A"
                    for name in (f"ⅰ.{ZONE}", f"\u212a.{ZONE}", f"w\\.w.{ZONE}", f"eshop.example.{'x'}")
                ),
                *(f"{ZONE}/{name}/A" for name in ("eshop.example.", f"{'x' * 64}.{ZONE}", f"{'x.' * 130}{ZONE}")),
                *(f"{zone}/www.{zone}/A" for zone in (".", "", "*.example.", "..", "shop..example.", "a#b.example.")),
                f"{KEY}/A",
                f"/{KEY}",
            )
        ),
    ],
)
def test_keys_have_one_form(key: str, normal: str | None) -> None:
    if normal is None:
        with pytest.raises(InventoryFault):
            PowerDns.normalize_key(key)
    else:
        assert PowerDns.normalize_key(key) == normal
        assert PowerDns.normalize_key(normal) == normal
