"""The entrance, the sign-in and the name of the shop, as the visitors of real and simulated labs feel them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from incidents.domain.keysets import keys_in, private_part
from incidents.domain.verdicts import Mark
from incidents.lab import policies, signing, talk
from incidents.lab.lab import Lab
from incidents.lab.parts import Part
from incidents.probes.base import Point
from incidents.probes.http import Http
from incidents.probes.name import Name
from tests.lab.test_shop import get, git, push, statuses, until
from tests.lab_fixtures import need

PLACES = ("edge-a", "edge-b", "edge-c")
RECORD = "shop.example./www.shop.example./A"


@pytest.fixture(params=["real", "simulated"])
def any_lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.getfixturevalue("healed_lab" if request.param == "real" else "simulated_lab")
    return lab


def gates(lab: Lab) -> dict[str, str]:
    found: dict[str, str] = lab.facts()["repository"]["gates"]
    return found


def sign_ins(lab: Lab) -> dict[str, str]:
    found: dict[str, str] = lab.facts()["repository"]["sign_ins"]
    return found


def document(lab: Lab, backend: str, path: str) -> str:
    """What stands in the repository, by the word of git itself or of the world."""
    facts = lab.facts()
    if facts["repository"]["kind"] == "git":
        return git("-C", facts["repository"]["url"], "show", f"main:{path}")
    told = talk.ask(facts["world"]["address"], op="status")["backends"][backend]["states"][path]["document"]
    assert isinstance(told, str)
    return told


def asked(lab: Lab, name: str = "www.shop.example.", kind: str = "A") -> dict[str, tuple[int, list[str]]]:
    """What the name server of each location says: a code, and addresses."""
    said = {}
    for place, server in lab.facts()["nameserver"]["servers"].items():
        host, _, port = server.rpartition(":")
        answer = dns.query.udp(dns.message.make_query(name, kind), host, 5, int(port))
        rows = [row.to_text() for rows in answer.answer for row in rows if rows.rdtype == dns.rdatatype.A]
        said[place] = (int(answer.rcode()), sorted(rows))
    return said


def led(lab: Lab) -> set[tuple[int, str]]:
    """The pages that people see who go where the name leads, whichever name server they ask."""
    port = lab.facts()["nameserver"]["home"]["port"]
    return {get(f"{address}:{port}") for _, addresses in asked(lab).values() for address in addresses}


def test_everybody_comes_in_signs_in_and_finds_the_shop(any_lab: Lab) -> None:
    assert {get(address) for address in gates(any_lab).values()} == {
        (200, "<!doctype html>\n<title>Shop</title>\n<p>customers are welcome</p>\n")
    }
    assert "you are signed in" in get(sign_ins(any_lab)["edge-a"])[1]
    assert statuses(sign_ins(any_lab).values()) == {200}
    [(status, page)] = led(any_lab)
    assert (status, "the web shop of Example Shop" in page) == (200, True)
    assert asked(any_lab) == dict.fromkeys(PLACES, (0, [any_lab.facts()["nameserver"]["home"]["right"]]))


def test_a_policy_that_blocks(any_lab: Lab) -> None:
    before = document(any_lab, "shop-policies", "policies/edge-b.json")
    assert before.count("\n") > 5
    any_lab.break_("policy_blocks")
    broken = document(any_lab, "shop-policies", "policies/edge-b.json")
    assert json.loads(broken) == {**json.loads(before), "allow": []}
    assert statuses(gates(any_lab).values()) == {403}
    assert statuses(sign_ins(any_lab).values()) == {200}
    any_lab.heal()
    assert document(any_lab, "shop-policies", "policies/edge-b.json") == before
    assert statuses(gates(any_lab).values()) == {200}


def test_keys_that_nothing_is_signed_with(any_lab: Lab) -> None:
    before = document(any_lab, "shop-keys", "keys/edge-c.json")
    any_lab.break_("keys_wrong")
    wrong = document(any_lab, "shop-keys", "keys/edge-c.json")
    assert [(key.id, key.kind) for text in (before, wrong) for key in keys_in(text)] == [
        ("shop-this-year", "OKP Ed25519"),
        ("shop-next-year", "OKP Ed25519"),
    ]
    assert statuses(sign_ins(any_lab).values()) == {403}
    assert statuses(gates(any_lab).values()) == {200}
    any_lab.heal()
    assert document(any_lab, "shop-keys", "keys/edge-c.json") == before
    assert statuses(sign_ins(any_lab).values()) == {200}


def test_a_record_that_leads_to_somebody_else(any_lab: Lab) -> None:
    home = any_lab.facts()["nameserver"]["home"]
    any_lab.break_("record_wrong")
    assert asked(any_lab) == dict.fromkeys(PLACES, (0, [home["wrong"]]))
    [(status, page)] = led(any_lab)
    assert (status, "this name is for sale" in page) == (200, True)
    any_lab.heal()
    assert asked(any_lab) == dict.fromkeys(PLACES, (0, [home["right"]]))


def test_other_names_and_other_kinds_of_records(any_lab: Lab) -> None:
    """The world answers as PowerDNS does."""
    assert asked(any_lab, "nobody.shop.example.") == dict.fromkeys(PLACES, (dns.rcode.NXDOMAIN, []))
    assert asked(any_lab, "www.shop.example.", "AAAA") == dict.fromkeys(PLACES, (0, []))
    assert asked(any_lab, "www.bank.example.") == dict.fromkeys(PLACES, (dns.rcode.REFUSED, []))


@pytest.mark.parametrize("scenario", ["policy_blocks", "record_wrong", "keys_wrong", "everything"])
def test_healing_leaves_nothing_of_it(any_lab: Lab, scenario: str) -> None:
    before = any_lab.status()
    any_lab.break_(scenario)
    any_lab.break_(scenario)
    assert any_lab.status()["scenarios"] == [scenario]
    assert any_lab.status() != before
    any_lab.heal()
    assert any_lab.status() == before


def test_the_worst_day(any_lab: Lab) -> None:
    """One of each kind of Example Shop at once, and nothing of Example Bank."""
    facts = any_lab.facts()
    any_lab.break_("everything")
    status = any_lab.status()
    assert {prefix for prefix, places in status["visible"].items() if not places} == {"203.0.113.0/24"}
    assert statuses(facts["repository"]["pages"].values()) == {500}
    assert statuses(facts["balancer"]["fronts"].values()) == {503}
    assert statuses(gates(any_lab).values()) == {403}
    assert statuses(sign_ins(any_lab).values()) == {403}
    assert {one["ours"] for one in status["names"].values()} == {False}
    any_lab.heal()
    assert any_lab.status()["visible"]["203.0.113.0/24"] == list(PLACES)
    pages = [*facts["repository"]["pages"].values(), *facts["balancer"]["fronts"].values()]
    assert statuses([*pages, *gates(any_lab).values(), *sign_ins(any_lab).values()]) == {200}


def test_the_probes_see_what_visitors_feel(any_lab: Lab) -> None:
    inventory = yaml.safe_load(Path(any_lab.facts()["inventory"]).read_text())
    kinds: dict[str, Any] = {"gate": Http, "sign-in": Http, "names": Name}
    resources = {one["watch"][0]["probe"]: one for one in inventory["organizations"][0]["resources"]}

    def marks() -> dict[str, set[tuple[str, str]]]:
        said = {}
        for given in inventory["probes"]:
            if given["name"] in kinds:
                kind, settings = kinds[given["name"]], given["settings"]
                probe = kind.from_settings(name="probe", settings=settings, secret=str, budget_seconds=5)
                watch = resources[given["name"]]["watch"]
                points = [Point(at, "", one["location"], one["address"]) for at, one in enumerate(watch)]
                said[given["name"]] = {(str(one.mark), one.detail) for one in probe.measure(points).values()}
        return said

    passed = str(Mark.PASS)
    assert marks() == {
        "gate": {(passed, "answered")},
        "sign-in": {(passed, "answered")},
        "names": {(passed, "found and answered")},
    }
    any_lab.break_("everything")
    assert marks() == {
        "gate": {("fail", "answered 403")},
        "sign-in": {("fail", "answered 403")},
        "names": {("fail", "found, but answered without the expected text")},
    }


def test_the_private_key_is_ours_alone_and_nowhere_in_the_history(any_lab: Lab) -> None:
    repository = any_lab.facts()["repository"]
    file = Path(repository["key_file"])
    assert file.stat().st_mode & 0o777 == 0o600
    key = load_pem_private_key(file.read_bytes(), None)
    public = jwt.PyJWKSet.from_json(document(any_lab, "shop-keys", "keys/edge-a.json")).keys[0]
    token = jwt.encode({"sub": "somebody"}, key, "EdDSA")  # type: ignore[arg-type]  # it is one of Ed25519
    assert jwt.decode(token, public, algorithms=["EdDSA"]) == {"sub": "somebody"}
    secret = "".join(file.read_text().splitlines()[1:-1])
    if repository["kind"] == "git":
        any_lab.break_("keys_wrong")
        any_lab.heal()
        history = git("-C", repository["url"], "log", "--patch", "main")
        assert secret not in history
        assert private_part(history) == ""
    for written in any_lab.directory.iterdir():
        if written.is_file():
            assert secret.encode() not in written.read_bytes(), written


def test_history_says_what_happened_to_a_document(healed_lab: Lab) -> None:
    url = healed_lab.facts()["repository"]["url"]
    before = git("-C", url, "rev-parse", "main").strip()
    healed_lab.break_("policy_blocks")
    healed_lab.break_("keys_wrong")
    healed_lab.heal()
    healed_lab.heal()
    assert git("-C", url, "log", "--format=%s", f"{before}..main").splitlines() == [
        "Publish the key of this year again",
        "Let in customers, partners and the warehouse again",
        "Publish the key of next year",
        "Clear the list of who may come in",
    ]
    assert git("-C", url, "rev-parse", "main^{tree}") == git("-C", url, "rev-parse", f"{before}^{{tree}}")


def test_the_gate_and_the_sign_in_go_by_what_others_push(healed_lab: Lab, tmp_path: Path) -> None:
    git("clone", "--quiet", healed_lab.facts()["repository"]["url"], str(tmp_path / "clone"))
    clone = tmp_path / "clone"
    (clone / "policies" / "edge-b.json").write_text("{")
    git("-C", str(clone), "rm", "--quiet", "keys/edge-c.json")
    push(clone)
    assert until(lambda: get(gates(healed_lab)["edge-b"])[0] == 403)
    assert until(lambda: get(sign_ins(healed_lab)["edge-c"])[0] == 403)
    assert get(gates(healed_lab)["edge-a"])[0] == 200
    assert get(sign_ins(healed_lab)["edge-a"])[0] == 200
    healed_lab.heal()
    assert statuses([*gates(healed_lab).values(), *sign_ins(healed_lab).values()]) == {200}


def test_a_name_server_that_ends_is_told_and_its_zone_is_made_anew(tmp_path: Path) -> None:
    need("pdns_server", "git", "haproxy", "gobgpd", "bird")
    with Lab(tmp_path / "lab") as lab:
        lab.break_("record_wrong")
        first = lab.facts()["nameserver"]
        assert first["kind"] == "powerdns"
        os.kill(lab.facts()["processes"]["nameserver"]["pid"], signal.SIGKILL)
        assert until(lambda: lab.ended() == ["nameserver"])
        assert lab.status()["names"]["edge-a"]["addresses"] == ()
    with Lab(tmp_path / "lab") as lab:
        assert {one["ours"] for one in lab.status()["names"].values()} == {True}


def test_the_api_of_the_name_server_takes_nobody_without_its_key(healed_lab: Lab) -> None:
    line = http.client.HTTPConnection(healed_lab.facts()["nameserver"]["url"].removeprefix("http://"), timeout=5)
    for headers in ({}, {"X-API-Key": "guessed"}):
        line.request("GET", "/api/v1/servers/localhost/zones", headers=headers)
        answer = line.getresponse()
        answer.read()
        assert answer.status == 401
    line.close()


def put(lab: Lab, backend: str, key: str, state: Mapping[str, Any]) -> None:
    talk.ask(lab.facts()["world"]["address"], op="put", backend=backend, states={key: state})


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"type": "A", "ttl": 60, "records": []}, (dns.rcode.NXDOMAIN, [])),
        ({"type": "A", "ttl": 60, "records": ["127.0.0.1", "127.0.0.2"]}, (0, ["127.0.0.1", "127.0.0.2"])),
        ({"type": "A", "ttl": 60, "records": ["nowhere"]}, (dns.rcode.SERVFAIL, [])),
        ({"type": "A", "records": ["127.0.0.1"]}, (dns.rcode.SERVFAIL, [])),
    ],
)
def test_the_simulated_name_server_says_what_its_backend_holds(
    simulated_lab: Lab, state: Mapping[str, Any], said: tuple[int, list[str]]
) -> None:
    put(simulated_lab, "dns", RECORD, state)
    assert asked(simulated_lab) == dict.fromkeys(PLACES, said)


def test_the_simulated_name_server_outlives_what_is_no_question(simulated_lab: Lab) -> None:
    host, _, port = simulated_lab.facts()["nameserver"]["servers"]["edge-a"].rpartition(":")
    reply = dns.message.make_response(dns.message.make_query("www.shop.example.", "A"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        for wire in (b"", b"no message", reply.to_wire(), dns.message.Message().to_wire()):
            line.sendto(wire, (host, int(port)))
    assert asked(simulated_lab)["edge-a"][0] == 0


def test_the_simulated_backends_call_their_states_by_name(simulated_lab: Lab) -> None:
    def label(backend: str, key: str) -> object:
        address = simulated_lab.facts()["world"]["address"]
        told = talk.ask(address, op="observe", backend=backend, token="", keys=[key])["states"][key]
        return told["status"]["label"]

    home = simulated_lab.facts()["nameserver"]["home"]
    assert label("shop-policies", "policies/edge-a.json") == "Let in customers, partners and the warehouse"
    assert (label("shop-keys", "keys/edge-a.json"), label("dns", RECORD)) == ("1 key", home["right"])
    simulated_lab.break_("everything")
    assert label("shop-policies", "policies/edge-a.json") == "Clear the list of who may come in"
    assert (label("shop-keys", "keys/edge-a.json"), label("dns", RECORD)) == ("1 key", home["wrong"])


@pytest.mark.parametrize(
    "policy", [None, "", "{", "[]", '{"allow": 5}', '{"allow": ["customers"]}', '{"allow": [{"who": "partners"}]}']
)
def test_nobody_comes_in_by_a_policy_that_does_not_say_so(policy: str | None) -> None:
    assert policies.page(policy).status == 403


@pytest.mark.parametrize("published", [None, "", "{", "[]", "5", '{"keys": []}', '{"keys": [{"kty": "OKP"}]}'])
def test_nobody_signs_in_by_keys_that_are_none(simulated_lab: Lab, published: str | None) -> None:
    key = signing.read_private(Path(simulated_lab.facts()["repository"]["key_file"]))
    assert signing.page(published, key).status == 403
    right = signing.right_set(key)["keys/edge-a.json"]
    beside = {"keys": [*json.loads(right)["keys"], {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}]}
    assert signing.page(json.dumps(beside), key).status == 200


def test_without_the_tables_of_its_database_the_name_server_is_played() -> None:
    part = Part.of("sh", simulated=False, hindrance="pdns-backend-sqlite3 not installed")
    assert (part.real, part.why) == (False, "pdns-backend-sqlite3 not installed")
