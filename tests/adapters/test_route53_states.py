"""Keys, settings and states of Route 53: their one form, and every form that is refused; and what limits its XML."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.route53 import Route53
from incidents.adapters.route53_members import Member, label_of, members_of, state_of
from incidents.adapters.route53_signing import Keys, Signer
from incidents.adapters.route53_xml import MOST_TAGS, Edit, Unreadable, batch_of, page_of, tree_of
from incidents.domain.changes import Cause, Reply, State
from incidents.domain.errors import BackendUnreachable, InventoryFault
from tests.adapters.motos import keys_in, route53
from tests.adapters.subjects.route53 import member, weighted
from tests.adapters.support import change, read_reference
from tests.fakes.route53 import ACCESS, BOMB, SECRET, SESSION, ZONE, FakeRoute53

ROOT = Path(__file__).resolve().parent.parent.parent
EU, US = member("eu", 70, "192.0.2.1"), member("us", 30, "192.0.2.2")
ALIAS = {"zone": "Z1", "name": "lb.example.net.", "evaluate_health": True}


# Keys


@pytest.mark.parametrize(
    ("key", "normal"),
    [
        ("Z1/www.example.com./A", "Z1/www.example.com./A"),
        ("Z1/WWW.Example.com/aaaa", "Z1/www.example.com./AAAA"),
        ("Z1/*.example.com/TXT", "Z1/*.example.com./TXT"),
        (r"Z1/\052.example.com./A", "Z1/*.example.com./A"),
        (r"Z1/0\0572.2.0.192.in-addr.arpa/PTR", r"Z1/0\0572.2.0.192.in-addr.arpa./PTR"),
        (r"Z1/\141\137\055\101.example/A", "Z1/a_-a.example./A"),
        ("Z1/_dmarc.example.com/TXT", "Z1/_dmarc.example.com./TXT"),
        ("Z1/" + ".".join(["a" * 63] * 3) + ".example/MX", "Z1/" + ".".join(["a" * 63] * 3) + ".example./MX"),
    ],
)
def test_a_key_has_one_form(key: str, normal: str) -> None:
    assert Route53.normalize_key(key) == normal
    assert Route53.normalize_key(normal) == normal


@pytest.mark.parametrize(
    "key",
    [
        "",
        "*",
        "Z1",
        "Z1//A",
        "Z1/./A",
        "Z1/www.example.com.",
        "/www.example.com./A",
        "Z1/www.example.com./",
        "Z1/www.example.com./ANY",
        "Z1/www.example.com./SOA",
        "Z1/www.example.com./A/eu",
        "/hostedzone/Z1/www.example.com./A",
        "z1/www.example.com./A",
        "Z1?x/www.example.com./A",
        "../www.example.com./A",
        "Z" * 33 + "/www.example.com./A",
        "Z1/com./A",
        "Z1/www..com./A",
        "Z1/www.example.com../A",
        "Z1/w ww.example.com./A",
        "Z1/wêb.example.com./A",
        r"Z1/\400.example.com./A",
        r"Z1/\5.example.com./A",
        "Z1/" + "a" * 64 + ".com./A",
        "Z1/" + ".".join(["a" * 63] * 4) + ".com./A",
    ],
)
def test_what_is_no_key_is_a_fault(key: str) -> None:
    with pytest.raises(InventoryFault):
        Route53.normalize_key(key)


# States


@pytest.mark.parametrize(
    "state",
    [
        weighted(EU, US),
        weighted({**EU, "weight": 0}, US),
        weighted({**EU, "weight": 255, "ttl": 0}),
        weighted({"id": "", "weight": None, "ttl": 2147483647, "records": ["a", "b"], "health_check": "11-22"}),
        weighted({"id": "eu", "weight": 1, "alias": ALIAS, "health_check": ""}, US),
        {**weighted(EU), "status": {"label": "whatever"}},
    ],
)
def test_a_state_that_may_be_written(state: State) -> None:
    assert [one.as_json() for one in members_of("A", state)] == state["members"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "another type"),
        ({**weighted(EU), "type": "CNAME"}, "another type"),
        ({"type": "A"}, "no record set"),
        (weighted(), "without any member"),
        ({"type": "A", "members": None}, "no record set"),
        ({"type": "A", "members": {"eu": EU}}, "no record set"),
        ({**weighted(EU), "name": "other.example.com."}, "one form"),
        (weighted(US, EU), "one form"),
        (weighted({**EU, "records": ["b", "a"]}), "one form"),
        (weighted(EU, {**US, "id": "eu"}), "two members of one name"),
        (weighted("eu"), "other fields"),  # type: ignore[arg-type]
        (weighted({**EU, "region": "eu-west-1"}), "other fields"),
        (weighted({**EU, "alias": ALIAS}), "other fields"),
        (weighted({key: value for key, value in EU.items() if key != "ttl"}), "other fields"),
        (weighted({**EU, "id": ""}), "a weight and no name"),
        (weighted({**EU, "weight": None}), "a name and no weight"),
        (weighted({**EU, "id": 5}), "a name that is none"),
        (weighted({**EU, "id": "e\nu"}), "a name that is none"),
        (weighted({**EU, "id": "x" * 129}), "a name that is none"),
        (weighted({**EU, "weight": -1}), "from 0 to 255"),
        (weighted({**EU, "weight": 256}), "from 0 to 255"),
        (weighted({**EU, "weight": True}), "from 0 to 255"),
        (weighted({**EU, "weight": "70"}), "from 0 to 255"),
        (weighted({**EU, "weight": 0}), "no weight but 0"),
        (weighted({**EU, "weight": 0}, {**US, "weight": 0}), "no weight but 0"),
        (weighted({**EU, "ttl": None}), "time to live"),
        (weighted({**EU, "ttl": -1}), "time to live"),
        (weighted({**EU, "ttl": 2147483648}), "time to live"),
        (weighted({**EU, "ttl": True}), "time to live"),
        (weighted(EU, {**US, "ttl": 30}), "different times to live"),
        (weighted({**EU, "records": []}), "without records"),
        (weighted({**EU, "records": "192.0.2.1"}), "without records"),
        (weighted({**EU, "records": [""]}), "without records"),
        (weighted({**EU, "records": ["a\x00b"]}), "without records"),
        (weighted({**EU, "records": ["x" * 4001]}), "without records"),
        (weighted({**EU, "records": ["a", "a"]}), "same record twice"),
        (weighted({**EU, "health_check": None}), "health check"),
        (weighted({**EU, "health_check": "../hostedzone"}), "health check"),
        (weighted({**EU, "health_check": "x" * 65}), "health check"),
        (weighted({"id": "eu", "weight": 1, "alias": None, "health_check": ""}), "other fields than an alias"),
        (weighted({"id": "eu", "weight": 1, "alias": {**ALIAS, "zone": ""}, "health_check": ""}), "leads nowhere"),
        (
            weighted({"id": "eu", "weight": 1, "alias": {**ALIAS, "evaluate_health": 1}, "health_check": ""}),
            "leads nowhere",
        ),
        (
            weighted({"id": "", "weight": None, "ttl": 60, "records": ["192.0.2.1"], "health_check": ""}, US),
            "with and without weights",
        ),
    ],
)
def test_a_state_that_may_not_be_written(state: State, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        members_of("A", state)
    with FakeRoute53() as aws:
        aws.put("www.example.com.", "192.0.2.1", id="eu", weight=70)
        key = f"{ZONE}/www.example.com./A"
        adapter = route53(aws.web.address, [key], 3, keys_in(tmp_path))
        (receipt,) = adapter.apply([change(key, state, weighted(EU))], Cause("k"))
        assert receipt.reply is Reply.REFUSED
        assert receipt.detail.startswith(f"not sent: {key} was to ")
        assert aws.asked("POST") == 0
        adapter.close()


@pytest.mark.parametrize(
    ("weights", "label"),
    [
        ([70, 30], "m0 70 %, m1 30 %"),
        ([1, 255], "m0 under 1 %, m1 over 99 %"),
        ([0, 5], "m0 0 %, m1 100 %"),
        ([1, 1, 1], "m0 33 %, m1 33 %, m2 33 %"),
        ([1] * 10, "m0 10 %, m1 10 %, m2 10 %, m3 10 %, m4 10 %, m5 10 %, and 4 more"),
    ],
)
def test_a_label(weights: list[int], label: str) -> None:
    assert label_of([Member(f"m{place}", weight, 60, ("a",)) for place, weight in enumerate(weights)]) == label


def test_a_long_label_is_cut() -> None:
    label = label_of([Member("x" * 128, 1, 60, ("a",))])
    assert len(label) == 120
    assert label.endswith("…")
    assert state_of("TXT", [Member("", None, 60, ('"b"', '"a"'))])["status"] == {"label": '"a", "b"'}


# Settings


def settings(tmp_path: Path, **more: Any) -> Any:
    given = {**keys_in(tmp_path), "endpoint": "http://127.0.0.1:9", **more}
    return {name: value for name, value in given.items() if value is not None}


def made(given: Any, keys: frozenset[str] = frozenset()) -> Route53:
    return Route53.from_settings(name="dns", settings=given, secret=read_reference, keys=keys, budget_seconds=1)


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"profile": "default"}, "settings.profile"),
        ({"access_key_id": None}, "settings.access_key_id"),
        ({"secret_access_key": None}, "settings.secret_access_key"),
        ({"secret_access_key": SECRET}, "settings.secret_access_key"),
        ({"access_key_id": ACCESS}, "settings.access_key_id"),
        ({"region": ""}, "settings.region"),
        ({"region": "us-east-1/../x"}, "settings.region"),
        ({"region": 1}, "settings.region"),
        ({"endpoint": "http://route53.amazonaws.com"}, "settings.endpoint"),
        ({"endpoint": "http://localhost:5000"}, "settings.endpoint"),
        ({"endpoint": "http://192.0.2.1"}, "settings.endpoint"),
        ({"endpoint": "https://key:secret@route53.amazonaws.com"}, "settings.endpoint"),
        ({"endpoint": "route53.amazonaws.com"}, "settings.endpoint"),
    ],
)
def test_a_fault_names_the_setting_and_no_secret(tmp_path: Path, more: Any, path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        made(settings(tmp_path, **more))
    assert fault.value.path == path
    assert SECRET not in str(fault.value)


@pytest.mark.parametrize("name", ["access_key_id", "secret_access_key", "session_token"])
@pytest.mark.parametrize("text", ["", "two words", "é" * 20, "a\nb"])
def test_keys_that_are_none_are_faults(tmp_path: Path, name: str, text: str) -> None:
    given = settings(tmp_path, session_token=f"file:{tmp_path / 'session_token'}")
    (tmp_path / "session_token").write_text(SESSION)
    (tmp_path / name).write_text(text)
    with pytest.raises(InventoryFault) as fault:
        made(given)
    assert fault.value.path == f"settings.{name}"
    assert not text or text not in str(fault.value)


def test_settings_that_will_do(tmp_path: Path) -> None:
    for more in ({"endpoint": None}, {"region": "us-gov-west-1", "endpoint": "https://route53.us-gov.amazonaws.com"}):
        made(settings(tmp_path, **more)).close()
    with pytest.raises(InventoryFault, match="not in their one form"):
        made(settings(tmp_path), frozenset({"Z1/WWW.example.com/A"}))


# Keys of AWS


def test_keys_are_read_anew_for_each_call(tmp_path: Path) -> None:
    """Temporary ones change within the hour."""
    with FakeRoute53() as aws:
        aws.put("www.example.com.", "192.0.2.1", id="eu", weight=70)
        key = f"{ZONE}/www.example.com./A"
        adapter = route53(aws.web.address, [key], 3, keys_in(tmp_path, session_token=SESSION))
        for session in (SESSION, "another"):
            aws.session = session
            (tmp_path / "session_token").write_text(f"{session}\n")
            assert adapter.observe([key])[key]["members"]
        (tmp_path / "session_token").unlink()
        with pytest.raises(BackendUnreachable, match="our keys for dns cannot be read, so nothing was sent"):
            adapter.observe([key])
        adapter.close()


def test_keys_and_signer_show_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    keys = Keys(ACCESS, SECRET, SESSION)
    signer = Signer("dns", "route53", "us-east-1", lambda: keys)
    with caplog.at_level(logging.DEBUG):
        headers, _ = signer.sign("GET", "https://route53.amazonaws.com/x", b"")
    assert headers["X-Amz-Security-Token"] == SESSION
    assert caplog.records == []
    for text in (repr(keys), repr(signer)):
        assert SECRET not in text
        assert SESSION not in text


def test_botocore_is_not_loaded_for_the_kinds() -> None:
    """Every worker reads the table of kinds; few have such a backend."""
    code = "import sys; import incidents.engine.kinds; sys.exit('botocore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# XML


LIST = "<ListResourceRecordSetsResponse>{}</ListResourceRecordSetsResponse>"
EMPTY = LIST.format("<ResourceRecordSets/><IsTruncated>{}</IsTruncated>")
ENTRY = (
    "<ResourceRecordSets><ResourceRecordSet>{}</ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated>"
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<",
        b"{}",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        BOMB.encode(),
        BOMB.encode("utf-16"),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        # A whole list but for the entity in it.
        f'<!DOCTYPE a [<!ENTITY f "false">]>{EMPTY.format("&f;")}'.encode(),
        LIST.format("").encode(),
        LIST.format("<ResourceRecordSets/>").encode(),
        EMPTY.format("perhaps").encode(),
        EMPTY.format("true").encode(),
        LIST.format(ENTRY.format("<Type>A</Type>")).encode(),
        LIST.format(ENTRY.format("<Name>a.b.</Name><Type>A</Type><Weight>much</Weight>")).encode(),
        LIST.format(ENTRY.format("<Name>a.b.</Name><Type>A</Type><TTL>-1</TTL>")).encode(),
        b"<Other><ResourceRecordSets/><IsTruncated>false</IsTruncated></Other>",
        b"<a>" * 5000 + b"x",
    ],
)
def test_what_is_no_list(content: bytes) -> None:
    with pytest.raises(Unreadable):
        page_of(content)


def test_an_empty_list_is_one() -> None:
    assert page_of(EMPTY.format("false").encode()).rows == []


def test_a_tree_has_so_many_tags_and_no_more() -> None:
    with pytest.raises(Unreadable):
        tree_of(b"<a>" + b"<b/>" * MOST_TAGS + b"</a>")


def test_a_tree_that_is_deep_is_read_like_any_other() -> None:
    assert tree_of(b"<a>" * 300_000 + b"</a>" * 300_000).tag == "a"


def test_signs_that_mean_something_in_xml_are_only_signs() -> None:
    evil = '"</Value><Value>&amp;<!--'
    body = batch_of([Edit("CREATE", "a.example.", "TXT", Member("<&>", 1, 60, (evil,)))], "<Changes>")
    root = tree_of(body)
    assert [one.text for one in root.iter("Value")] == [evil]
    assert root.findtext("ChangeBatch/Comment") == "<Changes>"
    assert len(list(root.iter("Changes"))) == 1
