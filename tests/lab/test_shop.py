"""The checkout page and the web shop of the lab, as the visitors of real and simulated ones feel them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from incidents.lab import balancer, talk
from incidents.lab.lab import Lab
from incidents.lab.web import visit
from incidents.probes.base import Point
from incidents.probes.http import Http
from tests.lab_fixtures import PLACES, need

ORIGINS = ("origin-a", "origin-b", "origin-c")


@pytest.fixture(params=["real", "simulated"])
def any_lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.getfixturevalue("healed_lab" if request.param == "real" else "simulated_lab")
    return lab


def get(address: str) -> tuple[int, str]:
    line = http.client.HTTPConnection(address, timeout=5)
    try:
        line.request("GET", "/")
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


def statuses(addresses: Iterable[str], times: int = 6) -> set[int]:
    """What visitors are answered who come again and again to each address."""
    return {get(address)[0] for address in list(addresses) * times}


def pages(lab: Lab) -> dict[str, str]:
    found: dict[str, str] = lab.facts()["repository"]["pages"]
    return found


def fronts(lab: Lab) -> dict[str, str]:
    found: dict[str, str] = lab.facts()["balancer"]["fronts"]
    return found


def until(true: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def servants(address: str, times: int) -> Counter[str]:
    """Which origins served so many visitors."""
    answers = [get(address)[1] for _ in range(times)]
    return Counter(name for answer in answers for name in ORIGINS if name in answer)


def test_every_location_has_a_page_of_its_own_and_the_traffic_is_shared(any_lab: Lab) -> None:
    said = {location: get(address) for location, address in pages(any_lab).items()}
    assert {status for status, _ in said.values()} == {200}
    assert "checkout 1.42, served from Amsterdam" in said["edge-a"][1]
    assert "checkout 1.42, served from Singapore" in said["edge-c"][1]
    for address in fronts(any_lab).values():
        assert servants(address, 12) == dict.fromkeys(ORIGINS, 4)


def test_visitors_feel_a_bad_deploy_and_its_healing(any_lab: Lab) -> None:
    addresses = pages(any_lab).values()
    assert statuses(addresses) == {200}
    any_lab.break_("bad_deploy")
    assert statuses(addresses) == {500}
    assert "the template checkout.html does not exist" in get(pages(any_lab)["edge-b"])[1]
    assert statuses(fronts(any_lab).values()) == {200}
    any_lab.heal()
    assert statuses(addresses) == {200}


def test_visitors_feel_stuck_traffic_and_its_healing(any_lab: Lab) -> None:
    addresses = fronts(any_lab).values()
    assert statuses(addresses) == {200}
    any_lab.break_("traffic_stuck")
    assert statuses(addresses) == {503}
    assert statuses(pages(any_lab).values()) == {200}
    assert any_lab.status()["origins"] == {
        "origin-a": {"weight": 0, "mode": "ready", "ready": True},
        "origin-b": {"weight": 100, "mode": "ready", "ready": False},
        "origin-c": {"weight": 0, "mode": "ready", "ready": True},
    }
    any_lab.heal()
    assert statuses(addresses) == {200}
    assert servants(next(iter(addresses)), 12) == dict.fromkeys(ORIGINS, 4)


@pytest.mark.parametrize("scenario", ["bad_deploy", "traffic_stuck"])
def test_healing_leaves_nothing_of_it(any_lab: Lab, scenario: str) -> None:
    before = any_lab.status()
    any_lab.break_(scenario)
    any_lab.break_(scenario)
    broken = any_lab.status()
    assert broken["scenarios"] == [scenario]
    assert broken["visible"] == before["visible"]
    any_lab.heal()
    assert any_lab.status() == before


def test_the_probe_sees_what_visitors_feel(any_lab: Lab) -> None:
    def marks(settings: Mapping[str, object], addresses: dict[str, str]) -> set[tuple[str, str]]:
        probe = Http.from_settings(name="web", settings=settings, secret=str, budget_seconds=5)
        points = [Point(number, "", place, addresses[place]) for number, place in enumerate(addresses)]
        return {(str(reading.mark), reading.detail) for reading in probe.measure(points).values()}

    web, front = {"expect_text": "checkout"}, {"requests": 6}
    assert marks(web, pages(any_lab)) | marks(front, fronts(any_lab)) == {("pass", "answered")}
    any_lab.break_("bad_deploy")
    any_lab.break_("traffic_stuck")
    assert marks(web, pages(any_lab)) == {("fail", "answered 500")}
    assert marks(front, fronts(any_lab)) == {("fail", "answered 503")}


def test_an_origin_that_fails_alone_is_passed_over(any_lab: Lab) -> None:
    facts = any_lab.facts()
    if facts["balancer"]["kind"] == "haproxy":
        (Path(facts["balancer"]["failing"]) / "origin-b").touch()
    else:
        state = {"weight": 100, "mode": "ready", "status": {"ready": False}}
        talk.ask(facts["world"]["address"], op="put", backend="balancer", states={"web/origin-b": state})
    assert until(lambda: not any_lab.status()["origins"]["origin-b"]["ready"])
    assert statuses(fronts(any_lab).values()) == {200}
    assert set(servants(fronts(any_lab)["edge-a"], 12)) == {"origin-a", "origin-c"}


def git(*arguments: str) -> str:
    who = ("-c", "user.name=Example Shop", "-c", "user.email=releases@shop.example")
    done = subprocess.run(["git", *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def clone(healed_lab: Lab, tmp_path: Path) -> Path:
    """What somebody works in who may push to the shop's repository."""
    need("git")
    git("clone", "--quiet", healed_lab.facts()["repository"]["url"], str(tmp_path / "clone"))
    return tmp_path / "clone"


def push(clone: Path, *options: str) -> None:
    git("-C", str(clone), "commit", "--quiet", "--all", "--message", "Change")
    git("-C", str(clone), "push", "--quiet", *options)


def test_the_deployer_serves_what_others_push(healed_lab: Lab, clone: Path) -> None:
    page = clone / "checkout" / "edge-b" / "page.html"
    page.write_text("release $version of edge-b alone")
    push(clone)
    assert until(lambda: get(pages(healed_lab)["edge-b"]) == (200, "release 1.42 of edge-b alone"))
    assert "Amsterdam" in get(pages(healed_lab)["edge-a"])[1]
    (clone / "checkout" / "edge-b" / "settings.json").write_text("{")
    push(clone)
    assert until(lambda: get(pages(healed_lab)["edge-b"])[0] == 500)
    git("-C", str(clone), "rm", "--quiet", "-r", "checkout/edge-c")
    push(clone)
    assert until(lambda: get(pages(healed_lab)["edge-c"])[0] == 500)
    assert get(pages(healed_lab)["edge-a"])[0] == 200
    healed_lab.heal()
    assert statuses(pages(healed_lab).values()) == {200}
    assert "Frankfurt" in get(pages(healed_lab)["edge-b"])[1]


def test_history_is_only_added_to(healed_lab: Lab, clone: Path) -> None:
    url = healed_lab.facts()["repository"]["url"]
    before = git("-C", url, "rev-parse", "main").strip()
    healed_lab.break_("bad_deploy")
    healed_lab.heal()
    healed_lab.heal()
    subjects = git("-C", url, "log", "--format=%s", f"{before}..main").splitlines()
    assert subjects == ["Put back release 1.42", "Release 1.43"]
    assert git("-C", url, "rev-parse", "main^{tree}") == git("-C", url, "rev-parse", f"{before}^{{tree}}")
    assert git("-C", url, "log", "--format=%s", "--reverse", "main").splitlines()[:2] == [
        "Release 1.41",
        "Release 1.42",
    ]
    (clone / "checkout" / "edge-a" / "page.html").write_text("rewritten")
    with pytest.raises(subprocess.CalledProcessError):
        push(clone, "--force")


def test_the_deployer_goes_on_serving_while_the_repository_is_away(healed_lab: Lab) -> None:
    url = Path(healed_lab.facts()["repository"]["url"])
    url.rename(url.with_name("away.git"))
    try:
        time.sleep(0.3)
        assert statuses(pages(healed_lab).values()) == {200}
    finally:
        url.with_name("away.git").rename(url)
    healed_lab.break_("bad_deploy")
    assert statuses(pages(healed_lab).values()) == {500}


@pytest.fixture
def mixed_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """On a machine where of all programs haproxy alone is on the PATH."""
    need("haproxy")
    found = next(path for place in PLACES.split(":") if (path := Path(place) / "haproxy").exists())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "haproxy").symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with Lab(tmp_path / "lab") as lab:
        yield lab


def test_what_is_not_installed_is_simulated_beside_what_is(mixed_lab: Lab) -> None:
    parts = {name: (part["real"], part["why"]) for name, part in mixed_lab.facts()["parts"].items()}
    assert parts["repository"] == (False, "git not installed")
    assert parts["balancer"] == (True, "haproxy is installed")
    assert parts["routers"][0] is False
    inventory = yaml.safe_load(Path(mixed_lab.facts()["inventory"]).read_text())
    backends = {backend["name"]: backend["kind"] for backend in inventory["backends"]}
    assert (backends["shop-repo"], backends["balancer"]) == ("simulated", "haproxy")
    mixed_lab.break_("bad_deploy")
    mixed_lab.break_("traffic_stuck")
    assert (statuses(pages(mixed_lab).values()), statuses(fronts(mixed_lab).values())) == ({500}, {503})
    mixed_lab.heal()
    assert (statuses(pages(mixed_lab).values()), statuses(fronts(mixed_lab).values())) == ({200}, {200})


def test_weights_outlive_the_balancer(mixed_lab: Lab) -> None:
    """HAProxy reads its state file when it starts, as after a reload."""
    mixed_lab.break_("traffic_stuck")
    facts = mixed_lab.facts()
    os.kill(facts["processes"]["balancer"]["pid"], signal.SIGKILL)
    assert until(lambda: mixed_lab.ended() == ["balancer"])
    control = facts["balancer"]["socket"]
    again = subprocess.Popen(
        ["haproxy", "-db", "-f", "haproxy.cfg"], cwd=mixed_lab.directory, stderr=subprocess.DEVNULL
    )
    try:
        assert until(lambda: {visit(address).status for address in fronts(mixed_lab).values()} == {503})
        weights = {name: origin.weight for name, origin in balancer.origins(control).items()}
        assert weights == {"origin-a": 0, "origin-b": 100, "origin-c": 0}
    finally:
        again.kill()
        again.wait()


def ask(lab: Lab, **request: object) -> dict[str, object]:
    return talk.ask(lab.facts()["world"]["address"], **request)


def test_the_simulated_balancer_shares_by_weight(simulated_lab: Lab) -> None:
    def put(weight: int, mode: str = "ready", *, ready: bool = True) -> dict[str, object]:
        return {"weight": weight, "mode": mode, "status": {"ready": ready}}

    states = {"web/origin-a": put(50), "web/origin-b": put(150), "web/origin-c": put(0)}
    ask(simulated_lab, op="put", backend="balancer", states=states)
    address = fronts(simulated_lab)["edge-a"]
    assert servants(address, 8) == {"origin-a": 2, "origin-b": 6}
    ask(simulated_lab, op="put", backend="balancer", states={"web/origin-b": put(150, "drain")})
    assert servants(address, 4) == {"origin-a": 4}
    ask(simulated_lab, op="put", backend="balancer", states={"web/origin-a": put(50, "maint")})
    assert get(address)[0] == 503


def test_a_simulated_origin_stays_as_well_as_it_is_whatever_it_is_told(simulated_lab: Lab) -> None:
    simulated_lab.break_("traffic_stuck")
    changes = [{"key": f"web/{name}", "after": {"weight": 100, "mode": "ready"}} for name in ORIGINS]
    ask(simulated_lab, op="apply", backend="balancer", token="", idempotency_key="1", changes=changes)
    states = ask(simulated_lab, op="observe", backend="balancer", token="", keys=["web/origin-a", "web/origin-b"])
    assert states["states"] == {
        "web/origin-a": {"weight": 100, "mode": "ready", "status": {"ready": True}},
        "web/origin-b": {"weight": 100, "mode": "ready", "status": {"ready": False}},
    }
    assert set(servants(fronts(simulated_lab)["edge-b"], 6)) == {"origin-a", "origin-c"}


def test_the_simulated_repository_says_which_release_a_tree_is(simulated_lab: Lab) -> None:
    def seen() -> dict[str, object]:
        found = ask(simulated_lab, op="observe", backend="shop-repo", token="", keys=["checkout/edge-a"])["states"]
        assert isinstance(found, dict)
        state: dict[str, object] = found["checkout/edge-a"]
        return state

    good = seen()
    assert good["status"] == {"label": "Release 1.42"}
    simulated_lab.break_("bad_deploy")
    assert seen()["status"] == {"label": "Release 1.43"}
    change = {"key": "checkout/edge-a", "after": {"tree": good["tree"]}}
    ask(simulated_lab, op="apply", backend="shop-repo", token="", idempotency_key="1", changes=[change])
    assert seen() == good
    assert [get(address)[0] for address in pages(simulated_lab).values()] == [200, 500, 500]
    ask(simulated_lab, op="put", backend="shop-repo", states={"checkout/edge-a": {"tree": "0" * 40}})
    assert get(pages(simulated_lab)["edge-a"])[0] == 500
    assert seen() == {"tree": "0" * 40}
